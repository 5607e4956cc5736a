"""The event of a tick: a plain dict, refused in the user's words."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.tick import handler, run
from peakfleet_planner import SpecError
from tests.handlers.scenes import FLEET, aws, event


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (None, "event must be an object, got None"),
        ([], "event must be an object"),
        ({}, "missing field scheduled_time"),
        ({"scheduled_time": "2022-03-22T18:59:43Z"}, "missing field spec"),
        ({**event(), "spec": "{}"}, "event.spec must be an object"),
        ({**event(), "spec": {}}, "version must be 1"),
        ({**event(), "spec": {**FLEET.to_json(), "version": 2}}, "version must be 1, got 2"),
        ({**event(), "spec": {**FLEET.to_json(), "colour": 1}}, "unknown field colour"),
        ({**event(), "scheduled_time": "<aws.scheduler.scheduled-time>"}, "event.scheduled_time"),
        ({**event(), "scheduled_time": "2022-03-22T18:59:43"}, "event.scheduled_time"),
        ({**event(), "scheduled_time": None}, "event.scheduled_time"),
    ],
)
def test_an_event_that_cannot_be_read_names_its_field(sent: Any, said: str) -> None:  # noqa: ANN401  any JSON
    with pytest.raises(SpecError, match=said):
        handler(sent, None)


@pytest.mark.parametrize("time", ["2027-01-15T08:00:00Z", "2027-01-15T09:00:00.9+01:00"])
def test_a_time_is_read_in_any_zone(time: str) -> None:
    fake = aws(155)
    run({**event(), "scheduled_time": time}, clients=fake.clients, deadline=Deadline.of(None))
    assert ("Media/Live", "DECISION#2027-01-15T08:00:00Z") in fake.table


def test_the_answer_is_json() -> None:
    said = run(event(), clients=aws(155).clients, deadline=Deadline.of(None))
    assert json.loads(json.dumps(said)) == said
    assert said["applied"] == {
        "recorded": "written",
        "pools": {"Graviton": 6},
        "cloud_weight": None,
        "refused": 0,
        "swept": [],
        "warm": {},
        "rolled_back": {},
        "region_weight": None,
        "failed_calls": 0,
    }


def test_the_deadline_is_that_of_the_lambda_context() -> None:
    ends_soon = SimpleNamespace(get_remaining_time_in_millis=lambda: 14_999)
    ends_late = SimpleNamespace(get_remaining_time_in_millis=lambda: 15_000)
    assert not Deadline.of(ends_soon).allows_a_call
    assert Deadline.of(ends_late).allows_a_call
