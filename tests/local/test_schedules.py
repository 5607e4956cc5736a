"""Schedules fire when they are told to, with the payload that the Scheduler would send."""

from __future__ import annotations

from peakfleet_local import LocalAws
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


def test_every_enabled_schedule_fires_and_no_other(aws: LocalAws) -> None:
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
