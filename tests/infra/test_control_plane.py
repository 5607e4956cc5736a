"""The fleets of a stack share one control plane; each adds little, and none can stop another."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from peakfleet import (
    CapacityPool,
    ControlPlane,
    DemandSignal,
    Encryption,
    FleetState,
    Functions,
    Metrics,
    SpecError,
    Spread,
)
from peakfleet.control_plane import readable
from tests.infra.fleets import (
    GRAVITON,
    SPOT,
    burst_fleet,
    new_stack,
    only,
    properties,
)
from tests.infra.test_scaler import permissions

X86 = CapacityPool.x86("c7i.4xlarge", units_per_instance=16, max_instances=50)
SCALER = "Decides the size of the fleets of Media/PeakFleetControlPlane"
SCHEDULE = "AWS::Scheduler::Schedule"


@pytest.fixture(name="template", scope="module")
def _template() -> Template:
    stack = new_stack()
    for name in ("First", "Second"):
        burst_fleet(stack, name, pools=[SPOT, GRAVITON, X86], foresight=None)
    return Template.from_stack(stack)


def test_two_fleets_have_one_function_of_each_kind(template: Template) -> None:
    handlers = Counter(one["Handler"] for one in properties(template, "AWS::Lambda::Function"))
    assert handlers == {
        "peakfleet_handlers.scaler.handler": 1,
        "peakfleet_handlers.events.handler": 1,
        "peakfleet_handlers.learn.handler": 1,
    }


def test_each_fleet_is_run_by_schedules_of_its_own(template: Template) -> None:
    sent = [
        json.loads(readable(one["Target"]["Input"]))["spec"]["fleet"]
        for one in properties(template, SCHEDULE)
    ]
    assert Counter(sent) == {"Media/First": 2, "Media/Second": 2}


def test_a_fleet_of_three_pools_adds_at_most_28_resources() -> None:
    counts = []
    for fleets in (1, 2):
        stack = new_stack()
        for number in range(fleets):
            burst_fleet(stack, f"Live{number}", pools=[SPOT, GRAVITON, X86], foresight=None)
        counts.append(len(Template.from_stack(stack).to_json()["Resources"]))
    assert counts[1] - counts[0] <= 28


def test_the_scaler_may_size_the_groups_of_all_its_fleets_in_few_statements(
    template: Template,
) -> None:
    sizes = permissions(template, of=SCALER)["autoscaling:SetDesiredCapacity"]
    assert len(sizes["Resource"]) == 6
    assert permissions(template, of=SCALER)["dynamodb:Query"]["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["Media/First", "Media/Second"]}
    }
    role = [one for one in properties(template, "AWS::IAM::Policy") if "SetDesired" in str(one)]
    assert len(role[0]["PolicyDocument"]["Statement"]) < 8


def test_one_instance_profile_serves_all_pools_of_a_fleet(template: Template) -> None:
    template.resource_count_is("AWS::IAM::InstanceProfile", 2)


def test_sixteen_fleets_fit_into_a_stack_and_too_many_are_told_how_to_split() -> None:
    app = App(context={"@aws-cdk/core:stackResourceLimit": 60})
    stack = Stack(app, "Media")
    for number in range(2):
        burst_fleet(stack, f"Live{number}", pools=[SPOT, GRAVITON, X86])
    with pytest.raises(RuntimeError, match="put at most 20 of them into a stack"):
        app.synth()


MOST_CHARACTERS = {"AWS::IAM::Policy": 10_240, "AWS::IAM::ManagedPolicy": 6_144}
"""Of the policies that are in a role, together, and of each that is attached to it, by IAM."""
MOST_ATTACHED = 10
LONG_NAME = "media-services-prod-LiveStreamsGravitonSpotGroupASG00311554-aBcDeFgHiJkL"

PSEUDO = {
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "ap-southeast-1",
    "AWS::AccountId": "111122223333",
}


def deployed(value: Any) -> Any:  # noqa: ANN401  a template's own
    """Return what a template's value may be once it is deployed, with names that are long."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(deployed(part) for part in parts)
        case {"Ref": name}:
            return PSEUDO.get(name, LONG_NAME)
        case {"Fn::GetAtt": _}:
            return f"arn:aws-us-gov:service:ap-southeast-1:111122223333:kind/{LONG_NAME}"
        case dict():
            return {name: deployed(one) for name, one in value.items()}
        case list():
            return [deployed(one) for one in value]
    return value


