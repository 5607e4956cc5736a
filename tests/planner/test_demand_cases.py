"""Named cases of demand, baseline, ladder and traffic."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    BacklogSignal,
    BaselineState,
    FixedBaseline,
    FleetSpec,
    MetricSeries,
    PaceSpec,
    PoolSpec,
    RateSignal,
    Reason,
    ReportedBaseline,
    SignalState,
    SilenceRule,
    Snapshot,
    TrafficReading,
    TrafficSpec,
    WhenSilent,
    decide,
)
from peakfleet_planner.spec import REPORT as READ
from tests.planner.fleets import JOBS, NOW, REPORT, STREAMS, fleet, seen, series, sizes, snapshot

HOUR = [300.0] * 60


def test_demand_above_the_baseline_is_covered_by_whole_instances() -> None:
    spec = fleet(baseline=FixedBaseline(units=100))
    plan = decide(spec, snapshot(spec, [155.0] * 60))
    assert sizes(plan) == [6]
    assert plan.reason is Reason.DEMAND


def test_demand_that_climbs_is_met_ahead_of_its_lead_time() -> None:
    spec = fleet()
    climbing = [200.0 + 5 * minute for minute in range(60)]
    plan = decide(spec, snapshot(spec, climbing))
    assert plan.ahead_units == pytest.approx(climbing[-1] + 5 * 4)
    assert plan.wanted_units == pytest.approx(plan.ahead_units - 100)


@given(step=st.floats(1, 5))
def test_demand_that_climbs_towards_the_baseline_bursts_only_once_it_is_above(step: float) -> None:
    climbing = [99.0 - step * age for age in reversed(range(20))]
    plan = decide(fleet(), snapshot(fleet(), climbing))
    assert plan.ahead_units > 100
    assert (sizes(plan), plan.wanted_units) == ([0], 0)


def test_capacity_in_flight_counts() -> None:
    spec = fleet()
    booting = seen(spec, [20], in_service=[0])
    plan = decide(spec, replace(snapshot(spec, HOUR), pools=booting))
    assert sizes(plan) == [20]
    assert plan.unserved_units == 200


def test_what_serves_is_not_let_go_while_its_replacement_boots() -> None:
    spec = fleet()
    booting = seen(spec, [30], in_service=[18])
    plan = decide(spec, replace(snapshot(spec, HOUR), pools=booting))
    assert sizes(plan) == [30]
    assert plan.reason is Reason.STILL_BOOTING
    needless = decide(spec, replace(snapshot(spec, [0.0] * 60), pools=booting))
    assert sizes(needless) == [0]


@given(
    needed=st.integers(1, 60),
    serving=st.integers(0, 60),
    boots=st.integers(0, 60),
    each=st.sampled_from([1, 10]),
    pace=st.sampled_from([2, 100]),
)
def test_no_more_of_what_serves_is_let_go_than_is_not_needed(
    needed: int, serving: int, boots: int, each: int, pace: int
) -> None:
    (pool,) = fleet().pools
    spec = fleet(
        pools=(replace(pool, units_per_capacity=each),),
        baseline=FixedBaseline(units=0),
        pace=PaceSpec(in_units=pace * each),
    )
    groups = seen(spec, [min(100, serving + boots)], in_service=[serving])
    plan = decide(spec, replace(snapshot(spec, [needed * each] * 60), pools=groups))
    lost = groups[0].desired_capacity - sizes(plan)[0]
    assert lost <= min(pace, max(0, serving - needed))


def test_what_may_soon_be_needed_again_is_kept() -> None:
    spec = fleet()
    pulsing = [300.0 if minute % 8 == 0 else 200.0 for minute in range(63)]
    plan = decide(spec, snapshot(spec, pulsing, [20]))
    assert sizes(plan) == [20]


def test_a_fleet_at_its_maximum_says_what_is_missing() -> None:
    spec = fleet(pools=(PoolSpec(name="p0", group="a", units_per_capacity=10, max_capacity=5),))
    plan = decide(spec, snapshot(spec, HOUR))
    assert plan.reason is Reason.AT_MAXIMUM
    assert plan.missing_units == 150


@given(
    each=st.sampled_from([0.1, 1.0, 10.0]),
    most=st.integers(1, 50),
    beyond=st.sampled_from([0.0, 0.01, 0.5, 20.0]),
)
def test_a_fleet_is_at_its_maximum_if_anything_is_missing(
    each: float, most: int, beyond: float
) -> None:
    pool = PoolSpec(name="p0", group="a", units_per_capacity=each, max_capacity=most)
    spec = fleet(pools=(pool,), baseline=FixedBaseline(units=0))
    plan = decide(spec, snapshot(spec, [each * most + beyond] * 90))
    assert (Reason.AT_MAXIMUM in (plan.reason, *plan.limits)) is (beyond > 0)


def test_a_rounding_error_above_the_baseline_is_no_burst() -> None:
    spec = fleet(baseline=FixedBaseline(units=100))
    plan = decide(spec, snapshot(spec, [100.00000000000001] * 60))
    assert sizes(plan) == [0]
    assert plan.reason is not Reason.AT_MAXIMUM


def test_a_paced_fleet_says_that_it_is_paced() -> None:
    spec = fleet(pace=PaceSpec(out_units=30, in_units=30))
    assert decide(spec, snapshot(spec, HOUR)).reason is Reason.STEP_LIMITED
    shrinking = decide(spec, snapshot(spec, [0.0] * 60, [20]))
    assert sizes(shrinking) == [17]
    assert shrinking.reason is Reason.STEP_LIMITED


def test_a_silent_signal_that_grows_is_bounded() -> None:
    spec = fleet(when_silent=WhenSilent(rule=SilenceRule.GROW, at_most=1.5))
    climbing = [200.0 + 10 * minute for minute in range(60)]
    soon = decide(spec, snapshot(spec, climbing, age_minutes=6))
    assert soon.demand_units == pytest.approx(climbing[-1] + 10 * 6)
    late = decide(spec, snapshot(spec, climbing, age_minutes=600))
    assert late.demand_units == pytest.approx(climbing[-1] * 1.5)


def test_a_rejected_newest_sample_leaves_the_one_before() -> None:
    spec = fleet(plausible_max=1000)
    plan = decide(spec, snapshot(spec, [*HOUR, 5000.0], [50]))
    assert plan.demand_units == 300
    assert plan.signals[0].state is SignalState.IMPLAUSIBLE
    assert Reason.SIGNAL_IMPLAUSIBLE in (plan.reason, *plan.limits)
    assert sizes(plan) == [50]


@pytest.mark.parametrize(
    ("reports", "age_minutes", "units", "state"),
    [
        ([400.0], 1, 400, BaselineState.HEALTHY),
        ([900.0], 1, 400, BaselineState.HEALTHY),
        ([250.0], 1, 250, BaselineState.DEGRADED),
        ([0.0], 1, 0, BaselineState.DEGRADED),
        ([400.0], 60, 200, BaselineState.UNKNOWN),
        ([120.0], 60, 120, BaselineState.UNKNOWN),
        ([], 1, 200, BaselineState.UNKNOWN),
        ([float("nan")], 1, 200, BaselineState.UNKNOWN),
    ],
)
def test_each_state_of_the_baseline_has_its_rule(
    reports: list[float], age_minutes: int, units: float, state: BaselineState
) -> None:
    spec = replace(fleet(), baseline=ReportedBaseline(metric=REPORT, declared_units=400))
    read = series(reports, age_minutes=age_minutes) if reports else MetricSeries()
    plan = decide(spec, replace(snapshot(spec, HOUR), baseline={"report": read}))
    assert plan.baseline_units == units
    assert plan.baseline_state is state


def test_an_unknown_baseline_lets_nothing_go() -> None:
    spec = replace(fleet(), baseline=ReportedBaseline(metric=REPORT, declared_units=400))
    plan = decide(spec, snapshot(spec, [0.0] * 60, [20]))
    assert sizes(plan) == [20]
    assert plan.reason is Reason.BASELINE_UNKNOWN


def test_a_baseline_that_just_recovered_does_not_release_capacity_at_once() -> None:
    baseline = ReportedBaseline(metric=REPORT, declared_units=400, steady_seconds=0)
    spec = replace(fleet(), baseline=baseline)
    reports = series([400.0] * 10 + [200.0] * 3 + [400.0])
    plan = decide(spec, replace(snapshot(spec, HOUR, [10]), baseline={"report": reports}))
    assert sizes(plan) == [10]
    assert plan.reason is Reason.HOLDING_PEAK


def _queue_fleet(**metrics: float) -> tuple[FleetSpec, dict[str, dict[str, MetricSeries]]]:
    spec = FleetSpec(
        fleet="Media/Transcode",
        pools=(PoolSpec(name="p0", group="a", units_per_capacity=16, max_capacity=50),),
        signals=(
            BacklogSignal(
                name="jobs",
                metrics=dict.fromkeys(metrics, JOBS),
                seconds_per_item=90,
                drain_within_seconds=600,
            ),
        ),
    )
    return spec, {"jobs": {name: series([value]) for name, value in metrics.items()}}


def test_a_backlog_is_finished_within_the_time_that_is_left_after_booting() -> None:
    spec, signals = _queue_fleet(waiting=360.0)
    plan = decide(spec, replace(snapshot(fleet(), []), signals=signals, pools=seen(spec)))
    assert plan.demand_units == pytest.approx(360 * 90 / (600 - 240))


def test_what_is_being_worked_on_is_half_done_and_keeps_what_finishes_it_in_time() -> None:
    spec, signals = _queue_fleet(waiting=0.0, in_flight=240.0)
    plan = decide(spec, replace(snapshot(fleet(), []), signals=signals, pools=seen(spec, [20])))
    assert plan.demand_units == pytest.approx(240 * 90 / 2 / (0.95 * 600))
    assert 2 <= sizes(plan)[0] < 20


def test_the_largest_request_wins() -> None:
    queue, signals = _queue_fleet(waiting=360.0)
    live = fleet()
    both = replace(live, signals=(*live.signals, *queue.signals), baseline=FixedBaseline(units=0))
    seen_both = replace(snapshot(both, [40.0]), signals={**signals, "streams": {"m": series([40])}})
    assert decide(both, seen_both).demand_units == pytest.approx(90)


def test_what_an_operator_reads_names_the_sizes_and_the_reason() -> None:
    spec = fleet()
    words = decide(spec, snapshot(spec, HOUR, [3])).explain()
    assert "p0 3 to 20" in words
    assert "sized to the demand above the baseline" in words


@pytest.mark.parametrize(
    ("demand", "serving", "weight"),
    [(90.0, 0, 0), (200.0, 10, 500), (200.0, 0, 0), (400.0, 5, 333)],
)
def test_traffic_fills_the_baseline_first(demand: float, serving: int, weight: int) -> None:
    traffic = TrafficSpec(
        listener_arn="l", baseline_target_group_arn="b", cloud_target_group_arn="c"
    )
    spec = replace(fleet(baseline=FixedBaseline(units=100)), traffic=traffic)
    plan = decide(spec, snapshot(spec, [demand] * 60, [serving]))
    assert plan.cloud_weight == weight


def test_a_fleet_without_a_load_balancer_has_no_weight() -> None:
    spec = fleet()
    assert decide(spec, snapshot(spec, HOUR)).cloud_weight is None


def test_without_a_signal_a_dead_side_still_loses_its_traffic() -> None:
    traffic = TrafficSpec(
        listener_arn="l", baseline_target_group_arn="b", cloud_target_group_arn="c"
    )
    spec = replace(fleet(), traffic=traffic)
    blind = Snapshot(now_epoch_seconds=NOW, signals={}, pools=seen(spec, [5]))
    both = TrafficReading(
        cloud_weight=300, site_weights={"": 699}, cloud_healthy=2, sites_healthy={"": 2}
    )
    assert decide(spec, replace(blind, traffic=both)).cloud_weight is None
    dead = replace(both, sites_healthy={"": 0})
    assert decide(spec, replace(blind, traffic=dead)).cloud_weight == 999


def test_readings_from_the_future_are_not_believed() -> None:
    spec = fleet()
    future = {"streams": {"m": MetricSeries(points=((NOW - 120, 200.0), (NOW + 600, 9e9)))}}
    plan = decide(spec, replace(snapshot(spec, []), signals=future))
    assert plan.demand_units == 200


@given(
    trough=st.integers(0, 30),
    crest=st.integers(31, 100),
    minutes=st.integers(3, 12),
    at=st.integers(0, 11),
)
def test_the_rise_out_of_a_trough_does_not_come_on_top_of_a_crest(
    trough: int, crest: int, minutes: int, at: int
) -> None:
    spec = fleet(baseline=FixedBaseline(units=0))
    values = [10.0 * (crest if minute // minutes % 2 else trough) for minute in range(120)]
    plan = decide(spec, snapshot(spec, values[at:]))
    assert sizes(plan)[0] <= ceil(1.1 * crest)


@given(
    counts=st.lists(st.floats(0, 1e4), min_size=3, max_size=3),
    negative=st.floats(-1e4, -0.5),
    which=st.integers(0, 2),
)
def test_a_negative_count_takes_nothing_from_the_others(
    counts: list[float], negative: float, which: int
) -> None:
    ids = "abc"
    (signal,) = fleet().signals
    assert isinstance(signal, RateSignal)
    three = replace(signal, metrics=dict.fromkeys(ids, STREAMS), expression="a + b + c")
    spec = replace(fleet(), signals=(three,))
    read = {
        key: series([count] * 59 + [negative if at == which else count])
        for at, (key, count) in enumerate(zip(ids, counts, strict=True))
    }
    plan = decide(spec, replace(snapshot(spec, [], [20]), signals={"streams": read}))
    assert plan.signals[0].state is SignalState.IMPLAUSIBLE
    assert plan.demand_units == pytest.approx(sum(counts))


def test_a_negative_value_that_is_subtracted_counts() -> None:
    """What is free falls below nothing where too little is there: that is demand."""
    (signal,) = fleet().signals
    assert isinstance(signal, RateSignal)
    short = replace(signal, metrics={"all": STREAMS, "free": STREAMS}, expression="all - free")
    spec = replace(fleet(), signals=(short,))
    read = {"all": series([300.0] * 60), "free": series([-50.0] * 60)}
    plan = decide(spec, replace(snapshot(spec, [], [20]), signals={"streams": read}))
    assert plan.demand_units == 350


@given(share=st.floats(0, 1))
def test_a_report_that_is_still_added_up_is_no_smaller_baseline(share: float) -> None:
    summed = replace(REPORT, statistic="Sum")
    spec = replace(fleet(), baseline=ReportedBaseline(metric=summed, declared_units=400))
    reports = [400.0] * 59 + [400 * share]
    part = replace(snapshot(spec, HOUR), baseline={READ: series(reports)})
    assert decide(spec, part).baseline_units == 400
    a_minute_later = replace(part, now_epoch_seconds=NOW + 60)
    assert decide(spec, a_minute_later).baseline_units == 400 * share
    least = replace(spec, baseline=ReportedBaseline(metric=REPORT, declared_units=400))
    assert decide(least, part).baseline_units == 400 * share
