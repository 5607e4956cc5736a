"""A tick, as what it leaves behind in AWS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peakfleet_handlers.aws import CALL_SECONDS, REPORT_SECONDS, Calls, Deadline
from peakfleet_handlers.state import Claim, Known
from peakfleet_handlers.tick import act
from peakfleet_planner import Memory, Plan, PoolPlan, PoolReading, Reason, Snapshot
from peakfleet_table import NewestTick
from tests.handlers.fake_aws import READS
from tests.handlers.scenes import (
    BALANCED_FLEET,
    FLEET,
    NOW,
    aws,
    minutes,
    remembers,
    tick,
)


def test_demand_above_the_baseline_grows_the_first_pool() -> None:
    fake = aws(155)
    said = tick(fake)
    assert fake.desired == {"g": 6, "x": 0}
    assert said["applied"]["pools"] == {"Graviton": 6}


def test_a_second_tick_with_the_same_demand_writes_nothing() -> None:
    fake = aws(155)
    tick(fake)
    tick(fake, now=NOW + 10)
    assert fake.written() == []
    assert fake.desired == {"g": 6, "x": 0}


def test_a_fresh_fleet_within_its_baseline_writes_nothing() -> None:
    fake = aws(50)
    tick(fake)
    assert fake.written() == []
    assert fake.counted() == {**dict.fromkeys(READS, 1), "PutItem": 1}


def test_demand_that_is_gone_is_let_go() -> None:
    fake = remembers(aws(50, graviton=6))
    tick(fake)
    assert fake.desired == {"g": 0, "x": 0}


def test_a_later_tick_wins_over_one_that_was_delayed() -> None:
    fake = aws(155)
    tick(fake, now=NOW)
    fake.metrics["Streams"] = minutes([300] * 70, until=NOW - 60)
    said = tick(fake, now=NOW - 60)
    assert said["applied"]["recorded"] == "stale"
    assert fake.desired == {"g": 6, "x": 0}


def test_a_tick_delivered_twice_acts_once() -> None:
    fake = aws(155)
    tick(fake)
    fake.groups["g"].desired = 0
    assert tick(fake)["applied"]["recorded"] == "stale"
    assert fake.desired["g"] == 0


@pytest.mark.parametrize("demand", [0, 155, 300])
@pytest.mark.parametrize("desired", [2, 3, 9])
def test_a_group_that_cannot_be_read_is_left_as_it_is(demand: float, desired: int) -> None:
    fake = remembers(aws(demand, graviton=3))
    fake.groups["g"].desired = desired
    fake.failing["DescribeAutoScalingGroups"] = "Throttling"
    tick(fake)
    assert fake.desired["g"] == desired


def test_one_missing_group_leaves_the_others_growing() -> None:
    fake = aws(155)
    del fake.groups["g"]
    said = tick(fake)
    assert fake.desired == {"x": 6}
    assert said["applied"]["failed_calls"] == 1


def test_a_pool_that_fails_does_not_stop_the_next() -> None:
    fake = aws(250)
    fake.failing["SetDesiredCapacity g"] = "ScalingActivityInProgress"
    said = tick(fake)
    assert fake.desired == {"g": 0, "x": 5}
    assert said["applied"]["pools"] == {"X86": 5}


def test_no_group_is_asked_for_more_than_its_own_maximum() -> None:
    fake = aws(400)
    fake.groups["g"].maximum = 4
    tick(fake)
    assert fake.desired == {"g": 4, "x": 20}


def test_more_is_asked_for_before_less() -> None:
    fake = remembers(aws(50, graviton=0, x86=6))
    fake.groups["g"].minimum = 1
    tick(fake)
    sizes = [asked for operation, asked in fake.calls if operation == "SetDesiredCapacity"]
    assert [asked["AutoScalingGroupName"] for asked in sizes] == ["g", "x"]
    assert all(asked["HonorCooldown"] is False for asked in sizes)


def test_a_function_out_of_time_calls_nothing_and_still_answers() -> None:
    fake = remembers(aws(300, graviton=6))
    said = tick(fake, timeout_seconds=2)
    assert fake.calls == []
    assert said["reason"] == "blind"
    assert said["applied"]["failed_calls"] == 4


@pytest.mark.parametrize("timeout_seconds", [15, 30, 50, 200])
def test_however_slow_aws_is_a_tick_ends_in_time(timeout_seconds: float) -> None:
    fake = remembers(aws(300, graviton=6))
    fake.seconds_per_call = CALL_SECONDS
    tick(fake, BALANCED_FLEET, timeout_seconds=timeout_seconds)
    assert fake.calls
    assert fake.elapsed_seconds <= timeout_seconds - REPORT_SECONDS


def test_a_group_that_cannot_be_read_is_not_lowered_to_a_lower_maximum() -> None:
    fake = remembers(aws(50, graviton=6))
    fake.failing["DescribeAutoScalingGroups"] = "Throttling"
    lower = replace(FLEET, pools=(replace(FLEET.pools[0], max_capacity=4), FLEET.pools[1]))
    tick(fake, lower)
    assert fake.desired["g"] == 6


def test_a_plan_beyond_the_bounds_of_a_group_is_clamped() -> None:
    fake = aws()
    fake.groups["g"].minimum = 2
    readings = (
        PoolReading(
            name="Graviton",
            desired_capacity=3,
            in_service_capacity=3,
            min_capacity=2,
            max_capacity=5,
        ),
    )
    calls = Calls(deadline=Deadline.of(None))
    for planned, set_to in ((9, 5), (0, 2)):
        pool = PoolPlan(name="Graviton", desired_capacity=planned, seen_capacity=3, units=0)
        act(
            replace(FLEET, state_table=None),
            Snapshot(now_epoch_seconds=NOW, signals={}, pools=readings),
            Plan(pools=(pool,), reason=Reason.DEMAND),
            Known(memory=Memory(), claim=Claim(leaves=NewestTick(tick=NOW))),
            clients=fake.clients,
            calls=calls,
        )
        assert fake.desired["g"] == set_to
