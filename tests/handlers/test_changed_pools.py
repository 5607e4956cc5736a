"""Ticks after a deployment that changed the pools of a busy fleet, against moto."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peakfleet_planner import PoolSpec
from tests.handlers.account import Account
from tests.handlers.scenes import FLEET

GRAVITON, X86 = FLEET.pools


def at_peak(account: Account, demand: float = 155) -> None:
    """Let the first pool serve what the baseline of 100 units does not."""
    for _ in range(4):
        account.put(demand)
        account.tick()
        account.world.advance(60)
    assert account.desired() == {"g": 6, "x": 0}


def test_a_retired_pool_serves_until_another_does_and_is_empty_then(account: Account) -> None:
    at_peak(account)
    retiring = replace(FLEET, pools=(X86, replace(GRAVITON, retired=True)))
    sizes = []
    for _ in range(6):
        account.put(155)
        account.tick(retiring)
        assert account.world.in_service("g") + account.world.in_service("x") >= 6
        sizes.append(account.desired())
        assert account.newest_tick().retired == {"Graviton": sizes[-2]["g"] if sizes[1:] else 6}
        account.world.advance(60)
    assert sizes[0] == {"g": 6, "x": 6}
    assert sizes[-1] == {"g": 0, "x": 6}
    assert [one["x"] for one in sizes] == 6 * [6]


@pytest.mark.parametrize(
    "changed",
    [
        replace(GRAVITON, units_per_capacity=9.5),
        replace(GRAVITON, units_per_capacity=10.5),
        replace(GRAVITON, units_by_type={"c7g.large": 10, "c7g.medium": 5}),
        replace(GRAVITON, units_per_capacity=5, units_by_type={"c7g.large": 10, "c7g.medium": 5}),
    ],
)
def test_other_units_and_types_are_no_other_writer_and_end_nothing(
    account: Account, changed: PoolSpec
) -> None:
    at_peak(account)
    account.put(155)
    told = account.tick(replace(FLEET, pools=(changed, X86)))
    assert account.desired() == {"g": 6, "x": 0}
    assert "other-writer" not in (told["reason"], *told.get("limits", ()))
