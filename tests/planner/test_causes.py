"""Why the burst was bought adds up to what was bought."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import BaselineCause, BaselineState, SiteView
from peakfleet_planner.pool_plan.causes import burst_causes

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
