"""Units per dollar of each chip against x86: what may be said, and when nothing may."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from peakfleet_planner import SpecError
from peakfleet_planner.efficiency import (
    FEWEST_DAYS,
    ChipEfficiency,
    Hour,
    PoolDay,
    Verdict,
    chip_efficiencies,
    geometric_bounds,
    measured_hours,
    measured_units,
    t_quantile,
)

positive = st.floats(min_value=1e-3, max_value=1e6)


def a_day(
    number: int,
    *,
    pool: str = "X86",
    units: float = 12.0,
    busy: float | None = 0.9,
    usd: float | None = 0.7,
    hours: int = 6,
) -> PoolDay:
    """Return a day of 5 machines that each serve so many units when they are wholly busy."""
    start = 86_400 * number
    return PoolDay(
        date=f"2027-01-{number:02}",
        pool=pool,
        chip={"X86": "intel", "Trainium": "trainium2"}.get(pool, "graviton4"),
        purchase="on-demand",
        instance_types=("a", "b"),
        units_per_capacity=units,
        is_baseline=pool == "X86",
        usd_per_capacity_hour=usd,
        hours=tuple(
            Hour(
                start_epoch_seconds=start + 3600 * hour,
                unit_hours=5 * units * (busy or 0.9),
                capacity_hours=5,
                busy_share=busy,
            )
            for hour in range(hours)
        ),
    )


def beside_x86(gains: list[float], *, pool: str = "Graviton") -> ChipEfficiency:
    """Return what is said of a pool with these gains over x86, one a day."""
    days = [a_day(number) for number in range(1, len(gains) + 1)]
    other = [
        a_day(number, pool=pool, units=12 * (1 + gain))
        for number, gain in enumerate(gains, start=1)
    ]
    baseline, found = chip_efficiencies([*other, *days])
    assert baseline.verdict is Verdict.BASELINE
    return found


def test_the_gain_is_units_per_dollar_over_those_of_x86() -> None:
    days = [a_day(n) for n in range(1, 7)]
    days += [a_day(n, pool="Graviton", units=16, usd=0.6) for n in range(1, 7)]
    baseline, graviton = chip_efficiencies(days)
    assert (baseline.chip, graviton.chip) == ("intel", "graviton4")
    assert graviton.gain is not None
    assert graviton.gain.mean == pytest.approx((16 / 0.6) / (12 / 0.7) - 1)
    assert graviton.units_per_usd is not None
    assert graviton.units_per_usd.mean == pytest.approx(0.9 * 16 / 0.6)
    assert (graviton.unit_hours, graviton.capacity_hours) == pytest.approx((6 * 6 * 72, 6 * 30))
    assert graviton.usd == pytest.approx(6 * 30 * 0.6)


def test_the_quoted_gain_is_reached_only_when_even_the_lower_bound_reaches_it() -> None:
    assert beside_x86([0.48, 0.52, 0.5, 0.49, 0.51]).verdict is Verdict.REACHED
    assert beside_x86([0.1, 0.9, 0.3, 0.7, 0.5]).verdict is Verdict.CANNOT_TELL
    assert beside_x86([0.18, 0.22, 0.2, 0.19, 0.21]).verdict is Verdict.NOT_REACHED


def test_trainium2_is_held_to_fifty_percent() -> None:
    gains = [0.43, 0.46, 0.45, 0.44, 0.45]
    assert beside_x86(gains).verdict is Verdict.REACHED
    assert beside_x86(gains, pool="Trainium").verdict is Verdict.NOT_REACHED


def test_with_too_few_days_nothing_is_said() -> None:
    few = beside_x86([0.5] * (FEWEST_DAYS - 1))
    assert (few.gain, few.units_per_usd, few.verdict) == (None, None, Verdict.CANNOT_TELL)
    assert few.paired_days == FEWEST_DAYS - 1


@pytest.mark.parametrize("busy", [None, 0.3])
def test_machines_that_are_not_busy_or_do_not_say_so_are_not_compared(busy: float | None) -> None:
    days = [a_day(n) for n in range(1, 9)]
    days += [a_day(n, pool="Graviton", units=20, busy=busy) for n in range(1, 9)]
    _, graviton = chip_efficiencies(days)
    assert (graviton.gain, graviton.paired_days) == (None, 0)
    assert graviton.unit_hours > 0


def test_only_hours_in_which_both_were_busy_are_compared() -> None:
    """Else a pool that serves the busy evening would win over one that serves the quiet night."""
    days = [a_day(n, hours=6) for n in range(1, 9)]
    other = []
    for n in range(1, 9):
        day = a_day(n, pool="Graviton", hours=9)
        late = tuple(replace(hour, unit_hours=900.0) for hour in day.hours[6:])
        other.append(replace(day, hours=(*day.hours[:6], *late)))
    _, graviton = chip_efficiencies([*days, *other])
    assert graviton.gain is not None
    assert graviton.gain.mean == pytest.approx(0)


def test_a_pool_without_a_price_is_counted_and_not_compared() -> None:
    days = [a_day(n) for n in range(1, 9)]
    days += [a_day(n, pool="Graviton", usd=None) for n in range(1, 9)]
    _, graviton = chip_efficiencies(days)
    assert (graviton.usd, graviton.units_per_usd, graviton.gain) == (None, None, None)


def test_a_discount_of_spot_is_told_apart_from_the_chip() -> None:
    days = [a_day(n) for n in range(1, 9)]
    days += [replace(a_day(n, pool="Graviton"), purchase="spot") for n in range(1, 9)]
    days += [a_day(n, pool="Graviton") for n in range(1, 9)]
    _, on_demand, spot = chip_efficiencies(days)
    assert (on_demand.purchase, on_demand.same_purchase) == ("on-demand", True)
    assert (spot.purchase, spot.same_purchase) == ("spot", False)


def test_without_x86_nothing_is_compared() -> None:
    (graviton,) = chip_efficiencies([a_day(n, pool="Graviton") for n in range(1, 9)])
    assert (graviton.gain, graviton.verdict) == (None, Verdict.CANNOT_TELL)
    assert chip_efficiencies([]) == ()


@given(gains=st.lists(st.floats(-0.9, 5), min_size=5, max_size=20), price=positive, power=positive)
def test_neither_the_currency_nor_the_unit_changes_a_gain(
    gains: list[float], price: float, power: float
) -> None:
    def all_days(price: float, power: float) -> list[PoolDay]:
        days = []
        for number, gain in enumerate(gains, start=1):
            days.append(a_day(number, units=12 * power, usd=0.7 * price))
            units = 12 * (1 + gain) * power
            days.append(a_day(number, pool="Graviton", units=units, usd=0.7 * price))
        return days

    _, once = chip_efficiencies(all_days(1, 1))
    _, again = chip_efficiencies(all_days(price, power))
    assert once.gain is not None
    assert again.gain is not None
    assert again.gain.mean == pytest.approx(once.gain.mean, rel=1e-6, abs=1e-6)
    assert again.gain.low == pytest.approx(once.gain.low, rel=1e-6, abs=1e-6)


@given(values=st.lists(positive, min_size=5, max_size=40))
def test_bounds_enclose_their_mean_and_the_mean_its_values(values: list[float]) -> None:
    bounds = geometric_bounds(values)
    assert bounds is not None
    assert 0 < bounds.low <= bounds.mean <= bounds.high
    assert min(values) <= bounds.mean <= max(values)


@pytest.mark.parametrize("degrees", [4, 5, 9, 27, 399])
def test_the_quantile_is_that_of_the_t_distribution(degrees: int) -> None:
    assert t_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=5e-4)


def test_nineteen_of_twenty_bounds_hold_the_truth() -> None:
    chance = Random(7)
    tries, truth = 2000, 1.4
    held = [
        bounds.low <= truth <= bounds.high
        for _ in range(tries)
        if (bounds := geometric_bounds([truth * chance.lognormvariate(0, 0.2) for _ in range(7)]))
    ]
    assert len(held) == tries
    assert fmean(held) == pytest.approx(0.95, abs=0.015)


def test_units_of_an_instance_are_those_it_would_serve_were_it_wholly_busy() -> None:
    for busy in (0.65, 0.8, 1.0):
        found = measured_units([a_day(n, busy=busy, units=14) for n in range(1, 9)])
        assert found is not None
        assert found.units == pytest.approx(14)
        assert found.days == 8


def test_units_of_an_idle_pool_are_not_known() -> None:
    assert measured_units([a_day(n, busy=0.5) for n in range(1, 9)]) is None
    assert measured_units([a_day(n, units=0) for n in range(1, 9)]) is None


def test_an_hour_of_machines_that_report_nothing_was_paid_for_all_the_same() -> None:
    hours = measured_hours(useful_units={}, in_service_capacity={0: 3.0}, busy_share={})
    assert hours == (Hour(start_epoch_seconds=0, unit_hours=0, capacity_hours=3),)


def test_a_busy_share_above_one_is_a_rounding_error_of_the_machines() -> None:
    (hour,) = measured_hours(
        useful_units={0: 60.0}, in_service_capacity={0: 1.0}, busy_share={0: 1.02}
    )
    assert hour.busy_share == 1


def test_a_day_survives_its_json_form() -> None:
    for day in (a_day(3), a_day(4, busy=None, usd=None, hours=0)):
        assert PoolDay.from_json(json.loads(json.dumps(day.to_json()))) == day
    with pytest.raises(SpecError, match="version must be 1, got 9"):
        PoolDay.from_json({**a_day(3).to_json(), "version": 9})
