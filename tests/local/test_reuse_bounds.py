"""Only what is healthy and has served returns to a warm pool, and only as far as it has room."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_local import Behaviour, LocalAws
from tests.local.deployed import Json
from tests.local.groups import scene
from tests.local.reuse import REUSE, pool, put, serving, waiting, world
from tests.local.stacks import Template, change, group, ids


def test_only_as_many_return_as_the_pool_has_room_for() -> None:
    with scene(world=world()) as it:
        it.set_desired(5)
        put(it, MaxGroupPreparedCapacity=3)
        it.world.advance(300)
        it.set_desired(1)
        it.world.advance(60)
        assert pool(it) == {"Warmed:Stopped": 2}
        assert len(it.world.endings) == 2
        it.set_desired(0)
        assert pool(it) == {"Warmed:Stopped": 2, "Warmed:Pending": 1}


def test_what_still_boots_for_the_pool_takes_up_its_room() -> None:
    with scene(world=world()) as it:
        it.set_desired(2)
        it.world.advance(300)
        put(it, MinSize=1, MaxGroupPreparedCapacity=0)
        it.set_desired(1)
        it.world.advance(60)
        assert pool(it) == {"Warmed:Pending": 1}
        assert len(it.world.endings) == 1


def test_a_pool_that_shrinks_ends_what_had_returned() -> None:
    with scene(world=world()) as it:
        serving(it, 3)
        it.set_desired(0)
        it.world.advance(60)
        put(it, MaxGroupPreparedCapacity=1)
        it.world.advance(60)
        assert pool(it) == {"Warmed:Stopped": 1}
        assert len(it.world.endings) == 2


def test_what_is_unhealthy_ends() -> None:
    with scene(world=world()) as it:
        served = serving(it, 2)
        it.autoscaling.suspend_processes(
            AutoScalingGroupName=it.group, ScalingProcesses=["ReplaceUnhealthy"]
        )
        for key in served:
            it.autoscaling.set_instance_health(InstanceId=key, HealthStatus="Unhealthy")
        it.set_desired(1)
        it.world.advance(60)
        assert [e.instance_id in served for e in it.world.endings] == [True]
        it.autoscaling.resume_processes(AutoScalingGroupName=it.group)
        it.world.advance(0)
        it.world.advance(60)
        assert {e.instance_id for e in it.world.endings} == served


def test_what_a_user_terminates_ends() -> None:
    with scene(world=world()) as it:
        served = serving(it, 2)
        it.terminate_one()
        it.world.advance(60)
        assert [e.instance_id in served for e in it.world.endings] == [True]
        assert set(waiting(it)) & served == set()


def test_what_still_boots_for_the_group_ends() -> None:
    with scene(world=world()) as it:
        it.set_desired(1)
        put(it, MaxGroupPreparedCapacity=1, MinSize=0)
        [key] = [i["InstanceId"] for i in it.staying()]
        it.set_desired(0)
        it.world.advance(60)
        assert [e.instance_id for e in it.world.endings] == [key]


def test_a_machine_that_serves_again_is_as_good_as_new() -> None:
    with scene(world=world(), HealthCheckGracePeriod=0) as it:
        it.world.set_behaviour(it.group, Behaviour(fails_after_seconds=1000))
        served = serving(it, 1)
        it.set_desired(0)
        it.world.advance(60)
        it.set_desired(1)
        it.world.advance(1000)
        assert {i["InstanceId"] for i in it.staying()} == served
        it.world.advance(30)
        assert {i["InstanceId"] for i in it.staying()} & served == set()


def test_nothing_boots_while_the_prepared_capacity_is_there() -> None:
    with scene() as it:

        @settings(max_examples=10)
        @given(
            steps=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 150)), max_size=6),
            drain=st.sampled_from([0, 90]),
        )
        def law(steps: list[tuple[int, int]], drain: int) -> None:
            it.create()
            it.put_hook("TERMINATING")
            it.world.set_behaviour(it.group, Behaviour(drain_seconds=drain))
            serving(it, 6)
            for capacity, seconds in steps:
                lowest = min(capacity, it.describe()["DesiredCapacity"])
                it.set_desired(lowest)
                it.world.advance(seconds)
                assert len(it.staying()) + len(waiting(it)) == 6
            assert it.world.launch_attempts[it.group, "launched"] == 6
            assert [e for e in it.world.endings if e.group == it.group] == []

        law()


def test_descriptions_say_the_policy_of_the_pool() -> None:
    with scene() as it:
        put(it, MaxGroupPreparedCapacity=0)
        found = it.autoscaling.describe_warm_pool(AutoScalingGroupName=it.group)
        assert found["WarmPoolConfiguration"]["InstanceReusePolicy"] == REUSE
        assert it.describe()["WarmPoolConfiguration"]["InstanceReusePolicy"] == REUSE


def test_a_stack_changes_the_pool_and_leaves_what_waits(aws: LocalAws) -> None:
    def resources(**properties: Json) -> Template:
        wanted = {"AutoScalingGroupName": {"Ref": "Group"}, "MinSize": "2", **properties}
        return {**group(), "Pool": {"Type": "AWS::AutoScaling::WarmPool", "Properties": wanted}}

    def found() -> dict[str, Json]:
        answer: dict[str, Json] = aws.client("autoscaling").describe_warm_pool(
            AutoScalingGroupName=ids(aws, "s")["Group"]
        )
        return answer

    change(aws, "s", resources(MaxGroupPreparedCapacity="0"))
    before = found()
    policy = {"ReuseOnScaleIn": "true"}
    change(aws, "s", resources(MaxGroupPreparedCapacity="2", InstanceReusePolicy=policy))
    after = found()
    assert [i["InstanceId"] for i in after["Instances"]] == [
        i["InstanceId"] for i in before["Instances"]
    ]
    assert len(after["Instances"]) == 1
    assert "InstanceReusePolicy" not in before["WarmPoolConfiguration"]
    assert after["WarmPoolConfiguration"]["InstanceReusePolicy"] == REUSE
    assert after["WarmPoolConfiguration"]["MaxGroupPreparedCapacity"] == 2
