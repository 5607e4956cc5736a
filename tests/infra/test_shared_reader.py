"""One function may read for all fleets of a control plane; it may do that, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from peakfleet import ControlPlane, DemandSignal, Reads
from peakfleet.control_plane import readable
from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.read import run
from peakfleet_planner import FleetSpec
from tests.handlers.fake_aws import FakeAws
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, function, metric, new_stack, properties
from tests.infra.gangs import training_fleet
from tests.infra.test_scaler import permissions

PLANE = "Media/Plane"
READER = f"Reads the metrics of the fleets of {PLANE}"
SCHEDULE = "AWS::Scheduler::Schedule"


def stack_of(reads: Reads | None, *, fleets: int = 2, **options: Any) -> Stack:  # noqa: ANN401  a fleet's own
    stack = new_stack()
    plane = ControlPlane(stack, "Plane", reads=reads)
    for number in range(fleets):
        burst_fleet(stack, f"Live{number}", control_plane=plane, **options)
    return stack


@pytest.fixture(name="template", scope="module")
def _template() -> Template:
    return Template.from_stack(stack_of(Reads.shared(), pools=[SPOT, GRAVITON]))


def sent(template: Template) -> dict[str, Any]:
    """Return what the reader's schedule sends."""
    inputs = [
        json.loads(readable(one["Target"]["Input"])) for one in properties(template, SCHEDULE)
    ]
    (found,) = (one for one in inputs if "specs" in one)
    return dict(found)


def test_without_it_a_control_plane_is_what_it_was() -> None:
    by_fleet, default = (
        Template.from_stack(stack_of(reads)).to_json() for reads in (Reads.by_fleet(), None)
    )
    assert by_fleet == default
    assert not [name for name in default["Resources"] if "Reader" in name]


def test_one_function_and_one_schedule_of_every_minute_serve_all_fleets(
    template: Template,
) -> None:
    function(template, "read")
    schedules = [one for one in properties(template, SCHEDULE) if "specs" in str(one["Target"])]
    assert [one["ScheduleExpression"] for one in schedules] == ["rate(1 minute)"]
    assert schedules[0]["FlexibleTimeWindow"] == {"Mode": "OFF"}


def test_it_is_sent_what_each_fleets_own_schedule_sends(template: Template) -> None:
    own = [
        json.loads(readable(one["Target"]["Input"])).get("spec")
        for one in properties(template, SCHEDULE)
    ]
    specs = sent(template)["specs"]
    assert len(specs) == 2
    assert all(spec in own for spec in specs)
    assert [FleetSpec.from_json(spec).fleet for spec in specs] == ["Media/Live0", "Media/Live1"]


def test_the_handler_takes_what_is_sent(template: Template) -> None:
    event = {**sent(template), "scheduled_time": "2027-01-15T08:00:00Z"}
    fake = FakeAws()
    said = run(event, clients=fake.clients, deadline=Deadline.of(None))
    assert (said["written"], said["skipped"]) == (2, [])
    assert set(fake.table) == {("Media/Live0", "SERIES"), ("Media/Live1", "SERIES")}


def test_it_may_read_metrics_and_write_records_of_its_fleets_alone(template: Template) -> None:
    allowed = permissions(template, of=READER)
    assert {name for name in allowed if name.partition(":")[0] not in ("logs", "sqs")} == {
        "cloudwatch:GetMetricData",
        "dynamodb:PutItem",
    }
    assert allowed["dynamodb:PutItem"]["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["Media/Live0", "Media/Live1"]}
    }


def test_a_training_group_is_not_read_for() -> None:
    stack = new_stack()
    plane = ControlPlane(stack, "Plane", reads=Reads.shared())
    training_fleet(stack, control_plane=plane)
    assert plane.reader is None
    template = Template.from_stack(stack)
    assert "Reader" not in str(list(template.to_json()["Resources"]))


def test_its_alarm_tells_that_fleets_read_for_themselves_and_counts_to_their_health() -> None:
    stack = new_stack()
    plane = ControlPlane(stack, "Plane", reads=Reads.shared())
    burst_fleet(stack, control_plane=plane, alarm_topic=sns.Topic(stack, "Topic"))
    assert set(plane.alarms) == {"ScalerErrors", "DeadLetters", "EventErrors", "ReaderErrors"}
    template = Template.from_stack(stack)
    rings, events, letters = (
        template.find_resources("AWS::CloudWatch::Alarm")[
            stack.resolve(plane.alarms[name].alarm_arn)["Fn::GetAtt"][0]
        ]["Properties"]
        for name in ("ReaderErrors", "EventErrors", "DeadLetters")
    )
    assert (rings["MetricName"], rings["EvaluationPeriods"]) == ("Errors", 5)
    assert rings["Dimensions"] != events["Dimensions"]
    assert "read for themselves" in rings["AlarmDescription"]
    assert len(rings["AlarmActions"]) == 1
    assert "readings" in letters["AlarmDescription"]
    (health,) = properties(template, "AWS::CloudWatch::CompositeAlarm")
    assert "ReaderErrors" in health["AlarmDescription"]


def test_more_than_a_schedule_sends_is_refused_with_the_way_out() -> None:
    app = App(context={"aws:cdk:disable-asset-staging": True})
    stack = Stack(app, "Media")
    plane = ControlPlane(stack, "Plane", reads=Reads.shared())
    for number in range(2):
        signals = [
            DemandSignal.metric(metric("S" * 200, dimensions_map={"D": "d" * 250}), name=f"s{at}")
            for at in range(240)
        ]
        burst_fleet(stack, f"Live{number}", control_plane=plane, signals=signals)
    with pytest.raises(RuntimeError, match=r"schedule sends 262144 at most.*Reads\.by_fleet"):
        app.synth()


def test_a_fleet_that_contradicts_itself_is_refused_by_its_own_name() -> None:
    app = App(context={"aws:cdk:disable-asset-staging": True})
    stack = Stack(app, "Media")
    plane = ControlPlane(stack, "Plane", reads=Reads.shared())
    burst_fleet(stack, "Live", control_plane=plane, signals=[])
    with pytest.raises(RuntimeError, match=r"Media/Live.*at least one signal"):
        app.synth()
