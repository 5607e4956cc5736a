"""Signals by the second: demand is seen within seconds, and learned by the minute as ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    FleetSpec,
    Memory,
    Metric,
    MetricSeries,
    Plan,
    PoolSpec,
    RateSignal,
    ReportedBaseline,
    SignalState,
    Snapshot,
    WhenSilent,
    decide,
)
from peakfleet_planner.demand import read_demand
from peakfleet_planner.forecast import basis_of
from tests.learner.patterns import SPEC, learned_model
from tests.planner.fleets import NOW, REPORT, STREAMS, demands, fleet, scaled, seen, sizes, units

FAST = replace(STREAMS, period_seconds=10)


def fast(spec: FleetSpec, metric: Metric = FAST) -> FleetSpec:
    signal = spec.signals[0]
    assert isinstance(signal, RateSignal)
    return replace(spec, signals=(replace(signal, metrics={"m": metric}),))


def read(
    minutes: Sequence[float],
    newest: Sequence[float],
    *,
    now: int = NOW,
    readable: bool = True,
) -> MetricSeries:
    """Return minutes up to *now*, and samples of ten seconds up to ten seconds before."""
    whole = now - now % 60
    return MetricSeries(
        points=tuple((whole - 60 * (len(minutes) - i), value) for i, value in enumerate(minutes)),
        newest=tuple((now - 10 * (len(newest) + 1 - i), v) for i, v in enumerate(newest)),
        readable=readable,
    )


def observed(series: MetricSeries, *, now: int = NOW, memory: Memory | None = None) -> Snapshot:
    return Snapshot(
        now_epoch_seconds=now,
        signals={"streams": {"m": series}},
        pools=seen(fleet()),
        memory=memory or Memory(),
    )


def planned(series: MetricSeries, *, now: int = NOW) -> Plan:
    return decide(fast(fleet()), observed(series, now=now))


def test_demand_now_is_that_of_the_last_half_minute() -> None:
    plan = planned(read([200.0] * 60, [200, 200, 200, 290, 300, 310], now=NOW + 30), now=NOW + 30)
    assert plan.demand_units == 300
    assert sizes(plan) == [20]


@given(shares=st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_samples_that_still_fill_are_not_less_demand(shares: list[float]) -> None:
    """Many publishers are added up late: nothing follows from a part of the last minute."""
    whole = planned(read([300.0] * 60, [300.0] * 12))
    part = planned(read([300.0] * 60, [300.0] * 6 + [300 * share for share in shares]))
    assert part.demand_units == whole.demand_units
    assert part.unserved_units == whole.unserved_units
    assert sizes(part) == sizes(whole)


def test_a_fall_by_the_second_is_believed_a_minute_late() -> None:
    assert planned(read([300.0] * 60, [300.0] * 6 + [200.0] * 6)).demand_units == 300
    assert planned(read([300.0] * 60, [300.0] * 3 + [200.0] * 9)).demand_units == 200


def test_capacity_is_planned_for_the_boot_and_no_minute_of_waiting_for_metrics() -> None:
    climbing = [200.0 + 5 * minute for minute in range(60)]
    quick = PoolSpec(
        name="p0", group="g", units_per_capacity=10, max_capacity=100, boot_seconds=100
    )
    spec = fleet(pools=(quick,))
    by_the_minute = decide(spec, observed(read(climbing, [])))
    by_the_second = decide(fast(spec), observed(read(climbing, [climbing[-1]] * 3)))
    assert by_the_minute.ahead_units == pytest.approx(climbing[-1] + 5 * 3)
    assert by_the_second.ahead_units == pytest.approx(climbing[-1] + 5 * 2)
    assert (spec.lead_seconds, fast(spec).lead_seconds) == (160, 110)


def test_the_newest_minute_is_the_mean_of_its_samples_though_the_last_is_still_to_come() -> None:
    spec = fast(fleet())
    series = read([100.0] * 59 + [500.0], [210, 220, 230, 240, 250])
    points = read_demand(spec, spec.signals[0], {"m": series}, NOW).points
    assert points[-2:] == ((NOW - 120, 100.0), (NOW - 60, 230.0))


def test_a_minute_that_still_runs_is_no_minute_yet() -> None:
    spec, now = fast(fleet()), NOW + 40
    series = read([100.0] * 60, [100, 100, 900, 900, 900], now=now)
    points = read_demand(spec, spec.signals[0], {"m": series}, now).points
    assert points[-1] == (NOW - 60, 100.0)


def test_without_its_newest_samples_a_signal_is_read_by_the_minute() -> None:
    minutes = [200.0] * 59 + [300.0]
    assert planned(read(minutes, [])).demand_units == 300
    assert sizes(planned(read(minutes, []))) == sizes(decide(fleet(), observed(read(minutes, []))))


def test_a_signal_that_went_quiet_within_the_minute_is_silent() -> None:
    spec = fast(fleet(when_silent=WhenSilent(after_seconds=60)))
    old = read([200.0] * 60, [200.0] * 5)
    later = replace(observed(old), now_epoch_seconds=NOW + 80)
    (view,) = decide(spec, later).signals
    assert view.state is SignalState.SILENT
    (view,) = decide(spec, replace(later, now_epoch_seconds=NOW + 40)).signals
    assert view.state is SignalState.FRESH


def test_a_read_that_failed_is_no_demand_of_nothing() -> None:
    plan = planned(replace(read([], []), readable=False))
    assert plan.signals[0].units is None


def test_nonsense_among_the_newest_is_rejected_and_doubted() -> None:
    plan = planned(read([200.0] * 60, [200.0, 200.0, -5.0]))
    assert plan.demand_units == 200
    assert plan.signals[0].state is SignalState.IMPLAUSIBLE
    assert plan.signals[0].rejected_samples == 1


@given(
    minutes=st.lists(demands, min_size=1, max_size=70),
    newest=st.lists(demands, min_size=1, max_size=5),
    extra=demands,
)
def test_more_demand_in_the_running_minute_never_means_less_capacity(
    minutes: list[float], newest: list[float], extra: float
) -> None:
    now = NOW + 50  # five samples of the minute that runs, and none of it is whole
    less = planned(read(minutes, newest[:4], now=now), now=now)
    more = planned(read(minutes, [value + extra for value in newest[:4]], now=now), now=now)
    assert units(more) >= units(less)


def test_what_rose_since_the_last_whole_minute_is_met_beside_what_a_model_foresees() -> None:
    model = learned_model()
    spec, now = fast(SPEC), model.learned_at_epoch_seconds + 90
    assert model.basis == basis_of(spec)

    def plan(newest: list[float]) -> Plan:
        minutes = MetricSeries(points=((now - 90, 90.0),), newest=read([], newest, now=now).newest)
        return decide(spec, observed(minutes, now=now, memory=Memory(model=model)))

    quiet, spike, rise = plan([90, 90, 90]), plan([90, 90, 700]), plan([695, 690, 700])
    assert {one.rule for one in (quiet, spike, rise)} == {"foresight"}
    assert units(quiet) == units(spike)
    assert units(rise) == 590 - 590 % model.basis.layer_units


def test_a_fleet_of_points_of_less_than_a_unit_runs_none_below_the_baseline() -> None:
    spec, model = fast(scaled(SPEC, 1 / 16)), learned_model()
    small = replace(model, basis=replace(model.basis, layer_units=10 / 16))
    now = model.learned_at_epoch_seconds + 90
    minutes = MetricSeries(points=((now - 90, 5.0),), newest=read([], [5.0] * 3, now=now).newest)
    plan = decide(spec, observed(minutes, now=now, memory=Memory(model=small)))
    assert (plan.rule, units(plan)) == ("foresight", 0)


def test_a_baseline_that_reports_by_the_second_is_believed_by_its_newest_report() -> None:
    metric = replace(REPORT, period_seconds=10)
    spec = replace(fast(fleet()), baseline=ReportedBaseline(metric=metric, declared_units=100))
    reports = read([100.0] * 60, [100.0, 100.0, 40.0], now=NOW + 40)
    demand = read([200.0] * 60, [200.0] * 3, now=NOW + 40)
    plan = decide(spec, replace(observed(demand, now=NOW + 40), baseline={"report": reports}))
    assert plan.baseline_units == 40
