"""Own workers count for what they take of a queue, never for more than they report."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    BacklogSignal,
    FleetSpec,
    Metric,
    Plan,
    PoolSpec,
    ReportedBaseline,
    Snapshot,
    SpecError,
    decide,
)
from peakfleet_planner.spec import REPORT, TAKEN
from tests.planner.fleets import JOBS, NOW, seen, series

DECLARED = 60.0
SECONDS = 120.0
METRIC = Metric(namespace="OnPrem", metric_name="HealthyUnits", statistic="Minimum")
SPEC = FleetSpec(
    fleet="Media/Transcode",
    pools=(PoolSpec(name="p0", group="a", units_per_capacity=1, max_capacity=500),),
    signals=(
        BacklogSignal(
            name="jobs",
            metrics={"waiting": JOBS, "in_flight": JOBS},
            seconds_per_item=SECONDS,
            drain_within_seconds=900,
        ),
    ),
    baseline=ReportedBaseline(
        metric=METRIC,
        declared_units=DECLARED,
        taken=replace(METRIC, metric_name="TakenItems"),
    ),
)


def plan(
    taken_units: list[float], *, waiting: float = 300, healthy: float = DECLARED, told: bool = True
) -> Plan:
    """Return the decision after minutes in which workers kept so many units busy."""
    items = [units * 60 / SECONDS for units in taken_units]
    reads = {REPORT: series([healthy] * 60)}
    if told:
        reads[TAKEN] = series(items)
    return decide(
        SPEC,
        Snapshot(
            now_epoch_seconds=NOW,
            signals={"jobs": {"waiting": series([waiting] * 60), "in_flight": series([40.0] * 60)}},
            baseline=reads,
            pools=seen(SPEC),
        ),
    )


def test_workers_count_for_what_they_take_and_the_plan_says_so() -> None:
    half = plan([30.0] * 30)
    assert half.baseline_units == pytest.approx(30)
    assert half.wanted_units > plan([60.0] * 30).wanted_units
    assert "its workers finish less than its units should" in half.explain()


@given(
    taken=st.lists(st.floats(0, 500), max_size=60),
    waiting=st.floats(0, 1000),
    healthy=st.floats(0, 200),
)
def test_never_more_than_is_reported_nor_for_want_of_work(
    taken: list[float], waiting: float, healthy: float
) -> None:
    told = plan(taken, waiting=waiting, healthy=healthy)
    untold = plan([], waiting=waiting, healthy=healthy, told=False)
    assert told.baseline_units <= untold.baseline_units
    assert told.wanted_units >= untold.wanted_units
    if waiting < DECLARED or len(taken) < 5:
        assert told.baseline_units == untold.baseline_units


def test_while_items_are_few_idle_workers_count_in_full() -> None:
    assert plan([3.0] * 60, waiting=10).baseline_units == DECLARED


def test_what_was_taken_cannot_be_told_of_several_queues() -> None:
    other = replace(SPEC.signals[0], name="more")
    with pytest.raises(SpecError, match="only signal must be a backlog, got jobs, more"):
        replace(SPEC, signals=(*SPEC.signals, other))


def test_a_number_that_is_none_is_no_measurement() -> None:
    assert plan([float("nan")] * 30).baseline_units == DECLARED
