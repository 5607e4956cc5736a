"""Instances wait for the hooks of their group, and no longer than hooks may take."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from peakfleet_local import Behaviour, World
from tests.local.groups import Scene, scene

RETAIN = {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}


def serving(it: Scene, instances: int = 1) -> str:
    """Let instances boot; return the id of one."""
    it.set_desired(instances)
    it.world.advance(it.world.boot_seconds)
    assert it.states() == {"InService": instances}
    return str(it.staying()[0]["InstanceId"])


def test_a_launch_hook_is_completed_when_the_instance_has_booted() -> None:
    with scene(world=World(boot_seconds=90)) as it:
        it.put_hook("LAUNCHING")
        it.set_desired(1)
        assert it.states() == {"Pending:Wait": 1}
        [event] = it.events("EC2 Instance-launch Lifecycle Action")
        assert event["detail"]["EC2InstanceId"] == it.staying()[0]["InstanceId"]
        it.world.advance(89)
        assert it.states() == {"Pending:Wait": 1}
        it.world.advance(1)
        assert it.states() == {"InService": 1}
        assert it.activities()[0]["StatusCode"] == "Successful"
        assert len(it.events("EC2 Instance Launch Successful")) == 1


def test_an_instance_that_never_boots_is_abandoned_and_replaced() -> None:
    with scene(world=World(boot_seconds=90, terminate_seconds=60)) as it:
        it.put_hook("LAUNCHING", HeartbeatTimeout=300)
        it.world.set_behaviour(it.group, Behaviour(becomes_ready=False))
        it.set_desired(1)
        it.world.advance(299)
        assert it.states() == {"Pending:Wait": 1}
        it.world.advance(1)
        assert it.states() == {"Pending:Wait": 1, "Terminating": 1}
        [event] = it.events("EC2 Instance Launch Unsuccessful")
        assert event["detail"]["StatusMessage"].endswith("was abandoned: Heartbeat Timeout")
        assert it.world.in_service(it.group) == 0


def test_a_boot_that_outlasts_its_hook_is_abandoned() -> None:
    with scene(world=World(boot_seconds=400)) as it:
        it.put_hook("LAUNCHING", HeartbeatTimeout=300)
        it.set_desired(1)
        it.world.advance(3600)
        assert "InService" not in it.states()


def test_a_drain_lasts_as_long_as_the_work_and_its_heartbeats() -> None:
    with scene(world=World(boot_seconds=0, terminate_seconds=60)) as it:
        it.put_hook("TERMINATING", HeartbeatTimeout=120)
        it.world.set_behaviour(it.group, Behaviour(drain_seconds=600))
        serving(it)
        it.set_desired(0)
        assert it.states() == {"Terminating:Wait": 1}
        assert it.world.in_service(it.group) == 0
        it.world.advance(599)
        assert it.states() == {"Terminating:Wait": 1}
        it.world.advance(1)
        assert it.states() == {"Terminating": 1}
        it.world.advance(60)
        assert it.states() == {}
        assert [e.busy for e in it.world.endings] == [False]
        assert len(it.events("EC2 Instance Terminate Successful")) == 1


def test_a_drain_that_nobody_answers_for_ends_with_its_time_out() -> None:
    with scene(world=World(boot_seconds=0, terminate_seconds=60)) as it:
        it.put_hook("TERMINATING", HeartbeatTimeout=120)
        serving(it)
        it.world.set_behaviour(it.group, Behaviour(answers_drain=False))
        it.world.set_busy(it.group, share=1)
        it.terminate_one()
        it.world.advance(119)
        assert it.states() == {"Terminating:Wait": 1}
        it.world.advance(61)
        assert it.states() == {}
        assert [e.busy for e in it.world.endings] == [True]


def test_heartbeats_extend_a_wait_to_a_hundred_time_outs_and_no_further() -> None:
    with scene(world=World(boot_seconds=0, terminate_seconds=60)) as it:
        it.put_hook("TERMINATING", HeartbeatTimeout=60)
        it.world.set_behaviour(it.group, Behaviour(drain_seconds=1e6, heartbeat_seconds=30))
        serving(it)
        it.set_desired(0)
        it.world.advance(5999)
        assert it.states() == {"Terminating:Wait": 1}
        it.world.advance(61)
        assert it.states() == {}


def test_an_abandoned_drain_is_retained_where_the_group_says_so() -> None:
    with scene(world=World(boot_seconds=0), InstanceLifecyclePolicy=RETAIN) as it:
        assert it.describe()["InstanceLifecyclePolicy"] == RETAIN
        it.put_hook("TERMINATING", HeartbeatTimeout=60)
        key = serving(it)
        it.world.set_behaviour(it.group, Behaviour(answers_drain=False))
        it.set_desired(0)
        it.world.advance(36_000)
        assert it.states() == {"Terminating:Retained": 1}
        assert it.describe()["DesiredCapacity"] == 0
        assert [m.billed for m in it.world.machines_of(it.group)] == [True]
        it.ec2.terminate_instances(InstanceIds=[key])
        assert it.states() == {}


def test_a_retained_instance_can_also_be_ended_through_its_group() -> None:
    with scene(world=World(boot_seconds=0), InstanceLifecyclePolicy=RETAIN) as it:
        it.put_hook("TERMINATING", DefaultResult="ABANDON")
        key = serving(it, 2)
        it.world.set_behaviour(it.group, Behaviour(answers_drain=False))
        it.terminate_one()
        complete(it, key, "ABANDON")
        assert it.states() == {"Terminating:Retained": 1, "InService": 1}
        it.autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=key, ShouldDecrementDesiredCapacity=False
        )
        it.world.advance(60)
        assert it.states() == {"InService": 1}
        assert it.describe()["DesiredCapacity"] == 1


def test_a_time_out_that_continues_retains_nothing() -> None:
    with scene(world=World(boot_seconds=0), InstanceLifecyclePolicy=RETAIN) as it:
        it.put_hook("TERMINATING", HeartbeatTimeout=60, DefaultResult="CONTINUE")
        serving(it)
        it.world.set_behaviour(it.group, Behaviour(answers_drain=False))
        it.set_desired(0)
        it.world.advance(120)
        assert it.states() == {}


def complete(it: Scene, key: str, result: str = "CONTINUE") -> None:
    it.autoscaling.complete_lifecycle_action(
        LifecycleHookName="TERMINATING",
        AutoScalingGroupName=it.group,
        InstanceId=key,
        LifecycleActionResult=result,
    )


def test_moving_the_clock_leaves_a_drain_the_time_that_it_has() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.put_hook("TERMINATING", HeartbeatTimeout=120)
        it.world.set_behaviour(it.group, Behaviour(drain_seconds=600))
        serving(it)
        it.set_desired(0)
        it.world.advance(300)
        it.world.start_at(0)
        it.world.advance(299)
        assert it.states() == {"Terminating:Wait": 1}
        it.world.advance(1)
        assert it.states() == {"Terminating": 1}


def test_whoever_completes_a_hook_ends_the_wait_and_only_once() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.put_hook("TERMINATING", HeartbeatTimeout=60)
        it.world.set_behaviour(it.group, Behaviour(answers_drain=False))
        key = serving(it)
        it.set_desired(0)
        it.world.advance(50)
        it.autoscaling.record_lifecycle_action_heartbeat(
            LifecycleHookName="TERMINATING", AutoScalingGroupName=it.group, InstanceId=key
        )
        it.world.advance(50)
        assert it.states() == {"Terminating:Wait": 1}
        complete(it, key)
        assert it.states() == {"Terminating": 1}
        with pytest.raises(ClientError, match="No active Lifecycle Action found with instance ID"):
            complete(it, key)


def test_an_instance_that_drains_cannot_be_told_to_leave_again() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.put_hook("TERMINATING")
        it.world.set_behaviour(it.group, Behaviour(drain_seconds=600))
        key = serving(it, 2)
        it.terminate_one()
        with pytest.raises(ClientError, match="ScalingActivityInProgress"):
            it.autoscaling.terminate_instance_in_auto_scaling_group(
                InstanceId=key, ShouldDecrementDesiredCapacity=True
            )
        assert it.describe()["DesiredCapacity"] == 1


def test_hooks_of_a_request_are_hooks_of_the_group() -> None:
    hook = {
        "LifecycleHookName": "h",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
        "HeartbeatTimeout": 90,
        "DefaultResult": "CONTINUE",
        "NotificationMetadata": "m",
    }
    with scene(LifecycleHookSpecificationList=[hook]) as it:
        [found] = it.autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=it.group)[
            "LifecycleHooks"
        ]
        assert found == {**hook, "AutoScalingGroupName": it.group, "GlobalTimeout": 9000}


def test_busy_instances_are_kept_and_idle_ones_go_first() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        serving(it, 4)
        it.world.set_busy(it.group, share=0.5)
        busy = {i["InstanceId"] for i in it.staying() if i["ProtectedFromScaleIn"]}
        it.set_desired(1)
        assert {i["InstanceId"] for i in it.staying()} == busy
        assert it.describe()["DesiredCapacity"] == 1
        it.world.set_busy(it.group, share=0)
        it.world.advance(60)
        assert len(it.staying()) == 1


def test_protection_that_is_set_by_a_call_holds() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        key = serving(it, 2)
        it.autoscaling.set_instance_protection(
            AutoScalingGroupName=it.group, InstanceIds=[key], ProtectedFromScaleIn=True
        )
        it.set_desired(0)
        assert [i["InstanceId"] for i in it.staying()] == [key]
        found = it.autoscaling.describe_auto_scaling_instances(InstanceIds=[key])
        assert [i["LifecycleState"] for i in found["AutoScalingInstances"]] == ["InService"]
