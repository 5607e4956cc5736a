"""A ladder of unequal sizes and prices comes to rest, and no exchange would make it cheaper."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    Memory,
    MetricSeries,
    PaceSpec,
    PoolReading,
    PoolSpec,
    Reason,
    Snapshot,
    decide,
)
from tests.planner.fleets import NOW, capacities, demands, fleet, histories, sizes, snapshot
from tests.planner.fleets import units as planned_units

QUIET_SECONDS = 3600
"""For so long an exchange must earn what it costs: nothing was refused for longer."""


@dataclass(slots=True)
class Groups:
    """Groups that give what they are asked for, after a boot."""

    spec: FleetSpec
    desired: list[int]
    now: int = NOW
    boots: dict[str, list[float]] = field(default_factory=dict)

    def tick(self, units: float) -> None:
        """Decide for demand that has been *units* for two hours, and do it."""
        readings = []
        for pool, size in zip(self.spec.pools, self.desired, strict=True):
            boots = [at for at in self.boots.get(pool.name, []) if at > self.now]
            self.boots[pool.name] = boots
            readings.append(
                PoolReading(
                    name=pool.name,
                    desired_capacity=size,
                    in_service_capacity=size - len(boots),
                    booting_capacity=len(boots),
                    min_capacity=pool.min_capacity,
                    max_capacity=pool.max_capacity,
                )
            )
        points = tuple((self.now - 60 * age, units) for age in range(60, 0, -1))
        seen = Snapshot(
            now_epoch_seconds=self.now,
            signals={"streams": {"m": MetricSeries(points=points)}},
            pools=tuple(readings),
            memory=Memory(),
        )
        for place, told in enumerate(decide(self.spec, seen).pools):
            boots, more = self.boots[told.name], told.desired_capacity - self.desired[place]
            boots += [self.now + self.spec.pools[place].boot_seconds] * max(0, more)
            if more < 0:  # a group may end what boots first
                del boots[more:]
            self.desired[place] = told.desired_capacity
        self.now += 60


@st.composite
def unequal_ladders(draw: st.DrawFn) -> FleetSpec:
    """Two to four pools, the first as cheap by the unit as any, or in any order."""
    count = draw(st.integers(2, 4))
    by_unit = [draw(st.floats(0.001, 0.1)) for _ in range(count)]
    if draw(st.booleans()):
        by_unit.sort()
    pools = []
    for place, usd in enumerate(by_unit):
        units = draw(st.sampled_from([1, 2, 2.5, 8, 12, 16, 48, 90, 800, 1000]))
        pools.append(
            PoolSpec(
                name=f"p{place}",
                group=f"g{place}",
                units_per_capacity=units,
                max_capacity=draw(st.integers(1, 60)),
                boot_seconds=draw(st.sampled_from([60, 180, 600])),
                usd_per_capacity_hour=usd * units,
            )
        )
    largest = max(pool.units_per_capacity for pool in pools)
    pace = draw(st.sampled_from([inf, largest, 3 * largest]))
    return fleet(
        pools=tuple(pools),
        baseline=FixedBaseline(units=0),
        pace=PaceSpec(out_units=pace, in_units=pace),
    )


def could_earn(spec: FleetSpec, sizes: list[int], units: float) -> float:
    """Return the most that an exchange of points of one pool for another's earns, or a drop.

    A pool several times as dear as the cheapest serves only what is there, so none is for it.
    What the pace does not let go at once is no exchange: in parts, other points would be let go.
    """
    by_unit = [(pool.usd_per_capacity_hour or 0) / pool.units_per_capacity for pool in spec.pools]
    dear = [usd >= 5 * min(by_unit) for usd in by_unit]
    prices = [
        max(by_unit[: place + 1]) * pool.units_per_capacity for place, pool in enumerate(spec.pools)
    ]
    supply = sum(
        size * pool.units_per_capacity for size, pool in zip(sizes, spec.pools, strict=True)
    )
    most = 0.0
    for (one, pool), (other, victim) in product(enumerate(spec.pools), enumerate(spec.pools)):
        for more, gone in product(range(5), range(5)):
            if one == other or sizes[one] + more > pool.max_capacity or gone > sizes[other]:
                continue
            if dear[one] and more:
                continue
            added, lost = more * pool.units_per_capacity, gone * victim.units_per_capacity
            if supply + added - lost < units:
                continue
            if added > spec.pace.out_units or lost > spec.pace.in_units:
                continue
            saved = gone * prices[other] - more * prices[one]
            cost = more * prices[one] * pool.boot_seconds
            most = max(most, saved * QUIET_SECONDS - cost)
    return most


@given(spec=unequal_ladders(), percent=st.integers(0, 100), data=st.data())
def test_with_constant_demand_every_ladder_comes_to_rest(
    spec: FleetSpec, percent: int, data: st.DataObject
) -> None:
    units = percent / 100 * sum(pool.max_units for pool in spec.pools)
    start = [data.draw(st.integers(0, pool.max_capacity)) for pool in spec.pools]
    groups = Groups(spec, start)
    still = 0
    for _ in range(1500):
        before = list(groups.desired)
        groups.tick(units)
        still = still + 1 if groups.desired == before else 0
        if still > 15:
            break
    else:
        raise AssertionError(f"never still: {groups.desired}")
    supply = sum(
        size * pool.units_per_capacity
        for size, pool in zip(groups.desired, spec.pools, strict=True)
    )
    assert supply >= units * (1 - 1e-9)
    assert could_earn(spec, groups.desired, units) <= 1e-6


EQUAL = fleet(
    baseline=FixedBaseline(units=0),
    pools=tuple(
        PoolSpec(
            name=name,
            group=name,
            units_per_capacity=10,
            max_capacity=20,
            boot_seconds=60,
            usd_per_capacity_hour=usd,
        )
        for name, usd in (("cheap", 1), ("dear", 2))
    ),
)


@given(
    cheap=st.integers(0, 8),
    dear=st.integers(1, 8),
    busy=st.lists(st.integers(0, 8), max_size=20).map(lambda some: sorted(some, reverse=True)),
)
def test_busy_points_are_moved_from_a_few_at_once_and_go_when_their_work_is_done(
    cheap: int, dear: int, busy: list[int]
) -> None:
    size, most = [cheap, dear], cheap + dear + max(1, dear // 4)
    for works in [*busy, *[0] * 20]:
        before = snapshot(EQUAL, [10.0 * (cheap + dear)] * 60, size)
        readings = tuple(
            replace(one, busy_capacity=min(points, one.desired_capacity), booting_capacity=0)
            for one, points in zip(before.pools, (9, works), strict=True)
        )
        kept = readings[1].busy_capacity
        size = sizes(decide(EQUAL, replace(before, pools=readings)))
        assert size[1] >= kept
        assert cheap + dear <= sum(size) <= most
        assert kept < dear or sum(size) > cheap + dear, "what is busy is moved from too"
    assert size == [cheap + dear, 0]


@given(
    spec=unequal_ladders(),
    history=histories,
    extra=demands,
    capacity=st.lists(capacities, min_size=4),
)
def test_more_demand_never_means_less_capacity_on_an_unequal_ladder(
    spec: FleetSpec, history: list[float], extra: float, capacity: list[int]
) -> None:
    """Points that boot in the place of dearer ones come on top, for as long as both are there."""
    more = [*history[:-1], history[-1] + extra]
    less_plan = decide(spec, snapshot(spec, history, capacity))
    more_plan = decide(spec, snapshot(spec, more, capacity))
    if Reason.MOVING is not less_plan.reason:
        assert planned_units(more_plan) >= planned_units(less_plan) * (1 - 1e-9)


@given(spec=unequal_ladders(), history=histories, capacity=st.lists(capacities, min_size=4))
def test_an_unequal_ladder_obeys_its_bounds_and_its_pace(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    before = snapshot(spec, history, capacity)
    plan = decide(spec, before)
    moved = 0.0
    for pool, told, was in zip(spec.pools, plan.pools, before.pools, strict=True):
        assert pool.min_capacity <= told.desired_capacity <= pool.max_capacity
        moved += (told.desired_capacity - was.desired_capacity) * pool.units_per_capacity
    assert -spec.pace.in_units * (1 + 1e-9) <= moved <= spec.pace.out_units * (1 + 1e-9)
