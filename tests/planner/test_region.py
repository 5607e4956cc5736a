"""Regions share a service: what one cannot serve goes to others, and nothing is done twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    Plan,
    Reason,
    RegionShareSpec,
    Snapshot,
    SpecError,
    decide,
    region_weight,
)
from tests.planner.fleets import NOW, fleet, seen, series

FULL = 153
SHARE = RegionShareSpec(
    hosted_zone_id="Z", record_name="live.example.com", own="here", full_weight=FULL
)
SPEC = replace(fleet(), region=SHARE)
weights = st.integers(1, 255)
units = st.floats(1, 1e4)


def plan(*, demand: float, baseline: float = 0.0, serving: float = 0.0, short: bool) -> Plan:
    return Plan(
        pools=(),
        reason=Reason.DEMAND,
        limits=(Reason.UNSERVED,) if short else (),
        demand_units=demand,
        baseline_units=baseline,
        burst_units=max(0.0, demand - baseline),
        serving_units=serving,
        wanted_units=demand if short else 0.0,
    )


@given(own=weights, other=weights, demand=units, serves=st.floats(0, 1))
def test_a_short_region_keeps_what_it_serves_and_never_gives_away_more_than_half(
    own: int, other: int, demand: float, serves: float
) -> None:
    short = plan(demand=demand, serving=demand * serves, short=True)
    weight = region_weight(SPEC, short, {"here": own, "there": other})
    if weight is None:
        return
    assert 1 <= weight < own
    before, after = own / (own + other), weight / (weight + other)
    if weight > SHARE.full_weight / 10 + 1:
        assert after >= before * max(0.5, serves) - 1 / (weight + other)


@given(own=weights, other=weights, demand=units)
def test_what_was_given_away_comes_back_step_by_step_to_its_own_share_and_no_further(
    own: int, other: int, demand: float
) -> None:
    well = plan(demand=demand, baseline=demand, short=False)
    weight = own
    for _ in range(40):
        step = region_weight(SPEC, well, {"here": weight, "there": other})
        if step is None:
            break
        assert 0 < step - weight <= FULL * 0.05 + 1
        weight = step
    assert weight == max(own, FULL)


@pytest.mark.parametrize("reason", [Reason.BLIND, Reason.HELD, Reason.SIGNAL_SILENT])
@given(own=weights, other=weights)
def test_a_region_that_knows_nothing_or_is_held_moves_nothing(
    reason: Reason, own: int, other: int
) -> None:
    unknown = replace(plan(demand=100, short=True), reason=reason)
    assert region_weight(SPEC, unknown, {"here": own, "there": other}) is None


@given(own=weights)
def test_a_region_that_is_alone_keeps_all(own: int) -> None:
    short = plan(demand=100, short=True)
    assert region_weight(SPEC, short, {"here": own}) is None
    assert region_weight(SPEC, short, {"there": own}) is None


@given(
    demand=st.floats(0, 2000),
    share=st.floats(0.05, 0.95),
    baseline=st.floats(0, 800),
    own=weights,
    other=weights,
)
def test_two_regions_never_take_the_same_burst_twice(
    demand: float, share: float, baseline: float, own: int, other: int
) -> None:
    """Whatever the records weigh: each unit is carried by one baseline, or bought by one region."""
    taken = bought = declared = 0.0
    for weight, part in ((own, share), (other, 1 - share)):
        mine = demand * weight / (own + other)
        spec = replace(SPEC, baseline=FixedBaseline(units=baseline * part))
        found = decide(
            spec,
            Snapshot(
                now_epoch_seconds=NOW,
                signals={spec.signals[0].name: {"m": series([mine] * 60)}},
                pools=seen(spec),
            ),
        )
        taken += min(mine, found.baseline_units)
        bought += found.burst_units
        declared += found.baseline_units
    assert taken + bought == pytest.approx(demand, abs=1e-6)
    assert declared == pytest.approx(baseline)


def test_a_share_that_no_record_can_weigh_is_refused() -> None:
    with pytest.raises(SpecError, match="full_weight"):
        replace(SHARE, full_weight=0)