@pytest.mark.slow
def test_a_full_stack_has_no_policy_that_iam_finds_too_long() -> None:
    stack = new_stack()
    for number in range(20):
        burst_fleet(stack, f"Live{number}", pools=[SPOT, GRAVITON, X86], foresight=None)
    template = Template.from_stack(stack)
    for kind, most in MOST_CHARACTERS.items():
        for policy in properties(template, kind):
            document = deployed(policy["PolicyDocument"])
            assert len(json.dumps(document, separators=(",", ":"))) <= most
    assert len(properties(template, "AWS::IAM::ManagedPolicy")) <= MOST_ATTACHED


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"functions": Functions(reserved_concurrency=5)}),
        (
            {"functions": Functions(log_retention=logs.RetentionDays.ONE_DAY)},
            {"functions": Functions()},
        ),
    ],
)
def test_fleets_that_want_other_functions_are_told_to_have_a_control_plane_of_their_own(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    stack = new_stack()
    burst_fleet(stack, "First", **first)
    with pytest.raises(SpecError, match=r"other functions; .*ControlPlane\(self, 'Apart'"):
        burst_fleet(stack, "Second", **second)


def test_keys_and_state_of_the_control_plane_are_the_same_for_all_its_fleets() -> None:
    stack = new_stack()
    key = kms.Key(stack, "Key")
    burst_fleet(stack, "First")
    burst_fleet(stack, "Second", encryption=Encryption(volumes=key))
    for options in (
        {"encryption": Encryption(logs=key)},
        {"encryption": Encryption(queues=key)},
        {"encryption": Encryption(state=key)},
        {"state": FleetState(stack, "Own")},
    ):
        with pytest.raises(SpecError, match="control_plane=ControlPlane"):
            burst_fleet(stack, f"Third{len(stack.node.children)}", **options)


def test_a_fleet_without_a_wish_takes_what_there_is() -> None:
    stack = new_stack()
    settings = Functions(reserved_concurrency=7)
    first = burst_fleet(stack, "First", functions=settings)
    second = burst_fleet(stack, "Second")
    third = burst_fleet(stack, "Third", functions=Functions(reserved_concurrency=7))
    assert first.control_plane is second.control_plane is third.control_plane


def test_a_fleet_may_be_apart() -> None:
    stack = new_stack()
    apart = ControlPlane(stack, "Apart", functions=Functions(reserved_concurrency=2))
    first, second = burst_fleet(stack, "First"), burst_fleet(stack, "Second", control_plane=apart)
    assert first.control_plane is not second.control_plane is apart
    assert second.scaler is apart.scaler.function
    allowed = permissions(
        Template.from_stack(stack), of="Decides the size of the fleets of Media/Apart"
    )
    assert "Second" in str(allowed["autoscaling:SetDesiredCapacity"]["Resource"])
    assert "First" not in str(allowed["autoscaling:SetDesiredCapacity"]["Resource"])


def test_a_fleet_of_another_stack_is_refused() -> None:
    app = App(context={"aws:cdk:disable-asset-staging": True})
    plane = ControlPlane(Stack(app, "One"), "Plane")
    with pytest.raises(SpecError, match="of another stack"):
        burst_fleet(Stack(app, "Two"), control_plane=plane)


def test_a_control_plane_spreads_its_ticks_where_it_is_told_to() -> None:
    stack = new_stack()
    burst_fleet(stack, control_plane=ControlPlane(stack, "P", spread=Spread.over_the_minute()))
    window = only(Template.from_stack(stack), SCHEDULE)["FlexibleTimeWindow"]
    assert window == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1}


def test_machines_are_monitored_by_the_minute_only_where_something_reads_it() -> None:
    stack = new_stack()
    queue = sqs.Queue(stack, "Jobs")
    backlog = DemandSignal.queue_backlog(
        queue, seconds_per_message=90, drain_within=Duration.minutes(10)
    )
    burst_fleet(stack, "Queue", signals=[backlog])
    template = only(Template.from_stack(stack), "AWS::EC2::LaunchTemplate")
    assert template["LaunchTemplateData"]["Monitoring"] == {"Enabled": False}


def test_an_app_that_still_has_machines_of_before_keeps_their_instance_profiles() -> None:
    context = {"aws:cdk:disable-asset-staging": True, "peakfleet:keepsInstanceProfiles": True}
    stack = Stack(App(context=context), "Media")
    burst_fleet(stack, pools=[SPOT, GRAVITON])
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::IAM::InstanceProfile", 3)
    used = [one["LaunchTemplateData"] for one in properties(template, "AWS::EC2::LaunchTemplate")]
    profiles = {str(one["IamInstanceProfile"]) for one in used}
    assert len(profiles) == 1


def test_every_fleet_of_a_control_plane_may_publish_as_much_as_it_wants() -> None:
    stack = new_stack()
    burst_fleet(stack, "Least", metrics=Metrics.least())
    burst_fleet(stack, "Every", metrics=Metrics.every())
    sent = [
        json.loads(readable(one["Target"]["Input"]))["spec"].get("metrics", "essential")
        for one in properties(Template.from_stack(stack), SCHEDULE)
    ]
    assert sorted(sent) == ["every", "least"]
