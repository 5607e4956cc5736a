"""Calls of AWS that may fail: a run goes on without them and says which they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Any, ParamSpec, Self, TypeVar

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  botocore's

from peakfleet_handlers.aws.clients import CALL_SECONDS

P = ParamSpec("P")
T = TypeVar("T")

MESSAGE_LENGTH = 300
REPORT_SECONDS = 1
"""Kept back so that a run always ends with its log line and metrics."""
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)
"""What reading an answer of another shape than AWS's models say raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The end of an invocation.

    Args:
        remaining_milliseconds: Says how long the function may still run.
    """

    remaining_milliseconds: Callable[[], float]

    @classmethod
    def of(cls, context: object) -> Self:
        """Return the deadline of a Lambda context; anything else never ends."""
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return cls(remaining_milliseconds=remaining if callable(remaining) else lambda: inf)

    @property
    def allows_a_call(self) -> bool:
        """Whether even the slowest call would leave time to report."""
        return self.remaining_milliseconds() >= 1000 * (CALL_SECONDS + REPORT_SECONDS)


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


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that AWS answers page by page.

    Args:
        found: What the pages that could be read list, in order.
        complete: Whether these are all.
    """

    found: tuple[Any, ...]
    complete: bool


@dataclass(slots=True, kw_only=True)
class Calls:
    """Every call of one run goes through here.

    Args:
        deadline: No call is started that could outlast it.
        failed: What failed so far.
    """

    deadline: Deadline
    failed: list[FailedCall] = field(default_factory=list)

    def ask(
        self, call: Callable[P, T], subject: str, /, *args: P.args, **request: P.kwargs
    ) -> T | None:
        """Ask AWS; None if that failed or there is no time for it.

        Args:
            call: A method of a client, which takes keywords alone.
            subject: What it is asked about, for the report of a failure.
            args: None.
            request: What is asked.
        """
        return self.attempt(operation_of(call), subject, lambda: call(*args, **request))

    def listed(
        self, operation: str, subject: str, pages: Iterable[Mapping[str, Any]], member: str
    ) -> Listed:
        """Return what the pages of an answer list; before each it is seen whether there is time.

        Args:
            operation: What is asked.
            subject: What it is asked about.
            pages: What a paginator of boto3 returns.
            member: Where each page has its list, which is of objects.
        """
        found: list[Any] = []
        rest = iter(pages)
        while page := self.attempt(operation, subject, lambda: [*_next(rest, member)]):
            found += page[0]
        return Listed(tuple(found), complete=page is not None)

    def attempt(self, operation: str, subject: str, call: Callable[[], T]) -> T | None:
        """Return what *call* returns, or None if it failed or there is no time for it."""
        if not self.deadline.allows_a_call:
            self.note(operation, subject, Cause.NO_TIME, "the function's timeout is too near")
            return None
        return self.reading(operation, subject, call)

    def reading(self, operation: str, subject: str, read: Callable[[], T]) -> T | None:
        """Return what *read* makes of an answer, or None if that is not of the shape it expects."""
        try:
            return read()
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

    def to_json(self) -> list[Mapping[str, Any]]:
        """Return what failed as JSON-ready data."""
        return [{name: getattr(one, name) for name in FailedCall.__slots__} for one in self.failed]


def _next(pages: Iterable[Mapping[str, Any]], member: str) -> Iterator[list[Any]]:
    """Yield what the next page lists, if there is one."""
    for page in pages:
        listed = list(page.get(member, ()))
        if not all(isinstance(one, Mapping) for one in listed):
            raise TypeError(f"{member} must be objects, got {listed!r:.{MESSAGE_LENGTH}}")
        yield listed
        return


def operation_of(call: Callable[..., object]) -> str:
    """Return what AWS calls a method of boto3.

    >>> def list_objects_v2(): ...
    >>> operation_of(list_objects_v2)
    'ListObjectsV2'
    """
    return "".join(part.capitalize() for part in getattr(call, "__name__", "").split("_"))


def cause_of(error: Exception) -> Cause:
    """Return the class of an error."""
    if isinstance(error, ConnectionError | HTTPClientError):
        return Cause.UNREACHABLE
    if isinstance(error, UNREADABLE):
        return Cause.UNREADABLE
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
