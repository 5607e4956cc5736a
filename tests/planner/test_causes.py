"""Why the burst was bought adds up to what was bought, and what it costs is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import BaselineCause, BaselineState, FleetSpec, SiteView, decide
from peakfleet_planner.pool_plan.causes import burst_causes
from tests.planner.fleets import capacities, demands, fleets, histories, sizes, snapshot

units = st.floats(0, 1e6)


@st.composite
def sites(draw: st.DrawFn) -> SiteView:
    carried = draw(units)
    return SiteView(
        name="s",
        state=BaselineState.HEALTHY,
        units=draw(st.floats(0, 1)) * carried,
        carried_units=carried,
        cause=draw(st.none() | st.sampled_from(BaselineCause)),
    )


@given(granted=units, demand=units, baseline=st.lists(sites(), max_size=3))
def test_the_parts_add_up_to_what_is_granted(
    granted: float, demand: float, baseline: list[SiteView]
) -> None:
    parts = burst_causes(granted, demand, baseline)
    assert sum(parts.values()) == pytest.approx(granted, abs=1e-6)
    assert all(part >= 0 for part in parts.values())


def site(units: float, cause: BaselineCause | None = None) -> SiteView:
    state = BaselineState.DEGRADED if cause else BaselineState.HEALTHY
    return SiteView(name="s", state=state, units=units, carried_units=200, cause=cause)


@pytest.mark.parametrize(
    ("granted", "demand", "baseline", "expected"),
    [
        (100, 500, [site(200), site(200)], {"above-baseline": 100}),
        (110, 500, [site(200), site(200)], {"above-baseline": 100, "ahead": 10}),
        (
            250,
            500,
            [site(200), site(50, BaselineCause.DEGRADED)],
            {"above-baseline": 100, "baseline-degraded": 150},
        ),
        (
            400,
            500,
            [site(100, BaselineCause.LINK), site(0, BaselineCause.MAINTENANCE)],
            {"above-baseline": 100, "baseline-unknown": 100, "maintenance": 200},
        ),
        (50, 300, [site(200), site(200)], {"ahead": 50}),
    ],
)
def test_each_part_has_its_cause(
    granted: float, demand: float, baseline: list[SiteView], expected: dict[str, float]
) -> None:
    assert burst_causes(granted, demand, baseline) == pytest.approx(expected)


@given(spec=fleets(), history=histories, capacity=st.lists(capacities, min_size=3, max_size=3))
def test_a_plan_says_what_all_that_it_grants_is_bought_for(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    plan = decide(spec, snapshot(spec, history, capacity))
    assert sum(plan.bought.values()) == pytest.approx(plan.granted_units)


@given(
    spec=fleets(),
    demand=demands,
    prices=st.lists(st.none() | st.floats(0.01, 9), min_size=3, max_size=3),
)
def test_a_plan_says_what_its_sizes_cost_unless_a_price_is_not_known(
    spec: FleetSpec, demand: float, prices: list[float | None]
) -> None:
    priced = replace(
        spec,
        pools=tuple(
            replace(pool, usd_per_capacity_hour=usd)
            for pool, usd in zip(spec.pools, prices, strict=False)
        ),
    )
    plan = decide(priced, snapshot(priced, [demand] * 60))
    runs = [(usd, size) for usd, size in zip(prices, sizes(plan), strict=False) if size]
    known = [usd * size for usd, size in runs if usd is not None]
    expected = pytest.approx(sum(known)) if len(known) == len(runs) else None
    assert plan.usd_per_hour == expected
