"""A burst does not break what it leans on."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    DownstreamLimitSpec,
    DownstreamState,
    FixedBaseline,
    FleetSpec,
    Metric,
    MetricSeries,
    Plan,
    PoolSpec,
    Reason,
    SpecError,
    decide,
)
from tests.planner.fleets import NOW, fleet, ladders, seen, series, snapshot

CONNECTIONS = Metric(namespace="AWS/RDS", metric_name="DatabaseConnections", statistic="Maximum")
LIMIT = DownstreamLimitSpec(name="metadata", metric=CONNECTIONS, at_most=1000, critical=1200)
DEMAND = [900.0] * 60
FREE, IN_FORCE, CRITICAL, UNKNOWN = DownstreamState


def planned(
    loads: MetricSeries,
    size: int = 40,
    *,
    limit: DownstreamLimitSpec = LIMIT,
    serving: int | None = None,
    baseline: float = 0,
) -> Plan:
    """Return the plan of a fleet of 10 units an instance, whose demand is 900 units."""
    spec = replace(fleet(baseline=FixedBaseline(units=baseline)), downstream=(limit,))
    pools = seen(spec, [size], in_service=[size if serving is None else serving])
    return decide(
        spec, replace(snapshot(spec, DEMAND), pools=pools, downstream={"metadata": loads})
    )


def most(plan: Plan) -> float:
    bound = plan.downstream[0].most_units
    return inf if bound is None else bound


def state(plan: Plan) -> DownstreamState:
    return plan.downstream[0].state


def test_at_the_bound_nothing_is_added_and_nothing_is_let_go() -> None:
    plan = planned(series([1000.0] * 9))
    assert (plan.pools[0].desired_capacity, state(plan)) == (40, IN_FORCE)
    assert plan.wanted_units == 900
    assert Reason.DOWNSTREAM_LIMIT in plan.limits
    assert "metadata is in-force at 1000" in plan.explain()


def test_at_the_critical_bound_the_fleet_is_let_go_step_by_step() -> None:
    plan = planned(series([1200.0] * 9))
    assert (plan.pools[0].desired_capacity, state(plan)) == (36, CRITICAL)
    assert planned(series([1200.0] * 9), 1).pools[0].desired_capacity == 0


@pytest.mark.parametrize(
    ("size", "serving", "baseline", "expected"),
    [(40, 40, 0, 600), (40, 20, 0, 400), (50, 40, 0, 600), (40, 40, 400, 600)],
)
def test_a_step_is_as_large_as_what_a_unit_was_seen_to_load(
    size: int, serving: int, baseline: float, expected: float
) -> None:
    """500 of 1000 are in use, so that twice of what serves may; a step takes half of that room."""
    assert most(planned(series([500.0] * 9), size, serving=serving, baseline=baseline)) == expected


def test_what_is_declared_counts_until_something_serves() -> None:
    limit = replace(LIMIT, load_per_unit=2.0)
    assert most(planned(MetricSeries(), 0, limit=limit)) == 500
    assert most(planned(series([100.0] * 9), 0, limit=limit)) == 450
    assert most(planned(MetricSeries(), 0)) == inf
    assert most(planned(series([500.0] * 9), limit=limit)) == 500
    little = replace(limit, load_per_unit=0.1)
    assert most(planned(series([500.0] * 9), limit=little)) == 400 + 500 / 0.4 / 2


def test_what_began_to_serve_after_the_load_was_read_is_counted_too() -> None:
    limit = replace(LIMIT, load_per_unit=2.0)
    late = planned(series([340.0] * 9), 20, limit=replace(limit, at_most=400), serving=18)
    assert most(late) == 200


def test_it_grows_again_once_the_load_has_been_calm_for_a_while() -> None:
    states = [state(planned(series([1000.0, *[850.0] * calm]))) for calm in range(1, 8)]
    assert states == [IN_FORCE] * 5 + [FREE] * 2
    near = series([1000.0, *[850.0] * 4, 950.0, *[850.0] * 4])
    assert state(planned(near)) is IN_FORCE
    assert state(planned(series([1000.0, *[900.0] * 9]))) is IN_FORCE


def test_a_load_that_has_not_met_the_bound_lets_the_fleet_grow_to_the_last_whole_instance() -> None:
    assert state(planned(series([950.0] * 9))) is FREE
    assert planned(series([500.0] * 9)).pools[0].desired_capacity == 60
    assert planned(series([0.0] * 9)).downstream[0].load == 0


def test_a_load_is_fresh_until_its_period_ended_too_long_ago() -> None:
    period = CONNECTIONS.period_seconds
    for age, found in (
        (0, IN_FORCE),
        (LIMIT.fresh_seconds + period, IN_FORCE),
        (LIMIT.fresh_seconds + period + 1, UNKNOWN),
    ):
        assert state(planned(MetricSeries(points=((NOW - age, 1000.0),)))) is found


@pytest.mark.parametrize(
    "loads", [series([500.0] * 9, age_minutes=20), MetricSeries(readable=False)]
)
def test_a_load_that_cannot_be_read_stops_growth_and_cuts_nothing(loads: MetricSeries) -> None:
    plan = planned(loads)
    assert (plan.pools[0].desired_capacity, state(plan)) == (40, UNKNOWN)


@given(
    ladder=ladders(),
    loads=st.lists(st.floats(0, 2000) | st.floats(800, 1000), min_size=1, max_size=2),
    sizes=st.lists(st.integers(0, 50), min_size=3, max_size=3),
)
def test_a_limit_is_never_exceeded_by_what_is_added(
    ladder: tuple[PoolSpec, ...],
    loads: list[float],
    sizes: list[int],
) -> None:
    spec = replace(fleet(pools=ladder, baseline=FixedBaseline(units=0)), downstream=(LIMIT,))
    spec = replace(spec, pace=replace(spec.pace, in_units=inf))
    observed = snapshot(spec, [5000.0] * 60, sizes)
    plan = decide(spec, replace(observed, downstream={"metadata": series(loads)}))
    before = sum(
        one.desired_capacity * pool.units_per_capacity
        for one, pool in zip(observed.pools, ladder, strict=True)
    )
    assert plan.granted_units <= max(before, most(plan)) + 1e-6
    if state(plan) is not CRITICAL:
        assert plan.granted_units >= before - 1e-6


@given(loads=st.lists(st.floats(0, 2000), max_size=6), size=st.integers(0, 100))
def test_a_limit_never_asks_for_more(loads: list[float], size: int) -> None:
    spec = fleet(baseline=FixedBaseline(units=0))
    free = decide(spec, snapshot(spec, DEMAND, [size]))
    assert planned(series(loads), size).granted_units <= free.granted_units


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("at_most", 0, "at_most must be above 0"),
        ("critical", 10, "critical must be at least 1000"),
        ("load_per_unit", 0, "load_per_unit must be above 0"),
        ("resume_fraction", 2, "resume_fraction must be between"),
        ("step_fraction", 0, "step_fraction must be between"),
    ],
)
def test_a_bound_that_cannot_be_kept_is_refused(field: str, value: float, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        replace(LIMIT, **{field: value})  # type: ignore[arg-type]  # a number


@given(loads=st.lists(st.floats(), max_size=3))
def test_a_plan_under_a_limit_is_json(loads: list[float]) -> None:
    plan = planned(series(loads) if loads else MetricSeries())
    assert Plan.from_json(json.loads(json.dumps(plan.to_json(), allow_nan=False))) == plan


def test_two_limits_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="downstream limit names must differ"):
        replace(fleet(), downstream=(LIMIT, LIMIT))


def test_a_limit_is_read_back_as_it_was_written() -> None:
    spec = replace(fleet(), downstream=(LIMIT,))
    assert FleetSpec.from_json(spec.to_json()) == spec
