"""What a group lets go returns to its warm pool, if the pool reuses instances."""

from __future__ import annotations

import boto3
import pytest

from peakfleet_local import Behaviour
from tests.local.groups import Scene, scene
from tests.local.reuse import pool, put, serving, waiting, world

RETAIN = {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}
LEAVES = "EC2 Instance-terminate Lifecycle Action"


def ends(it: Scene, detail_type: str) -> list[tuple[str, str]]:
    return [(e["detail"]["Origin"], e["detail"]["Destination"]) for e in it.events(detail_type)]


@pytest.mark.parametrize(("state", "seconds", "billed"), [("Stopped", 60, 0), ("Running", 0, 2)])
def test_what_is_let_go_waits_instead_of_ending(state: str, seconds: int, billed: int) -> None:
    with scene(world=world()) as it:
        served = serving(it, 2, PoolState=state)
        it.set_desired(0)
        assert it.describe()["Instances"] == []
        assert it.world.in_service(it.group) == 0
        it.world.advance(seconds)
        assert waiting(it) == dict.fromkeys(served, f"Warmed:{state}")
        assert sum(m.billed for m in it.world.machines_of(it.group)) == billed
        assert it.world.endings == []
        assert it.describe()["WarmPoolSize"] == 2
        assert (
            ends(it, "EC2 Instance Terminate Successful") == [("AutoScalingGroup", "WarmPool")] * 2
        )


def test_what_still_stops_is_on_its_way() -> None:
    with scene(world=world()) as it:
        serving(it, 1)
        it.set_desired(0)
        it.world.advance(59)
        assert pool(it) == {"Warmed:Pending": 1}
        assert it.activities()[0]["StatusCode"] == "InProgress"
        it.world.advance(1)
        assert pool(it) == {"Warmed:Stopped": 1}
        assert it.activities()[0]["StatusCode"] == "Successful"


def test_without_the_policy_what_is_let_go_ends() -> None:
    with scene(world=world()) as it:
        served = serving(it, 2, InstanceReusePolicy={"ReuseOnScaleIn": False})
        it.set_desired(1)
        it.world.advance(60)
        assert [e.instance_id in served for e in it.world.endings] == [True]
        assert set(waiting(it)) & served == set()


def test_what_waits_again_serves_again_after_a_warm_start() -> None:
    with scene(world=world()) as it:
        served = serving(it, 2)
        it.set_desired(0)
        it.world.advance(60)
        it.set_desired(2)
        assert waiting(it) == {}
        it.world.advance(30)
        assert it.states() == {"InService": 2}
        assert {i["InstanceId"] for i in it.staying()} == served
        assert it.world.launch_attempts[it.group, "launched"] == 2


def test_it_is_not_drawn_before_it_has_stopped() -> None:
    with scene(world=world()) as it:
        served = serving(it, 1)
        it.set_desired(0)
        put(it, MinSize=1, MaxGroupPreparedCapacity=1)
        it.world.advance(59)
        it.set_desired(1)
        assert it.states() == {"Pending": 1}
        assert set(waiting(it)) == served


