"""Measured units in place of declared ones: only if allowed, only within bounds, never silently."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from peakfleet_planner import (
    EfficiencySpec,
    FleetSpec,
    MeasuredUnits,
    Memory,
    PaceSpec,
    Plan,
    PoolSpec,
    Reason,
    SpecError,
    decide,
)
from peakfleet_planner.pools import calibrated_units
from tests.planner.fleets import fleet, sizes, snapshot

positive = st.floats(min_value=1e-3, max_value=1e6)
changes = st.floats(min_value=0.01, max_value=0.5)
POOL = PoolSpec(name="p0", group="asg-0", units_per_capacity=10, max_capacity=100)
LESS = MeasuredUnits(units=9, low=8.8, high=9.2, days=12)
BURST = [100.0 + 90] * 60


@st.composite
def measurements(draw: st.DrawFn) -> MeasuredUnits:
    low, units, high = sorted(draw(st.lists(positive, min_size=3, max_size=3)))
    return MeasuredUnits(units=units, low=low, high=high, days=9)


def measuring(at_most_change: float | None = 0.2) -> FleetSpec:
    efficiency = EfficiencySpec(baseline_pool="p0", namespace="W", at_most_change=at_most_change)
    return replace(fleet(pools=(POOL,)), efficiency=efficiency)


def plan_of(spec: FleetSpec, measured: MeasuredUnits | None = LESS) -> Plan:
    memory = Memory(units={"p0": measured} if measured else {})
    return decide(spec, snapshot(spec, BURST, memory=memory))


@given(declared=positive, measured=measurements(), change=changes)
def test_units_never_change_by_more_than_the_owner_allows(
    declared: float, measured: MeasuredUnits, change: float
) -> None:
    found = calibrated_units(declared, measured, at_most_change=change)
    assert (1 - change) * declared <= found <= (1 + change) * declared


@given(declared=positive, measured=measurements(), change=changes)
def test_what_the_measurement_does_not_contradict_stands(
    declared: float, measured: MeasuredUnits, change: float
) -> None:
    assume(measured.low <= declared <= measured.high)
    assert calibrated_units(declared, measured, at_most_change=change) == declared


@given(declared=positive, measured=measurements(), change=changes)
def test_units_change_towards_the_measurement_and_not_past_it(
    declared: float, measured: MeasuredUnits, change: float
) -> None:
    found = calibrated_units(declared, measured, at_most_change=change)
    assert min(declared, measured.units) <= found <= max(declared, measured.units)


@given(declared=positive, measured=measurements(), change=changes, power=st.integers(-8, 8))
def test_scaling_the_unit_scales_what_is_planned_with(
    declared: float, measured: MeasuredUnits, change: float, power: int
) -> None:
    k = 2.0**power
    larger = replace(
        measured, units=k * measured.units, low=k * measured.low, high=k * measured.high
    )
    once = calibrated_units(declared, measured, at_most_change=change)
    assert calibrated_units(k * declared, larger, at_most_change=change) == pytest.approx(k * once)


def test_without_the_owners_word_measured_units_change_nothing() -> None:
    plain = plan_of(fleet(pools=(POOL,)), None)
    shown = plan_of(measuring(None))
    assert shown == plain
    assert plan_of(fleet(pools=(POOL,))) == plain
    assert not shown.measured_units


def test_with_it_the_fleet_is_sized_by_what_was_measured_and_the_plan_says_so() -> None:
    plan = plan_of(measuring())
    assert sizes(plan) == [10]
    assert sizes(plan_of(measuring(), None)) == [9]
    assert plan.measured_units == {"p0": 9}
    assert Reason.MEASURED_UNITS in plan.limits
    assert "a point of p0 counts for 9 units as measured" in plan.explain()
    assert Plan.from_json(plan.to_json()) == plan


def test_a_measurement_far_off_counts_as_far_as_it_may() -> None:
    broken = MeasuredUnits(units=1, low=0.9, high=1.1, days=9)
    assert plan_of(measuring(0.2), broken).measured_units == {"p0": 8}


def test_a_pool_that_serves_more_than_declared_still_fits_the_pace() -> None:
    spec = replace(measuring(), pace=PaceSpec(out_units=10, in_units=10))
    plan = plan_of(spec, MeasuredUnits(units=12, low=11.5, high=12.5, days=9))
    assert sizes(plan) == [1]
    assert plan.measured_units == {"p0": 12}


@pytest.mark.parametrize(("low", "high"), [(0, 9), (10, 12), (5, 8), (8, float("inf"))])
def test_bounds_that_enclose_nothing_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="must lie within bounds above zero"):
        MeasuredUnits(units=9, low=low, high=high, days=9)


@pytest.mark.parametrize("change", [0, -0.1, 0.6])
def test_feedback_without_bounds_is_refused(change: float) -> None:
    with pytest.raises(SpecError, match="efficiency: at_most_change must be"):
        measuring(change)


def test_a_baseline_pool_that_the_fleet_does_not_have_is_refused() -> None:
    with pytest.raises(SpecError, match="baseline_pool must be one of its pools, got 'gone'"):
        replace(fleet(), efficiency=EfficiencySpec(baseline_pool="gone", namespace="W"))
