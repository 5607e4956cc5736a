"""The calendar of known peaks: it prepares in time, keeps, and only ever raises."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    KnownPeakSpec,
    MetricSeries,
    PaceSpec,
    PoolSpec,
    Reason,
    SpecError,
    decide,
)
from tests.planner.fleets import (
    NOW,
    capacities,
    demands,
    fleet,
    fleets,
    histories,
    sizes,
    snapshot,
    units,
)

HOUR, DAY, WEEK = 3600, 24 * 3600, 7 * 24 * 3600
QUIET = [0.0] * 60
running = st.lists(capacities, min_size=3, max_size=3)


def finale(
    *, begins_in: float, lasts: float = HOUR, units: float = 300, **options: str | float
) -> KnownPeakSpec:
    start = NOW + int(begins_in)
    return KnownPeakSpec(
        name="season finale",
        start_epoch_seconds=start,
        end_epoch_seconds=start + int(lasts),
        units=units,
        **options,  # type: ignore[arg-type]  # options are `repeats` and `uncertainty`
    )


def with_peak(spec: FleetSpec, *peaks: KnownPeakSpec) -> FleetSpec:
    return replace(spec, known_peaks=peaks)


peaks = st.builds(
    finale,
    begins_in=st.integers(-2 * WEEK, 2 * WEEK),
    lasts=st.integers(1, DAY),
    units=st.floats(min_value=0.01, max_value=1e6),
    repeats=st.sampled_from(["once", "daily", "weekly"]),
    uncertainty=st.sampled_from([0.0, 0.3, 1.0]),
)


@given(spec=fleets(), history=histories, capacity=running, peak=peaks)
def test_a_known_peak_never_means_less_capacity(
    spec: FleetSpec, history: list[float], capacity: list[int], peak: KnownPeakSpec
) -> None:
    without = decide(spec, snapshot(spec, history, capacity))
    known = decide(with_peak(spec, peak), snapshot(spec, history, capacity))
    assert units(known) >= units(without)


@given(spec=fleets(), history=histories, first=demands, second=demands)
def test_a_larger_known_peak_never_means_less_capacity(
    spec: FleetSpec, history: list[float], first: float, second: float
) -> None:
    smaller, larger = sorted((first + 1, second + 1))
    plans = [
        decide(with_peak(spec, finale(begins_in=-60, units=peak_units)), snapshot(spec, history))
        for peak_units in (smaller, larger)
    ]
    assert units(plans[0]) <= units(plans[1])


def test_a_peak_is_prepared_for_as_long_as_the_slowest_pool_boots_and_a_tick_before() -> None:
    slow = PoolSpec(name="p0", group="a", units_per_capacity=10, max_capacity=99, boot_seconds=600)
    spec = fleet(pools=(slow,))
    too_early = with_peak(spec, finale(begins_in=661))
    in_time = with_peak(spec, finale(begins_in=660))
    assert sizes(decide(too_early, snapshot(spec, QUIET))) == [0]
    plan = decide(in_time, snapshot(spec, QUIET))
    assert sizes(plan) == [20]  # 300 units, of which the baseline carries 100
    assert plan.reason is Reason.KNOWN_PEAK
    assert plan.ahead_units == 300


def test_a_paced_fleet_begins_earlier_by_its_steps() -> None:
    spec = with_peak(fleet(pace=PaceSpec(out_units=50)), finale(begins_in=180 + 4 * 60))
    plan = decide(spec, snapshot(spec, QUIET))
    assert sizes(plan) == [5]
    assert (plan.reason, plan.limits) == (Reason.STEP_LIMITED, (Reason.KNOWN_PEAK,))
    early = with_peak(spec, finale(begins_in=180 + 4 * 60 + 1))
    assert sizes(decide(early, snapshot(spec, QUIET))) == [0]


def test_each_peak_of_a_calendar_counts_in_its_time_and_none_in_between() -> None:
    later, now = replace(finale(begins_in=WEEK), name="replay"), finale(begins_in=-60)
    spec = fleet(baseline=FixedBaseline(units=0))
    for calendar in ((later, now), (now, later)):
        known = with_peak(spec, *calendar)
        assert sizes(decide(known, snapshot(known, QUIET))) == [30]
    quiet = with_peak(spec, later)
    assert sizes(decide(quiet, snapshot(quiet, QUIET))) == [0]


def test_capacity_is_kept_through_a_peak_that_starts_late_and_let_go_after_it() -> None:
    during = with_peak(fleet(), finale(begins_in=-1800))
    plan = decide(during, snapshot(during, QUIET, [20]))
    assert sizes(plan) == [20]
    assert plan.reason is Reason.KNOWN_PEAK
    over = with_peak(fleet(), finale(begins_in=-HOUR))
    assert sizes(decide(over, snapshot(over, QUIET, [20]))) == [0]


def test_more_demand_than_was_known_is_served_as_ever() -> None:
    spec = with_peak(fleet(), finale(begins_in=-60, units=150))
    plan = decide(spec, snapshot(spec, [500.0] * 60))
    assert sizes(plan) == [40]
    assert plan.reason is Reason.DEMAND


def test_a_peak_that_the_baseline_carries_needs_nothing() -> None:
    spec = with_peak(fleet(baseline=FixedBaseline(units=300)), finale(begins_in=60))
    plan = decide(spec, snapshot(spec, QUIET))
    assert sizes(plan) == [0]
    assert plan.reason is Reason.BASELINE_SUFFICES


def test_of_several_peaks_the_largest_counts() -> None:
    smaller = replace(finale(begins_in=0, units=200), name="trailer")
    spec = with_peak(fleet(), smaller, finale(begins_in=0))
    assert sizes(decide(spec, snapshot(spec, QUIET))) == [20]


@pytest.mark.parametrize(("repeats", "every"), [("daily", DAY), ("weekly", WEEK)])
def test_a_peak_that_repeats_comes_back_and_not_before_its_first_time(
    repeats: str, every: int
) -> None:
    def size(begins_in: int) -> int:
        spec = with_peak(fleet(), finale(begins_in=begins_in, repeats=repeats))
        return sizes(decide(spec, snapshot(spec, QUIET)))[0]

    assert [size(-3 * every + ahead) for ahead in (300, 240, 0, -HOUR + 1, -HOUR)] == [
        0,
        20,
        20,
        20,
        0,
    ]
    assert size(every) == 0
    assert size(HOUR) == 0


def test_a_peak_of_every_hour_is_prepared_for_every_hour() -> None:
    def size(begins_in: int) -> int:
        peak = finale(begins_in=begins_in, lasts=600, repeats="hourly")
        spec = with_peak(fleet(), peak)
        return sizes(decide(spec, snapshot(spec, QUIET)))[0]

    assert [size(-5 * HOUR + ahead) for ahead in (300, 240, -599, -600)] == [0, 20, 20, 0]


def test_a_fleet_that_is_blind_still_prepares_for_what_is_known() -> None:
    spec = with_peak(fleet(), finale(begins_in=60))
    unread = replace(snapshot(spec, [1.0]), signals={"streams": {"m": MetricSeries()}})
    plan = decide(spec, unread)
    assert sizes(plan) == [20]
    assert plan.reason is Reason.KNOWN_PEAK


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lasts": 0}, "known peak 'season finale': its length in seconds must be above 0, got 0"),
        ({"units": 0}, "units must be above 0, got 0"),
        ({"lasts": DAY + 1, "repeats": "daily"}, "must be between 1 and 86400, got 86401"),
    ],
)
def test_a_peak_that_cannot_be_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        finale(begins_in=0, **options)


def ready(peak: KnownPeakSpec, demand: float, *, since: int) -> float:
    """Return the units that a fleet without baseline gets ready, at so much demand for a while."""
    spec = with_peak(replace(fleet(), baseline=FixedBaseline(units=0)), peak)
    seen = snapshot(spec, [demand] * since + [demand] * 60, [20])
    return units(decide(spec, seen))


def test_an_uncertain_peak_is_prepared_for_beyond_what_is_announced() -> None:
    sure = ready(finale(begins_in=60, units=300), 10, since=0)
    unsure = ready(finale(begins_in=60, units=300, uncertainty=0.5), 10, since=0)
    assert (sure, unsure) == (300, 390)  # four fifths of what may come, at the standard level


@given(minute=st.integers(0, 59), demand=st.floats(0, 1000), uncertainty=st.floats(0.01, 1))
def test_a_correction_stays_within_the_uncertainty(
    minute: int, demand: float, uncertainty: float
) -> None:
    peak = finale(begins_in=0, units=300, uncertainty=uncertainty)
    found = peak.units_at(NOW + 60 * minute, seen_units=demand, quantile=0.8)
    assert 300 * (1 - uncertainty) - 1e-6 <= found <= 300 * (1 + uncertainty) + 1e-6


@given(minute=st.integers(-5, 59), lower=st.floats(0, 1000), more=st.floats(0, 1000))
def test_more_real_demand_never_means_a_smaller_peak(
    minute: int, lower: float, more: float
) -> None:
    peak = finale(begins_in=0, units=300, uncertainty=0.4)
    first, second = (
        peak.units_at(NOW + 60 * minute, seen_units=seen, quantile=0.8)
        for seen in (lower, lower + more)
    )
    assert first <= second


def test_less_than_announced_is_believed_once_demand_has_had_time_to_rise() -> None:
    found = [
        ready(finale(begins_in=-60 * since, units=300, uncertainty=0.5), 160, since=since)
        for since in (5, 9, 16)
    ]
    assert found[:2] == [390, 390]
    assert found[2] < 250


def test_more_than_announced_is_followed_at_once() -> None:
    known = ready(finale(begins_in=-120, units=300, uncertainty=0.5), 330, since=2)
    assert known == 450


def test_silence_corrects_no_peak() -> None:
    peak = finale(begins_in=-20 * 60, units=300, uncertainty=0.5)
    spec = with_peak(replace(fleet(), baseline=FixedBaseline(units=0)), peak)
    silent = snapshot(spec, [10.0] * 60, [20])
    late = replace(silent, now_epoch_seconds=NOW)
    old = {
        name: {key: MetricSeries(points=one.points[:-15]) for key, one in read.items()}
        for name, read in late.signals.items()
    }
    assert units(decide(spec, replace(late, signals=old))) == 390


def test_two_peaks_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="known peak names must differ, got season finale"):
        with_peak(fleet(), finale(begins_in=0), finale(begins_in=HOUR))


BERLIN = ZoneInfo("Europe/Berlin")


def offsets_of(zone: ZoneInfo, first_year: int, last_year: int) -> tuple[tuple[int, int], ...]:
    """Return from when on local time is how far ahead of UTC, to the hour."""
    hours = range(
        int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp()),
        int(datetime(last_year, 1, 1, tzinfo=UTC).timestamp()),
        HOUR,
    )
    found: list[tuple[int, int]] = []
    for hour in hours:
        offset = datetime.fromtimestamp(hour, zone).utcoffset()
        assert offset is not None
        seconds = int(offset.total_seconds())
        if not found or found[-1][1] != seconds:
            found.append((hour, seconds))
    return tuple(found)


@given(days=st.integers(0, 700), minute=st.integers(-120, 240))
def test_a_peak_that_repeats_keeps_its_local_time_across_daylight_saving(
    days: int, minute: int
) -> None:
    first = datetime(2027, 3, 5, 20, tzinfo=BERLIN)
    peak = KnownPeakSpec(
        name="friday",
        start_epoch_seconds=int(first.timestamp()),
        end_epoch_seconds=int(first.timestamp()) + 3 * HOUR,
        units=900,
        repeats="daily",
        utc_offsets=offsets_of(BERLIN, 2027, 2030),
    )
    evening = first + timedelta(days=days)  # the same time on the clock
    at = evening.timestamp() + 60 * minute
    expected = -3 <= minute < 180
    assert peak.expected_at(at, lead_seconds=180) is expected


def test_an_offset_that_no_clock_has_is_refused() -> None:
    with pytest.raises(SpecError, match="utc_offsets must be between -86400 and 86400"):
        replace(finale(begins_in=0), utc_offsets=((0, 100_000),))
