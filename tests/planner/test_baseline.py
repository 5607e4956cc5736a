"""The baseline is known, not assumed: its states, sites, clocks and maintenance."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    BaselineCause,
    BaselineState,
    FixedBaseline,
    FleetSpec,
    MaintenanceSpec,
    Metric,
    MetricSeries,
    Plan,
    Reason,
    ReportedBaseline,
    SitesBaseline,
    SiteSpec,
    SpecError,
    decide,
)
from peakfleet_planner.demand import UsableBaseline, usable_baseline
from peakfleet_planner.spec import BaselineSpec, reports_of
from tests.planner.fleets import NOW, fleet, sizes, snapshot

DEMAND = [600.0] * 60
HEALTHY, DEGRADED, UNKNOWN = BaselineState
UNITS = Metric(namespace="OnPrem/live/fra", metric_name="HealthyUnits", statistic="Minimum")
BEATS = replace(UNITS, metric_name="Reporting", statistic="Maximum")


def site(name: str = "fra", units: float = 400, **more: object) -> SiteSpec:
    reports = replace(UNITS, namespace=f"OnPrem/live/{name}")
    baseline = ReportedBaseline(metric=reports, declared_units=units)
    return SiteSpec(name=name, baseline=replace(baseline, **more))  # type: ignore[arg-type]  # fields of it


ONE = ReportedBaseline(metric=UNITS, declared_units=400)
BEATING = replace(ONE, heartbeat=BEATS)
TWO = SitesBaseline(sites=(site("fra", 300), site("ams", 100)))


def points(*values: float | None, late_minutes: int = 0) -> MetricSeries:
    """Return values by the minute up to the last whole one, or late; None is a gap."""
    first = NOW - 60 * (len(values) + late_minutes)
    times = range(first, first + 60 * len(values), 60)
    known = [(time, value) for time, value in zip(times, values, strict=True) if value is not None]
    newest = known[-1][0] if known else 0
    return MetricSeries(
        points=tuple(point for point in known if point[0] + 60 <= NOW),
        ahead_seconds=max(0, newest - NOW),
    )


def seen(spec: BaselineSpec, **reads: MetricSeries) -> UsableBaseline:
    return usable_baseline(spec, reads, NOW)


def planned(spec: FleetSpec, demand: list[float] = DEMAND, **reads: MetricSeries) -> Plan:
    return decide(spec, replace(snapshot(spec, demand), baseline=reads))


@pytest.mark.parametrize(
    ("reports", "beats", "state", "cause"),
    [
        (points(*[400] * 9), points(*[1] * 9), HEALTHY, None),
        (points(*[300] * 9), points(*[1] * 9), DEGRADED, BaselineCause.DEGRADED),
        (
            points(*[400] * 9, late_minutes=9),
            points(*[1] * 9, late_minutes=9),
            UNKNOWN,
            "link-lost",
        ),
        (points(*[400] * 9, late_minutes=9), points(*[0] * 9), UNKNOWN, "source-lost"),
        (points(*[400] * 20, late_minutes=10), points(*[1] * 20), UNKNOWN, "clock"),
        (points(*[400] * 20, late_minutes=-10), points(*[1] * 20), UNKNOWN, "clock"),
        (points(*[400] * 9), points(*[1] * 9, late_minutes=9), UNKNOWN, "link-lost"),
        (MetricSeries(readable=False), MetricSeries(readable=False), UNKNOWN, "unreadable"),
    ],
)
def test_each_cause_has_its_sign(
    reports: MetricSeries, beats: MetricSeries, state: BaselineState, cause: str | None
) -> None:
    side = seen(BEATING, report=reports, heartbeat=beats)
    assert (side.state, side.cause) == (state, cause)
    assert side.units <= (200 if state is UNKNOWN else 400)


def test_a_series_alone_is_the_report_of_one_site() -> None:
    spec, reports = fleet(baseline=ONE), points(*[300] * 9)
    alone = replace(snapshot(spec, DEMAND), baseline=reports)  # type: ignore[arg-type]  # as is said
    assert decide(spec, alone) == planned(spec, report=reports)


def test_a_fast_clock_is_noticed_without_a_heartbeat() -> None:
    side = seen(ONE, report=points(*[400] * 20, late_minutes=-10))
    assert (side.state, side.cause) == (UNKNOWN, BaselineCause.CLOCK)


def test_what_falls_counts_at_once_and_what_rises_once_it_is_steady() -> None:
    levels = [seen(ONE, report=points(400, 400, 100, *[400] * more)).units for more in range(4)]
    assert levels == [100, 100, 100, 400]


def test_a_baseline_that_was_silent_counts_once_it_has_reported_for_a_while() -> None:
    silence = [None] * 10
    states = [
        seen(ONE, report=points(*[400] * 9, *silence, *[400] * more)).state for more in range(1, 6)
    ]
    assert states == [UNKNOWN, UNKNOWN, UNKNOWN, HEALTHY, HEALTHY]


def test_a_lost_site_is_its_own_share() -> None:
    side = seen(
        TWO, **{"fra/report": points(*[300] * 9), "ams/report": points(50, late_minutes=60)}
    )
    assert (side.units, side.state) == (350, UNKNOWN)
    assert [(view.name, view.units, view.cause) for view in side.views()] == [
        ("fra", 300, None),
        ("ams", 50, BaselineCause.LINK),
    ]


def test_the_plan_names_the_site_that_is_lost() -> None:
    reads = {"fra/report": points(*[300] * 9), "ams/report": MetricSeries()}
    plan = planned(fleet(baseline=TWO), DEMAND, **reads)
    assert "baseline 350.0 (ams nothing is heard of it)" in plan.explain()


def test_sites_that_are_all_well_are_one_baseline() -> None:
    reads = {name: points(*[value] * 9) for name, value in reports_of(TWO).items()}
    assert seen(TWO, **reads).units == seen(ONE, report=points(*[400] * 9)).units == 400
    assert seen(TWO, **reads).units_at(NOW - 300) == 400


units_reported = st.floats()


@given(reports=st.lists(st.none() | units_reported, max_size=20), late=st.integers(-20, 20))
def test_whatever_is_reported_costs_at_most_what_was_declared(
    reports: list[float | None], late: int
) -> None:
    """Low or silent: at most the declared units are bought. High: no more than them is left out."""
    told = planned(fleet(baseline=ONE), report=points(*reports, late_minutes=late))
    without = planned(fleet(baseline=FixedBaseline(units=0)))
    with_all = planned(fleet(baseline=FixedBaseline(units=400)))
    assert with_all.wanted_units <= told.wanted_units <= without.wanted_units


@given(
    reports=st.lists(st.none() | units_reported, max_size=20),
    late=st.integers(6, 60),
    size=st.integers(0, 60),
    demand=st.floats(0, 900),
)
def test_an_unknown_baseline_never_shrinks_the_cloud(
    reports: list[float | None], late: int, size: int, demand: float
) -> None:
    spec = fleet(baseline=ONE)
    read = {"report": points(*reports, late_minutes=late)}
    plan = decide(spec, replace(snapshot(spec, [demand] * 60, [size]), baseline=read))
    assert plan.baseline_state is UNKNOWN
    assert plan.pools[0].desired_capacity >= size


def work(begins_in: int, lasts: int = 3600, remaining: float = 0.0) -> MaintenanceSpec:
    return MaintenanceSpec(
        name="switches",
        start_epoch_seconds=NOW + begins_in,
        end_epoch_seconds=NOW + begins_in + lasts,
        remaining_fraction=remaining,
    )


@pytest.mark.parametrize("baseline", [FixedBaseline(units=400), ONE])
@pytest.mark.parametrize(
    ("begins_in", "remaining", "wanted"),
    [(7200, 0.0, 200), (120, 0.0, 600), (120, 0.25, 500), (-60, 0.25, 500), (-3700, 0.0, 200)],
)
def test_maintenance_raises_the_burst_before_it_begins(
    baseline: FixedBaseline | ReportedBaseline, begins_in: int, remaining: float, wanted: float
) -> None:
    spec = fleet(baseline=replace(baseline, maintenance=(work(begins_in, remaining=remaining),)))
    plan = planned(spec, report=points(*[400] * 9))
    assert plan.wanted_units == pytest.approx(wanted)
    assert (Reason.MAINTENANCE in plan.limits) == (wanted > 200)
    assert plan.baseline_units == (400 * remaining if begins_in == -60 else 400)


def test_before_maintenance_the_baseline_carries_its_share_and_nothing_is_unserved() -> None:
    spec = fleet(baseline=FixedBaseline(units=400, maintenance=(work(120),)))
    plan = planned(spec)
    assert (plan.burst_units, plan.wanted_units) == (200, 600)


def test_what_maintenance_will_need_is_not_let_go_before_it_begins() -> None:
    spec = fleet(baseline=FixedBaseline(units=400, maintenance=(work(120),)))
    assert sizes(decide(spec, snapshot(spec, DEMAND, [60]))) == [60]


def test_a_site_that_is_silent_under_its_maintenance_is_known_to_carry_nothing() -> None:
    spec = replace(ONE, maintenance=(work(-60),))
    side = seen(spec, report=points(*[400] * 9, late_minutes=60))
    assert (side.units, side.state, side.cause) == (0, DEGRADED, BaselineCause.MAINTENANCE)


def test_maintenance_that_leaves_something_does_not_make_silence_known() -> None:
    spec = replace(ONE, maintenance=(work(-60, remaining=0.25),))
    side = seen(spec, report=points(*[400] * 9, late_minutes=60))
    assert (side.units, side.state) == (100, UNKNOWN)


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        ((), "at least one site"),
        ((site("fra"), site("fra")), "site names must differ, got fra"),
        ((site("fra"), replace(site("fra"), name="ams")), "a report of its own"),
        ((replace(site("fra"), name="x"), site("ams", heartbeat=None)), ""),
    ],
)
def test_sites_that_cannot_be_told_apart_are_refused(
    sites: tuple[SiteSpec, ...], words: str
) -> None:
    if not words:
        SitesBaseline(sites=sites)
        return
    with pytest.raises(SpecError, match=words):
        SitesBaseline(sites=sites)


def test_a_fleet_with_sites_is_read_back_as_it_was_written() -> None:
    ams = site("ams").baseline
    assert isinstance(ams, ReportedBaseline)
    maintained = replace(ams, maintenance=(work(60),), heartbeat=BEATS)
    sites = SitesBaseline(sites=(site("fra"), SiteSpec(name="ams", baseline=maintained)))
    spec = fleet(baseline=sites)
    assert FleetSpec.from_json(spec.to_json()) == spec
