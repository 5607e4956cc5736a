"""Calls that fail: each has a class, and none stops a tick."""

from __future__ import annotations

from math import inf

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from peakfleet_handlers.aws import Calls, Cause, Deadline, cause_of
from tests.handlers.faults import refusal

URL = "https://autoscaling.test"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (refusal("ValidationError", "New value 11 is above max value 10"), Cause.BOUNDS),
        (refusal("ValidationError", "New value 0 is below min value 1"), Cause.BOUNDS),
        (refusal("ValidationError", "AutoScalingGroup name not found"), Cause.NOT_FOUND),
        (refusal("ValidationError", "something else"), Cause.OTHER),
        (refusal("ScalingActivityInProgress"), Cause.SCALING_IN_PROGRESS),
        (refusal("ResourceContention"), Cause.SCALING_IN_PROGRESS),
        (refusal("Throttling"), Cause.THROTTLED),
        (refusal("ThrottlingException"), Cause.THROTTLED),
        (refusal("RequestLimitExceeded", status=503), Cause.THROTTLED),
        (refusal("", status=429), Cause.THROTTLED),
        (refusal("AccessDenied", status=403), Cause.NOT_AUTHORISED),
        (refusal("AccessDeniedException"), Cause.NOT_AUTHORISED),
        (refusal("InvalidClientTokenId", status=403), Cause.NOT_AUTHORISED),
        (refusal("ResourceNotFoundException"), Cause.NOT_FOUND),
        (ConnectTimeoutError(endpoint_url=URL), Cause.UNREACHABLE),
        (ReadTimeoutError(endpoint_url=URL), Cause.UNREACHABLE),
        (EndpointConnectionError(endpoint_url=URL), Cause.UNREACHABLE),
        (NoCredentialsError(), Cause.OTHER),
        (ResponseParserError("no XML"), Cause.OTHER),
        (KeyError("AutoScalingGroups"), Cause.UNREADABLE),
    ],
)
def test_a_failure_is_noted_with_its_cause(error: Exception, cause: Cause) -> None:
    calls = Calls(deadline=Deadline(remaining_milliseconds=lambda: inf))

    def fails() -> str:
        raise error

    assert calls.attempt("SetDesiredCapacity", "Graviton", fails) is None
    (failed,) = calls.failed
    assert (failed.operation, failed.subject) == ("SetDesiredCapacity", "Graviton")
    assert failed.cause is cause_of(error) is cause


def test_no_call_is_started_that_could_outlast_the_function() -> None:
    started = []
    calls = Calls(deadline=Deadline(remaining_milliseconds=lambda: 14_999))
    assert calls.attempt("Query", "table", lambda: started.append("it")) is None
    assert started == []
    assert [failed.cause for failed in calls.failed] == [Cause.NO_TIME]
