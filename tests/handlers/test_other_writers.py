"""Whoever else sets a group's size is noticed by the tick, whatever they set it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from peakfleet_planner import OtherWriterSpec
from tests.handlers.account import Account, of
from tests.handlers.scenes import FLEET

YIELDING = replace(FLEET, other_writer=OtherWriterSpec(mode="yield"))
OWN = 6
"""What the fleet asks of its first group for the demand below."""


def scheduled_action(size: int) -> None:
    """Do what a scheduled action does to its group when it is due: it sets the three sizes."""
    of("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName="g", MinSize=0, MaxSize=max(size, OWN), DesiredCapacity=size
    )


def scheduled_bounds(size: int) -> None:
    """Do what a scheduled action without a desired capacity does: bounds push the size."""
    bounds = {"MinSize": size} if size > OWN else {"MaxSize": size}
    of("autoscaling").update_auto_scaling_group(AutoScalingGroupName="g", **bounds)


def exact_policy(size: int) -> None:
    """Do what a step policy of another stack does."""
    of("autoscaling").put_scaling_policy(
        AutoScalingGroupName="g",
        PolicyName="theirs",
        AdjustmentType="ExactCapacity",
        ScalingAdjustment=size,
    )
    of("autoscaling").execute_policy(AutoScalingGroupName="g", PolicyName="theirs")


def managed_scaling(size: int) -> None:
    """Do what the target tracking of an ECS capacity provider does, or a human."""
    of("autoscaling").set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=size)


WRITERS = (scheduled_action, scheduled_bounds, exact_policy, managed_scaling)
Writer = Callable[[int], None]


def at_rest(account: Account) -> None:
    """Bring the fleet to its own size, minutes ago."""
    account.put(155)
    account.tick(YIELDING)
    account.world.advance(300)
    account.put(155)
    account.tick(YIELDING)
    assert account.desired() == {"g": OWN, "x": 0}
    account.world.advance(60)


@pytest.mark.parametrize("write", WRITERS)
def test_a_size_that_somebody_raised_is_a_floor_and_is_told(
    account: Account, write: Writer
) -> None:
    at_rest(account)
    write(8)
    assert account.desired()["g"] == 8
    said = account.tick(YIELDING)
    assert "other-writer" in (said["reason"], *said.get("limits", ()))
    assert account.desired()["g"] == 8
    assert "SIZE#Graviton" in account.remembered()


@pytest.mark.parametrize("write", WRITERS)
def test_a_size_that_somebody_lowered_is_told_and_other_pools_make_up_for_it(
    account: Account, write: Writer
) -> None:
    at_rest(account)
    write(3)
    assert account.desired()["g"] == 3
    said = account.tick(YIELDING)
    assert "other-writer" in (said["reason"], *said.get("limits", ()))
    assert account.desired() == {"g": 3, "x": 3}


def test_a_policy_that_works_every_minute_does_not_freeze_growth(account: Account) -> None:
    at_rest(account)
    for size in (7, 8, 7):
        managed_scaling(size)
        account.put(155)
        account.tick(YIELDING)
        account.world.advance(60)
    account.put(215)
    account.tick(YIELDING)
    assert sum(account.desired().values()) >= 12


def test_bounds_that_are_set_back_end_it(account: Account) -> None:
    at_rest(account)
    scheduled_bounds(8)
    account.tick(YIELDING)
    of("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName="g", MinSize=0, DesiredCapacity=OWN
    )
    account.world.advance(60)
    account.put(155)
    account.tick(YIELDING)
    assert "SIZE#Graviton" not in account.remembered()
