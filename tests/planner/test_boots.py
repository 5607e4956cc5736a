"""Boots are planned with as they were measured, not as they were declared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peakfleet_planner import BacklogSignal, BootTimes, Memory, MetricSeries, Snapshot, decide
from tests.learner.patterns import SPEC, learned_model
from tests.planner.fleets import JOBS, NOW, fleet, seen, snapshot

CLIMBING = [200.0 + 5 * minute for minute in range(60)]


def measured(seconds: float, *, count: int = 9) -> Memory:
    return Memory(boots={"p0": BootTimes(seconds={"c8g.large": (seconds,) * count})})


@pytest.mark.parametrize(("boot_seconds", "lead_minutes"), [(60, 2), (600, 11)])
def test_demand_that_climbs_is_met_ahead_of_the_measured_boot(
    boot_seconds: float, lead_minutes: int
) -> None:
    spec = fleet()
    plan = decide(spec, snapshot(spec, CLIMBING, memory=measured(boot_seconds)))
    assert plan.ahead_units == pytest.approx(CLIMBING[-1] + 5 * lead_minutes)


def test_a_few_boots_say_nothing_yet() -> None:
    spec = fleet()
    plan = decide(spec, snapshot(spec, CLIMBING, memory=measured(60, count=4)))
    assert plan == decide(spec, snapshot(spec, CLIMBING))


def test_a_slower_boot_leaves_a_backlog_less_time() -> None:
    jobs = BacklogSignal(
        name="jobs", metrics={"waiting": JOBS}, seconds_per_item=90, drain_within_seconds=1200
    )
    spec = replace(fleet(), signals=(jobs,))
    waiting = MetricSeries(points=((NOW - 60, 40.0),))
    observed = Snapshot(
        now_epoch_seconds=NOW, signals={"jobs": {"waiting": waiting}}, pools=seen(spec)
    )
    slow = replace(observed, memory=measured(540))
    assert decide(spec, observed).demand_units == pytest.approx(40 * 90 / (1200 - 240))
    assert decide(spec, slow).demand_units == pytest.approx(40 * 90 / (1200 - 600))


def test_a_model_stays_in_use_when_boots_take_longer_than_was_declared() -> None:
    model = learned_model()
    now = model.learned_at_epoch_seconds + 120
    pool = SPEC.pools[0].name
    slow = {pool: BootTimes(seconds={"c8g.large": (500.0,) * 9})}
    observed = Snapshot(
        now_epoch_seconds=now,
        signals={"streams": {"m": MetricSeries(points=((now - 120, 400.0),))}},
        pools=seen(SPEC),
        memory=Memory(model=model, boots=slow),
    )
    assert decide(SPEC, observed).rule == "foresight"
    dearer = replace(SPEC, service_level=replace(SPEC.service_level, unserved_cost=11))
    assert decide(dearer, observed).rule == "reactive"
