"""Calls that may fail: a tick goes on without them and says which they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  botocore's

from peakfleet_handlers.aws.deadline import Deadline

T = TypeVar("T")

MESSAGE_LENGTH = 300


class Cause(StrEnum):
    """Why a call did not do what was asked."""

    BOUNDS = "bounds"
    SCALING_IN_PROGRESS = "scaling-in-progress"
    THROTTLED = "throttled"
    NOT_AUTHORISED = "not-authorised"
    NOT_FOUND = "not-found"
    UNREACHABLE = "unreachable"
    NO_TIME = "no-time"
    UNREADABLE = "unreadable"
    OTHER = "other"


_CAUSES = {
    "ScalingActivityInProgress": Cause.SCALING_IN_PROGRESS,
    "ResourceContention": Cause.SCALING_IN_PROGRESS,
    "RequestLimitExceeded": Cause.THROTTLED,
    "ProvisionedThroughputExceededException": Cause.THROTTLED,
    "TooManyRequestsException": Cause.THROTTLED,
    "ResourceNotFoundException": Cause.NOT_FOUND,
    "ListenerNotFound": Cause.NOT_FOUND,
    "TargetGroupNotFound": Cause.NOT_FOUND,
    "UnauthorizedOperation": Cause.NOT_AUTHORISED,
}
_PARTS = {
    "Throttl": Cause.THROTTLED,
    "AccessDenied": Cause.NOT_AUTHORISED,
    "ExpiredToken": Cause.NOT_AUTHORISED,
}
_VALIDATIONS = {
    "above max": Cause.BOUNDS,
    "below min": Cause.BOUNDS,
    "not found": Cause.NOT_FOUND,
}
_STATUSES = {403: Cause.NOT_AUTHORISED, 429: Cause.THROTTLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCall:
    """One call that failed, or one answer that could not be used.

    Args:
        operation: What was called.
        subject: What it was called for, such as a pool.
        cause: Why it failed.
        message: What was answered.
    """

    operation: str
    subject: str
    cause: Cause
    message: str


@dataclass(slots=True, kw_only=True)
class Calls:
    """Every call of one tick goes through here.

    Args:
        deadline: No call is started that could outlast it.
        failed: What failed so far.
    """

    deadline: Deadline
    failed: list[FailedCall] = field(default_factory=list)

    def attempt(self, operation: str, subject: str, call: Callable[[], T]) -> T | None:
        """Return what *call* returns, or None if it failed or there is no time for it."""
        if not self.deadline.allows_a_call:
            self.note(operation, subject, Cause.NO_TIME, "the function's timeout is too near")
            return None
        try:
            return call()
        except Exception as error:  # noqa: BLE001  an outage has more shapes than botocore's errors
            self.note(operation, subject, cause_of(error), f"{type(error).__name__}: {error}")
            return None

    def note(self, operation: str, subject: str, cause: Cause, message: str) -> None:
        """Remember a failure."""
        self.failed.append(
            FailedCall(
                operation=operation,
                subject=subject,
                cause=cause,
                message=message[:MESSAGE_LENGTH],
            )
        )


def cause_of(error: Exception) -> Cause:
    """Return the class of an error."""
    if isinstance(error, ConnectionError | HTTPClientError):
        return Cause.UNREACHABLE
    if not isinstance(error, ClientError):
        return Cause.OTHER
    answer = error.response.get("Error", {})
    code, message = answer.get("Code", ""), answer.get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    by_part = (cause for part, cause in _PARTS.items() if part in code)
    by_message = (
        cause
        for part, cause in _VALIDATIONS.items()
        if code == "ValidationError" and part in message
    )
    return _CAUSES.get(code) or next(by_part, next(by_message, _STATUSES.get(status, Cause.OTHER)))
