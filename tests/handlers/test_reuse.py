"""What is let go waits, and serves again: a group that reuses its instances, over hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from peakfleet_planner import Hold, WarmSpec
from peakfleet_table import HOLDS, LATESTS, Latest
from tests.handlers.fake_aws import FakeAws, FakeGroup
from tests.handlers.scenes import FLEET, NOW, aws, minutes, remembers, tick

WARM = WarmSpec(max_capacity=10, reuse=True)
POOL, OTHER = replace(FLEET.pools[0], warm=WARM), FLEET.pools[1]
REUSING = replace(FLEET, pools=(POOL, OTHER))
QUIET, PEAK = 50, 155
"""Demand that the baseline carries alone, and demand that takes six instances besides."""
HELD_MINUTES = round(POOL.boot_seconds / WARM.cost_fraction / 60)


def fleet(desired: int = 6) -> tuple[FakeAws, FakeGroup]:
    """Return a fleet just deployed, with a warm pool that is empty and stays so."""
    fake = remembers(aws(PEAK, graviton=desired))
    group = fake.groups["g"]
    group.warm, group.reuses = 0, True
    return fake, group


def live(fake: FakeAws, *demands: float, first: int = 0) -> None:
    """Run a tick a minute, from a minute on."""
    before = list(fake.metrics["Streams"].values())
    for minute, demand in enumerate(demands, start=first):
        before = [*before[-69:], demand]
        fake.metrics["Streams"] = minutes(before, until=NOW + 60 * minute)
        tick(fake, REUSING, now=NOW + 60 * minute)


def asked(fake: FakeAws) -> Sequence[str]:
    return [name for name, _ in fake.calls if name in ("PutWarmPool", "SetDesiredCapacity")]


def test_what_is_let_go_waits_and_serves_again_and_nothing_boots_only_to_wait() -> None:
    fake, group = fleet(desired=0)
    live(fake, *[PEAK] * 5)
    assert (group.desired, group.waiting, group.booted) == (6, 0, 6)
    live(fake, *[QUIET] * 40, first=5)
    assert (group.desired, group.waiting) == (0, 6)
    live(fake, *[PEAK] * 5, first=45)
    assert (group.desired, group.waiting) == (6, 0)
    assert (group.booted, group.ended) == (6, 0)


def test_what_waits_ends_when_it_has_cost_as_much_as_a_boot() -> None:
    fake, group = fleet()
    live(fake, *[QUIET] * HELD_MINUTES)
    assert (group.desired, group.waiting) == (0, 6)
    live(fake, *[QUIET] * 40, first=HELD_MINUTES)
    assert (group.waiting, group.ended) == (0, 6)


def test_what_is_right_is_not_said_again() -> None:
    fake, _ = fleet()
    live(fake, *[QUIET] * 40)
    live(fake, QUIET, first=40)
    assert asked(fake) == []


def test_the_warm_pool_is_told_before_the_group_shrinks() -> None:
    fake, group = fleet()
    minute = 0
    while group.desired == 6:
        group.prepared = 0  # as if it had just been deployed anew
        live(fake, QUIET, first=minute)
        minute += 1
    assert asked(fake) == ["PutWarmPool", "SetDesiredCapacity"]
    assert group.waiting == 6 - group.desired


def test_a_group_shrinks_also_while_its_warm_pool_cannot_be_told() -> None:
    fake, group = fleet()
    fake.failing["PutWarmPool"] = "Throttling"
    live(fake, *[QUIET] * 40)
    assert (group.desired, group.waiting, group.ended) == (0, 0, 6)


def test_a_group_that_cannot_grow_boots_nothing_only_to_wait() -> None:
    fake, group = fleet(desired=3)
    group.prepared = 3
    fake.failing["SetDesiredCapacity"] = "Throttling"
    live(fake, PEAK)
    assert (group.prepared, group.waiting) == (3, 0)
    fake.failing.clear()
    live(fake, PEAK, first=1)
    assert (group.desired, group.prepared, group.waiting) == (6, 6, 0)


def test_a_tick_that_is_not_the_latest_tells_the_warm_pool_nothing() -> None:
    fake, group = fleet(desired=3)
    remembers(fake, tick=NOW + 60)
    live(fake, PEAK)
    assert (asked(fake), group.prepared) == ([], 0)


def test_a_fleet_on_hold_leaves_its_warm_pool_as_it_is() -> None:
    fake, _ = fleet()
    hold = Hold(owner="ada", reason="audit", until_epoch_seconds=NOW + 60)
    fake.table["Media/Live", "HOLD"] = HOLDS.item("Media/Live", hold)
    live(fake, PEAK)
    assert asked(fake) == []


def test_the_fewest_that_wait_are_as_specified() -> None:
    spec = replace(REUSING, pools=(replace(POOL, warm=replace(WARM, min_capacity=2)), OTHER))
    fake, group = fleet()
    group.prepared = 6
    assert tick(fake, spec)["applied"]["warm"] == {"Graviton": 2}
    assert (group.warm, group.prepared, group.waiting) == (2, 6, 2)
    tick(fake, spec, now=NOW + 60)
    assert asked(fake) == []


@pytest.mark.parametrize("heights", [{}, {"Graviton": ((NOW, 6), (NOW + 60, 4))}])
def test_the_heights_of_a_pool_are_read_as_they_were_written(
    heights: dict[str, tuple[tuple[int, int], ...]],
) -> None:
    item = LATESTS.item("Media/Live", Latest(tick=NOW, heights=heights))
    assert LATESTS.read(item).heights == heights
    del item["heights"]
    assert LATESTS.read(item).heights == {}, "as older versions wrote it"