def test_an_agent_finishes_its_work_before_its_machine_stops() -> None:
    with scene(world=world()) as it:
        it.put_hook("TERMINATING", HeartbeatTimeout=120)
        it.world.set_behaviour(it.group, Behaviour(drain_seconds=600))
        [key] = serving(it, 1)
        it.set_desired(0)
        assert waiting(it) == {key: "Warmed:Pending:Wait"}
        [event] = it.events(LEAVES)
        assert event["detail"]["EC2InstanceId"] == key
        assert event["detail"]["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
        assert ends(it, LEAVES) == [("AutoScalingGroup", "WarmPool")]
        it.world.advance(599)
        assert waiting(it) == {key: "Warmed:Pending:Wait"}
        assert (it.world.busy, it.world.machines[key].billed) == ({key}, True)
        it.world.advance(1)
        assert waiting(it) == {key: "Warmed:Pending"}
        assert it.world.busy == set()
        it.world.advance(60)
        assert waiting(it) == {key: "Warmed:Stopped"}


def test_demand_that_comes_back_does_not_take_work_from_a_machine_that_drains() -> None:
    with scene(world=world()) as it:
        it.put_hook("TERMINATING", HeartbeatTimeout=120)
        it.world.set_behaviour(it.group, Behaviour(drain_seconds=600))
        serving(it, 2)
        it.set_desired(0)
        it.set_desired(2)
        it.world.advance(599)
        assert pool(it) == {"Warmed:Pending:Wait": 2}
        it.world.advance(1)
        assert pool(it) == {"Warmed:Terminating": 2}
        it.world.advance(60)
        assert [e.busy for e in it.world.endings] == [False, False]
        assert (waiting(it), it.states()) == ({}, {"InService": 2})


def test_whoever_completes_the_hook_lets_the_machine_return() -> None:
    with scene(world=world()) as it:
        it.put_hook("TERMINATING", DefaultResult="ABANDON")
        it.world.set_behaviour(it.group, Behaviour(answers_drain=False, drain_seconds=600))
        [key] = serving(it, 1)
        it.set_desired(0)
        assert it.world.busy == {key}
        complete(it, key, "CONTINUE")
        assert it.world.busy == set()
        it.world.advance(7200)
        assert waiting(it) == {key: "Warmed:Stopped"}


def complete(it: Scene, key: str, result: str) -> None:
    it.autoscaling.complete_lifecycle_action(
        LifecycleHookName="TERMINATING",
        AutoScalingGroupName=it.group,
        InstanceId=key,
        LifecycleActionResult=result,
    )


def test_a_return_that_is_abandoned_is_a_termination() -> None:
    with scene(world=world()) as it:
        it.put_hook("TERMINATING")
        it.world.set_behaviour(it.group, Behaviour(answers_drain=False))
        [key] = serving(it, 1)
        it.set_desired(0)
        complete(it, key, "ABANDON")
        assert waiting(it) == {key: "Warmed:Terminating"}
        assert ends(it, "EC2 Instance Terminate Unsuccessful") == [("AutoScalingGroup", "WarmPool")]
        it.world.advance(60)
        assert [e.instance_id for e in it.world.endings] == [key]
        assert key not in waiting(it)


def test_a_return_that_is_abandoned_is_retained_where_the_group_says_so() -> None:
    with scene(world=world(), InstanceLifecyclePolicy=RETAIN) as it:
        it.put_hook("TERMINATING", HeartbeatTimeout=60)
        it.world.set_behaviour(it.group, Behaviour(answers_drain=False))
        [key] = serving(it, 1)
        it.set_desired(0)
        it.world.advance(3600)
        assert waiting(it)[key] == "Warmed:Pending:Retained"
        assert pool(it) == {"Warmed:Pending:Retained": 1, "Warmed:Pending": 1}
        assert it.world.machines[key].billed
        it.set_desired(1)
        assert [i["InstanceId"] for i in it.staying()] != [key]
        it.autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=key, ShouldDecrementDesiredCapacity=False
        )
        assert key not in it.world.machines
        assert it.describe()["DesiredCapacity"] == 1


def test_what_returns_is_no_target_until_it_serves_again() -> None:
    with scene(world=world()) as it:
        balancing = boto3.client("elbv2", "us-east-1")
        vpc = it.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        [made] = balancing.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc)[
            "TargetGroups"
        ]
        it.create(TargetGroupARNs=[made["TargetGroupArn"]])

        def targets() -> set[str]:
            health = balancing.describe_target_health(TargetGroupArn=made["TargetGroupArn"])
            return {t["Target"]["Id"] for t in health["TargetHealthDescriptions"]}

        served = serving(it, 1)
        assert targets() == served
        it.set_desired(0)
        assert targets() == set()
        it.world.advance(60)
        it.set_desired(1)
        it.world.advance(30)
        assert targets() == served
