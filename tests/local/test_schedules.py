"""Schedules fire at their minutes, with the payload that the Scheduler would send."""

from __future__ import annotations

import pytest

from peakfleet_local import LocalAws
from peakfleet_local.replay import deployed_fleets
from peakfleet_planner import FleetSpec, Metric, PoolSpec, RateSignal
from tests.local.deployed import create_function, create_schedule

ECHO = {"index.py": "def handler(event, context):\n    return event\n"}
NOON = 1_647_950_400


def test_the_scheduled_time_and_the_other_attributes_are_filled_in(aws: LocalAws) -> None:
    arn = create_function(aws, "f", ECHO)
    payload = {
        "scheduled_time": "<aws.scheduler.scheduled-time>",
        "arn": "<aws.scheduler.schedule-arn>",
        "attempt": "<aws.scheduler.attempt-number>",
        "id": "<aws.scheduler.execution-id>",
        "spec": {"fleet": "Media/Live"},
    }
    create_schedule(aws, "s", arn, payload)
    answer = aws.fire_schedules(NOON)["Media/Live"]
    assert answer["scheduled_time"] == "2022-03-22T12:00:00Z"
    assert answer["arn"] == aws.client("scheduler").get_schedule(Name="s")["Arn"]
    assert (answer["attempt"], answer["spec"]) == ("1", {"fleet": "Media/Live"})
    assert answer["id"] != aws.fire_schedules(NOON)["Media/Live"]["id"]


def test_every_enabled_schedule_with_a_function_fires_and_no_other(aws: LocalAws) -> None:
    arn = create_function(aws, "f", ECHO)
    queue = "arn:aws:sqs:us-east-1:123456789012:q"
    for number in range(6):
        create_schedule(aws, f"s{number}", arn, {"spec": {"fleet": f"fleet{number}"}})
    create_schedule(aws, "off", arn, {"spec": {"fleet": "off"}}, State="DISABLED")
    create_schedule(aws, "queue", queue, {"spec": {"fleet": "queue"}})
    assert set(aws.fire_schedules(NOON)) == {f"fleet{number}" for number in range(6)}


def test_a_payload_without_a_fleet_is_answered_under_the_schedules_name(aws: LocalAws) -> None:
    create_schedule(aws, "s", create_function(aws, "f", ECHO), {"any": 1})
    assert aws.fire_schedules(NOON) == {"s": {"any": 1}}


def test_a_failing_handler_does_not_keep_the_others_from_answering(aws: LocalAws) -> None:
    broken = {"index.py": "def handler(event, context):\n    raise ValueError('no')\n"}
    create_schedule(aws, "a", create_function(aws, "broken", broken), {})
    create_schedule(aws, "b", create_function(aws, "f", ECHO), {"well": True})
    answers = aws.fire_schedules(NOON)
    assert (answers["a"]["errorType"], answers["a"]["errorMessage"]) == ("ValueError", "no")
    assert answers["b"] == {"well": True}


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [
        ("rate(1 minute)", {0, 1, 5, 60, 1440}),
        ("rate(5 minutes)", {0, 5, 60, 1440}),
        ("rate(1 hour)", {0, 60, 1440}),
        ("rate(24 hours)", {0, 1440}),
        ("rate(1 day)", {0, 1440}),
        ("cron(0 12 * * ? *)", set()),
    ],
)
def test_a_schedule_fires_only_in_the_minutes_of_its_rate(
    aws: LocalAws, expression: str, minutes: set[int]
) -> None:
    create_schedule(aws, "s", create_function(aws, "f", ECHO), {}, expression=expression)
    midnight = NOON - 12 * 3600
    fired = {m for m in (0, 1, 5, 60, 1440) if aws.fire_schedules(midnight + 60 * m)}
    assert fired == minutes


def test_the_tick_answers_for_a_fleet_and_what_is_rarer_under_its_own_name(
    aws: LocalAws,
) -> None:
    for function, name, expression in (
        ("learn", "a-lesson", "rate(1 hour)"),
        ("tick", "tick", "rate(1 minute)"),
    ):
        code = {"index.py": f"def handler(event, context):\n    return {{'from': {function!r}}}\n"}
        arn = create_function(aws, function, code)
        create_schedule(aws, name, arn, {"spec": {"fleet": "Live"}}, expression=expression)
    assert aws.fire_schedules(NOON) == {"Live": {"from": "tick"}, "a-lesson": {"from": "learn"}}
    assert aws.fire_schedules(NOON + 60) == {"Live": {"from": "tick"}}


def test_a_fleet_is_found_once_however_many_schedules_send_it(aws: LocalAws) -> None:
    metric = Metric(namespace="Live", metric_name="Streams")
    spec = FleetSpec(
        fleet="Media/Live",
        pools=(PoolSpec(name="g", group="g", units_per_capacity=1, max_capacity=9),),
        signals=(RateSignal(name="streams", metrics={"m": metric}, expression="m"),),
    )
    arn = create_function(aws, "f", ECHO)
    for name in ("tick", "lesson"):
        create_schedule(aws, name, arn, {"spec": spec.to_json()})
    assert deployed_fleets(region=aws.region) == (spec,)
