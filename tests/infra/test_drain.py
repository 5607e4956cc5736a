"""How instances arrive and leave: hooks, retention, permissions and the agent's user data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from aws_cdk import Duration, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template
from hypothesis import assume, given
from hypothesis import strategies as st

from peakfleet import (
    CapacityPool,
    DemandSignal,
    Drain,
    Foresight,
    QueueFleet,
    Readiness,
    SpecError,
    StreamFleet,
)
from peakfleet_local.cloudformation import deletion_order, references
from tests.infra.fleets import (
    GRAVITON,
    SPOT,
    burst_fleet,
    hooks_of,
    metric,
    network,
    new_stack,
    only,
    properties,
)
from tests.infra.reference_app import plain

GROUP = "AWS::AutoScaling::AutoScalingGroup"
TEMPLATE = "AWS::EC2::LaunchTemplate"
PACKAGE = Path(__file__).parents[2] / "constructs" / "peakfleet_instance"
DRAINS, SIGNALS = Drain.when_idle(), Readiness.signalled()


def rendered(**options: Any) -> Template:  # noqa: ANN401  a fleet's own
    stack = new_stack()
    burst_fleet(stack, **options)
    return Template.from_stack(stack)


def user_data(template: Template) -> list[str]:
    return [
        plain(found["LaunchTemplateData"]["UserData"]["Fn::Base64"])
        for found in properties(template, TEMPLATE)
    ]


def lifecycle_statements(template: Template) -> list[dict[str, Any]]:
    """Return every statement that allows instances anything at Auto Scaling."""
    policies = properties(template, "AWS::IAM::Policy")
    statements = [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]
    return [
        one for one in statements if "autoscaling:CompleteLifecycleAction" in str(one["Action"])
    ]


def queue_fleet(stack: Stack, **options: Any) -> QueueFleet:  # noqa: ANN401  a fleet's own
    given = {
        "vpc": network(stack),
        "pools": [GRAVITON],
        "seconds_per_message": 90,
        "drain_within": Duration.minutes(10),
        **options,
    }
    return QueueFleet(stack, "Transcode", **given)


def test_a_fleet_that_drains_nothing_has_no_hooks_no_agent_and_no_permission() -> None:
    template = rendered()
    assert hooks_of(template) == []
    assert "InstanceLifecyclePolicy" not in only(template, GROUP)
    assert lifecycle_statements(template) == []
    assert "peakfleet" not in user_data(template)[0]
    options = only(template, TEMPLATE)["LaunchTemplateData"]["MetadataOptions"]
    assert "InstanceMetadataTags" not in options


def test_a_silent_instance_is_kept_and_never_terminated() -> None:
    template = rendered(drain=DRAINS)
    (hook,) = hooks_of(template)
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    assert (hook["DefaultResult"], hook["HeartbeatTimeout"]) == ("ABANDON", 300)
    assert only(template, GROUP)["InstanceLifecyclePolicy"] == {
        "RetentionTriggers": {"TerminateHookAbandon": "retain"}
    }


def test_an_instance_that_is_never_ready_is_replaced() -> None:
    template = rendered(readiness=Readiness.signalled(within=Duration.minutes(20)))
    (hook,) = hooks_of(template)
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
    assert (hook["DefaultResult"], hook["HeartbeatTimeout"]) == ("ABANDON", 1200)
    assert "InstanceLifecyclePolicy" not in only(template, GROUP)


def test_every_group_of_a_fleet_has_both_hooks() -> None:
    template = rendered(pools=[SPOT, GRAVITON], drain=DRAINS, readiness=SIGNALS)
    names = [hook["LifecycleHookName"] for hook in hooks_of(template)]
    assert names == 2 * ["peakfleet-drain", "peakfleet-ready"]


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        (
            {"drain": DRAINS},
            ["CompleteLifecycleAction", "RecordLifecycleActionHeartbeat", "SetInstanceProtection"],
        ),
        ({"readiness": SIGNALS}, ["CompleteLifecycleAction"]),
    ],
)
def test_instances_may_do_what_the_agent_does_to_their_own_groups_only(
    options: dict[str, Any], actions: Sequence[str]
) -> None:
    template = rendered(pools=[SPOT, GRAVITON], **options)
    (statement,) = lifecycle_statements(template)
    allowed = statement["Action"]
    assert (allowed if isinstance(allowed, list) else [allowed]) == [
        f"autoscaling:{action}" for action in actions
    ]
    assert plain(statement["Resource"]).endswith(":autoScalingGroup:*:autoScalingGroupName/*")
    fleet = "Media/Live"
    assert statement["Condition"] == {
        "StringEquals": {"autoscaling:ResourceTag/peakfleet:fleet": fleet}
    }
    for group in properties(template, GROUP):
        assert {"Key": "peakfleet:fleet", "PropagateAtLaunch": True, "Value": fleet} in group[
            "Tags"
        ]


def everything_needed(resources: dict[str, Any], name: str) -> set[str]:
    """Return what a resource refers to, directly or not, and so is deleted after it."""
    needed, left = set[str](), {name}
    while left:
        found = references(resources[left.pop()]) & resources.keys()
        left |= found - needed
        needed |= found
    return needed


@pytest.mark.parametrize(
    "options",
    [{"drain": DRAINS}, {"readiness": SIGNALS}, {"drain": DRAINS, "readiness": SIGNALS}],
)
@pytest.mark.parametrize("make", [burst_fleet, queue_fleet])
def test_what_an_instance_needs_to_drain_is_deleted_after_its_group(
    make: Callable[..., object], options: dict[str, Any]
) -> None:
    stack = new_stack()
    make(stack, pools=[SPOT, GRAVITON], **options)
    template = Template.from_stack(stack)
    resources = template.to_json()["Resources"]
    (role,) = {
        name
        for name, one in template.find_resources("AWS::IAM::Role").items()
        if "ec2.amazonaws.com" in json.dumps(one)
    }
    permissions = {
        name
        for name, one in template.find_resources("AWS::IAM::Policy").items()
        if {"Ref": role} in one["Properties"]["Roles"]
    }
    routes = set(template.find_resources("AWS::EC2::Route")) - {
        name for name in resources if "PublicSubnet" in name
    }
    assert permissions
    assert routes
    for name in template.find_resources(GROUP):
        needed = everything_needed(resources, name)
        assert {role, *permissions, *routes} <= needed
        order = list(deletion_order(resources))
        assert all(order.index(name) < order.index(one) for one in needed)


def test_the_planner_knows_how_long_a_drain_may_take() -> None:
    fleet = burst_fleet(new_stack(), drain=Drain.when_idle(at_most=Duration.minutes(40)))
    assert [pool.drain_seconds for pool in fleet.spec.pools] == [2400]
    assert [pool.drain_seconds for pool in burst_fleet(new_stack()).spec.pools] == [0]


def test_the_agent_is_told_what_the_hooks_are() -> None:
    template = rendered(drain=DRAINS, readiness=SIGNALS)
    (script,) = user_data(template)
    settings = dict(
        line.split("=") for line in script.splitlines() if line.startswith("PEAKFLEET_")
    )
    hooks = {hook["LifecycleHookName"]: hook for hook in hooks_of(template)}
    drain, ready = (
        hooks[settings[name]] for name in ("PEAKFLEET_DRAIN_HOOK", "PEAKFLEET_READY_HOOK")
    )
    assert drain["LifecycleTransition"].endswith("TERMINATING")
    assert int(settings["PEAKFLEET_HEARTBEAT_SECONDS"]) == drain["HeartbeatTimeout"]
    assert int(settings["PEAKFLEET_READY_SECONDS"]) == ready["HeartbeatTimeout"]
    assert settings["PEAKFLEET_DRAIN_SECONDS"] == "3600"
    options = only(template, TEMPLATE)["LaunchTemplateData"]["MetadataOptions"]
    assert options["InstanceMetadataTags"] == "enabled"


def test_the_agents_scripts_are_clean_shell(tmp_path: Path) -> None:
    path = tmp_path / "user-data.sh"
    path.write_text(user_data(rendered(drain=DRAINS, readiness=SIGNALS))[0])
    checker = Path(sys.executable).parent / "shellcheck"
    checked = subprocess.run(  # noqa: S603  our own scripts
        [checker, path, PACKAGE / "install.sh"], capture_output=True, text=True, check=False
    )
    assert checked.stdout == ""
    assert checked.returncode == 0


def run_at_boot(folder: Path, *, aws: str) -> subprocess.CompletedProcess[str]:
    """Run user data with the agent in *folder* instead of `/`, and *aws* instead of the CLI."""
    commands = user_data(rendered(drain=DRAINS))[0]
    for root in ("/opt/", "/etc/"):
        commands = commands.replace(root, f"{folder}{root}")
    script, cli = folder / "user-data.sh", folder / "bin" / "aws"
    for made in (cli.parent, folder / "etc"):
        made.mkdir()
    script.write_text(f"set -e\n{commands}\necho goes on\n")
    cli.write_text(f"#!/bin/bash\n{aws}\n")
    cli.chmod(0o755)
    return subprocess.run(  # noqa: S603  our own script
        ["/bin/bash", script],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{cli.parent}:{os.environ['PATH']}"},
    )


def test_user_data_unpacks_the_agent_and_installs_it_with_its_settings(tmp_path: Path) -> None:
    code = tmp_path / "code.zip"
    with zipfile.ZipFile(code, "w") as archive:
        for path in PACKAGE.glob("*.py"):
            archive.write(path, path.name)
        archive.writestr("install.sh", 'ls "$(dirname "$0")"\n')
    shown = run_at_boot(tmp_path, aws=f'cp {code} "${{@: -1}}"')
    assert {"agent.py", "signs.py", "goes on"} <= set(shown.stdout.splitlines())
    assert (tmp_path / "etc" / "peakfleet-agent.env").read_text().splitlines() == [
        "PEAKFLEET_DRAIN_HOOK=peakfleet-drain",
        "PEAKFLEET_DRAIN_SECONDS=3600",
        "PEAKFLEET_HEARTBEAT_SECONDS=300",
    ]


def test_a_script_that_fails_to_install_the_agent_goes_on(tmp_path: Path) -> None:
    shown = run_at_boot(tmp_path, aws="exit 1")
    assert shown.stdout == "goes on\n"
    assert "the peakfleet agent was not installed" in shown.stderr


def test_scripts_that_are_given_run_after_the_agents_and_stay_as_they_are() -> None:
    own, shared = ec2.UserData.for_linux(), ec2.UserData.for_linux()
    own.add_commands("echo pool's own")
    shared.add_commands("echo fleet's")
    x86 = CapacityPool.x86("c7i.large", units_per_instance=1, max_instances=1, user_data=own)
    stack = new_stack()
    fleet = burst_fleet(stack, pools=[GRAVITON, x86], user_data=shared, drain=DRAINS)
    fleet.user_data.add_commands("echo more of it")
    scripts = user_data(Template.from_stack(stack))
    for script in scripts:
        assert script.index("install_peakfleet_agent") < script.index("'s")
    assert sorted("fleet's\necho more of it" in script for script in scripts) == [False, True]
    assert sorted("pool's own" in script for script in scripts) == [False, True]
    assert "peakfleet" not in own.render() + shared.render()


def test_user_data_in_parts_are_refused() -> None:
    with pytest.raises(SpecError, match="Live: user data in parts cannot be used"):
        burst_fleet(new_stack(), user_data=ec2.MultipartUserData(), drain=DRAINS)


@pytest.mark.parametrize("key", ["cost center", "kubernetes.io/cluster", "_index", "größe"])
def test_tags_that_would_make_every_launch_fail_are_refused(key: str) -> None:
    stack = new_stack()
    burst_fleet(stack, drain=DRAINS)
    Tags.of(stack).add(key, "42")
    with pytest.raises(RuntimeError, match="cannot be launched with the tag keys"):
        Template.from_stack(stack)


def test_the_same_tags_are_fine_where_no_agent_reads_them() -> None:
    stack = new_stack()
    burst_fleet(stack)
    Tags.of(stack).add("cost center", "42")
    assert "cost center" in json.dumps(only(Template.from_stack(stack), GROUP)["Tags"])


@given(at_most=st.integers(30, 172_800))
def test_a_heartbeat_is_found_for_every_time_that_aws_allows(at_most: int) -> None:
    drain = Drain.when_idle(at_most=Duration.seconds(at_most))
    assert drain.at_most_seconds == at_most
    assert 30 <= drain.heartbeat_seconds <= at_most <= 100 * drain.heartbeat_seconds


@given(at_most=st.integers(0, 200_000), heartbeat=st.integers(1, 8000))
def test_what_no_hook_can_wait_is_refused(at_most: int, heartbeat: int) -> None:
    assume(
        not (30 <= heartbeat <= 7200 and heartbeat <= at_most <= min(48 * 3600, 100 * heartbeat))
    )
    with pytest.raises(SpecError, match="drain: "):
        Drain.when_idle(at_most=Duration.seconds(at_most), heartbeat=Duration.seconds(heartbeat))


@pytest.mark.parametrize("within", [0, 29, 7201])
def test_a_readiness_that_no_hook_can_wait_for_is_refused(within: int) -> None:
    with pytest.raises(SpecError, match="readiness: within must be between 30 and 7200"):
        Readiness.signalled(within=Duration.seconds(within))


@pytest.mark.parametrize(
    ("seconds_per_message", "at_most"), [(1, 900), (600, 3600), (100_000, 172_800)]
)
def test_workers_of_a_queue_finish_what_they_have_taken(
    seconds_per_message: float, at_most: int
) -> None:
    fleet = queue_fleet(
        new_stack(),
        seconds_per_message=seconds_per_message,
        drain_within=Duration.days(2),
    )
    assert [pool.drain_seconds for pool in fleet.fleet.spec.pools] == [at_most]


def test_workers_of_a_queue_may_also_leave_at_once() -> None:
    fleet = queue_fleet(new_stack(), drain=Drain.none())
    assert [pool.drain_seconds for pool in fleet.fleet.spec.pools] == [0]


def test_a_load_balancer_gives_requests_as_long_as_spot_does() -> None:
    stack = new_stack()
    StreamFleet(
        stack,
        "Edge",
        vpc=network(stack),
        pools=[GRAVITON],
        signals=[DemandSignal.metric(metric())],
        on_premises_targets=["10.9.0.4"],
        foresight=Foresight.off(),
    )
    groups = properties(Template.from_stack(stack), "AWS::ElasticLoadBalancingV2::TargetGroup")
    (cloud,) = (one for one in groups if one["TargetType"] == "instance")
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "120"}
    assert delay in cloud["TargetGroupAttributes"]


def test_a_group_behind_any_load_balancer_may_drain_too() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, drain=DRAINS, readiness=SIGNALS)
    vpc = cast("ec2.Vpc", stack.node.find_child("Network"))
    targets = elbv2.NetworkTargetGroup(stack, "Targets", vpc=vpc, port=80)
    fleet.groups["Graviton"].attach_to_network_target_group(targets)
    assert len(hooks_of(Template.from_stack(stack))) == 2
