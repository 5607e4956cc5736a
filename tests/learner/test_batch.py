"""Many minutes at once are forecast, and decided on, as a tick does one by one."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from math import ceil, isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_learner.demand_history import History
from peakfleet_learner.grading import ReactiveRule
from peakfleet_learner.running import Running
from peakfleet_planner import FleetSpec, ServiceLevelSpec, WarmSpec
from peakfleet_planner.demand import UsableBaseline, live_demand
from peakfleet_planner.forecast import SEASONS, Basis, Minutes, Past, Rolling, basis_of
from peakfleet_planner.plan import SignalView
from peakfleet_planner.reasons import BaselineState, SignalState
from peakfleet_planner.requirement import reactive_need
from tests.learner.patterns import DAY, SPEC, START, bursts_every_hour

BASELINE = 10.0
WARM = replace(SPEC, pools=(replace(SPEC.pools[0], warm=WarmSpec(max_capacity=50, reuse=True)),))
FIRST = START // 60 + 7


def basis(spec: FleetSpec) -> Basis:
    found = basis_of(spec)
    assert found is not None
    return found


def demand(seed: int, minutes: int) -> list[float]:
    """Return a few layers of noise, steps and bursts, also nothing at all."""
    noise = np.random.default_rng(seed)
    steps = np.repeat(noise.uniform(0, 40, minutes // 90 + 1), 90)[:minutes]
    bursts = np.array(bursts_every_hour(minutes / DAY + 1, seed=seed))[:minutes] / 10
    quiet = np.where(noise.uniform(size=minutes) < 0.02, 0.0, 1.0)
    made: list[float] = ((steps + bursts) * quiet).tolist()
    return made


@pytest.mark.parametrize("spec", [SPEC, WARM])
@settings(max_examples=2)
@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 200), min_size=1, max_size=20))
def test_many_minutes_at_once_are_forecast_as_one_by_one(
    spec: FleetSpec, seed: int, sizes: list[int]
) -> None:
    values = demand(seed, DAY + 400)
    running = Running(basis(spec), FIRST, 1)
    minutes = Minutes(first=FIRST)
    horizons = [one.horizon.model for one in running.horizons]
    rolling = Rolling(
        past=Past(recent=minutes, ago=dict.fromkeys(SEASONS, minutes)),
        grow=horizons[0],
        keep=horizons[1],
        warm_grow=horizons[2] if len(horizons) > 2 else None,
    )
    at, turn = 0, 0
    while at < len(values):
        if at and at % 360 == 0:
            for learner, horizon in zip(running.horizons, rolling.horizons, strict=True):
                if at == DAY:
                    learner.fit_experts()
                learner.fit_spread(float(running.history.means[-1]))
                learner.fit_residuals()
                horizon.model = learner.horizon.model
        end = min(at + sizes[turn % len(sizes)], at // 360 * 360 + 360, len(values))
        seen = running.see(values[at:end], BASELINE)
        for index, value in enumerate(values[at:end]):
            rolling.see(value)
            assert rolling.aims(basis(spec), BASELINE) == seen.aims[index]
            for horizon, made in ((rolling.grow, seen.grow), (rolling.keep, seen.keep)):
                assert horizon.made is not None
                level = horizon.level(FIRST + at + index)
                assert isclose(horizon.made.expected, made.expected[index], rel_tol=1e-9)
                assert isclose(level, made.levels[index], rel_tol=1e-9, abs_tol=1e-9)
        at, turn = end, turn + 1
    assert running.grow.fitted
    for learner, horizon in zip(running.horizons, rolling.horizons, strict=True):
        assert np.allclose(learner.horizon.state.pending, horizon.state.pending, rtol=1e-9)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    boot=st.integers(0, 50),
    delay=st.integers(0, 7),
    cost=st.sampled_from([1.0, 3.0, 10.0, 300.0]),
    history_seconds=st.sampled_from([600, 3600, 7200, 10_800]),
    hold_seconds=st.sampled_from([0, 90, 300, 600]),
)
def test_the_reactive_rule_is_graded_as_a_tick_follows_it(  # noqa: PLR0917  drawn by name
    seed: int, boot: int, delay: int, cost: float, history_seconds: int, hold_seconds: int
) -> None:
    level = ServiceLevelSpec(
        unserved_cost=cost, history_seconds=history_seconds, hold_seconds=hold_seconds
    )
    pool = replace(SPEC.pools[0], boot_seconds=60.0 * boot)
    spec = replace(SPEC, service_level=level, pools=(pool,))
    unit, most = basis(spec).layer_units, basis(spec).most_layers
    values = demand(seed, 330)
    history = History(FIRST)
    history.extend(values)
    found = ReactiveRule(spec, basis(spec), metric_delay_minutes=delay).aims(history, 0, 330)
    baseline = UsableBaseline(units=100.0, state=BaselineState.HEALTHY)
    points: deque[tuple[int, float]] = deque(maxlen=history_seconds // 60)
    for index, value in enumerate(values):
        points.append((60 * (FIRST + index), value * unit))
        view = SignalView(name="streams", state=SignalState.FRESH, units=value * unit)
        lead = 60 * delay + spec.lead_seconds
        asked = live_demand(spec, view, tuple(points), lead_seconds=lead, period=60)
        need = reactive_need(spec, (asked,), baseline, 60 * (FIRST + index + 1 + delay))
        aims = found[index]
        assert aims.grow == min(most, ceil(need.grow_to / unit - 1e-9))
        assert aims.keep == min(most, ceil(need.keep / unit - 1e-9))
