"""LaunchInstances that does not answer in time: asked again by its token, never in a second way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from peakfleet_handlers.aws import Calls, Cause, Deadline, Launcher
from peakfleet_planner import Answer, Launch, OutageCause, PoolSpec, Refusal
from tests.handlers.faults import refusal
from tests.handlers.scenes import NOW

POOL = PoolSpec(name="G", group="g", units_per_capacity=1, max_capacity=50, launch="direct")
TIMEOUT = ReadTimeoutError(endpoint_url="https://autoscaling")
CAME = {"Instances": [{"InstanceIds": ["i-1", "i-2", "i-3"]}], "Errors": []}
NOT_ALLOWED = {"ErrorCode": "UnauthorizedOperation", "ErrorMessage": "You are not authorized"}


@dataclass(kw_only=True)
class SlowLaunches:
    """EC2 Auto Scaling that launches once for each token, and answers as it is told to."""

    answers: list[Exception | dict[str, Any]]
    tokens: list[str] = field(default_factory=list)
    clock: float = 0.0

    def launch_instances(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
        self.tokens.append(asked["ClientToken"])
        self.clock += 3
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def asked(
    *answers: Exception | dict[str, Any], seconds: float = 50
) -> tuple[Answer, Launcher, SlowLaunches]:
    fake = SlowLaunches(answers=list(answers))
    left: Callable[[], float] = lambda: 1000 * (seconds - fake.clock)  # noqa: E731  short
    launcher = Launcher(
        fleet="f",
        tick=NOW,
        autoscaling=cast("Any", fake),
        calls=Calls(deadline=Deadline(remaining_milliseconds=left)),
        wait=lambda _: None,
    )
    return launcher.ask(POOL, Launch(zone="z", capacity=3)), launcher, fake


def test_a_token_that_asked_for_something_else_launches_nothing_in_any_way() -> None:
    answer, launcher, fake = asked(refusal("IdempotentParameterMismatch"))
    assert answer == Answer(capacity=0)
    assert (len(fake.tokens), launcher.unanswered, launcher.open) == (1, set(), [])
    assert len(launcher.calls.failed) == 1


def still_at_it() -> ClientError:
    return refusal("IdempotentCallInProgress", status=500)


def test_a_request_that_is_still_worked_on_is_asked_again_with_its_own_token() -> None:
    answer, launcher, fake = asked(TIMEOUT, still_at_it(), still_at_it(), CAME)
    assert answer == Answer(capacity=3)
    assert len(fake.tokens) == 4
    assert len(set(fake.tokens)) == 1
    assert launcher.launched == ["i-1", "i-2", "i-3"]
    assert (launcher.unanswered, launcher.calls.failed) == (set(), [])


@pytest.mark.parametrize(
    "error",
    [
        TIMEOUT,
        still_at_it(),
        refusal("InternalFailure", status=500),
        refusal("ServiceUnavailable", status=503),
        ResponseParserError("no XML"),
        ConnectionResetError("gone"),
    ],
)
@pytest.mark.parametrize("seconds", [20, 50, float("inf")])
def test_what_never_answers_may_still_come_and_is_asked_of_nobody_else(
    error: Exception, seconds: float
) -> None:
    answer, launcher, fake = asked(error, seconds=seconds)
    assert answer == Answer(capacity=3)
    assert launcher.unanswered == set(), "a second way of buying would buy twice"
    assert [one.cause for one in launcher.calls.failed] == [Cause.NO_TIME]
    assert fake.clock < seconds


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://autoscaling"),
        ParamValidationError(report="RequestedCapacity"),
        AttributeError("launch_instances"),
        refusal("UnauthorizedOperation", "You are not authorized", status=403),
        refusal("ValidationError", "a mixed group"),
        refusal("ResourceContention", "a pending update", status=500),
    ],
)
def test_what_was_refused_as_a_whole_may_be_had_in_the_other_way(error: Exception) -> None:
    answer, launcher, fake = asked(error)
    assert answer == Answer(capacity=0)
    assert launcher.unanswered == {"G"}
    assert len(fake.tokens) == 1


def test_a_refusal_of_capacity_is_asked_of_others_and_not_in_the_other_way() -> None:
    answer, launcher, _ = asked(refusal("InsufficientInstanceCapacity", "none", status=400))
    assert answer == Answer(capacity=0, refusals=(Refusal(cause=OutageCause.NO_CAPACITY),))
    assert launcher.unanswered == set()


def test_a_missing_permission_means_the_same_wherever_it_stands() -> None:
    raised, first, _ = asked(refusal("UnauthorizedOperation", "You are not authorized", status=403))
    among, second, _ = asked({"Instances": [], "Errors": [NOT_ALLOWED]})
    assert raised == among == Answer(capacity=0)
    assert first.unanswered == second.unanswered == {"G"}
    assert [one.cause for one in first.calls.failed] == [Cause.NOT_AUTHORISED]
    assert [one.cause for one in second.calls.failed] == [Cause.NOT_AUTHORISED]


@pytest.mark.parametrize("said", [{"Instances": [7]}, {"Instances": None}, {"Errors": ["what"]}])
def test_an_answer_of_another_shape_was_an_answer(said: dict[str, Any]) -> None:
    answer, launcher, fake = asked(said)
    assert answer == Answer(capacity=3)
    assert (launcher.unanswered, len(fake.tokens)) == (set(), 1)
    assert [one.cause for one in launcher.calls.failed] == [Cause.UNREADABLE]


def test_an_error_without_a_known_reason_shuts_the_pool_for_a_reason_of_its_own() -> None:
    answer, _, _ = asked({"Instances": [], "Errors": [{"ErrorCode": "Weird"}]})
    assert answer.refusals == (Refusal(cause=OutageCause.UNKNOWN),)
