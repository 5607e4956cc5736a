"""The share of the burst that may be missed is kept by what missed work is worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from peakfleet_learner import learn
from peakfleet_learner.service import MOST_COST, Steering
from peakfleet_planner import Memory, WarmSpec, decide
from peakfleet_planner.forecast import DAY_MINUTES, Service, grow_quantile, keep_quantile
from tests.learner.patterns import SPEC, bursts_every_hour, points
from tests.planner.test_foresight_laws import MODEL, observed

DAYS = 28


def missed_share(asked: float, *, hardness: float, seed: int) -> tuple[float, Steering]:
    """Return what the last two weeks missed where misses fall as they get dearer, in fits."""
    random = np.random.default_rng(seed)
    steering = Steering(asked=asked, first_cost=10)
    bursts = np.clip(random.normal(20, 15, DAYS * DAY_MINUTES), 0, None)
    fits = random.random(DAYS * DAY_MINUTES) < 0.2
    missed = np.zeros_like(bursts)
    for minute, (burst, fit) in enumerate(zip(bursts.tolist(), fits.tolist(), strict=True)):
        missed[minute] = min(burst, fit * 5 * hardness * burst / steering.cost)
        steering.see(burst, float(missed[minute]))
        if minute % 60 == 0:
            steering.settle()
    half = DAYS * DAY_MINUTES // 2
    return float(missed[half:].sum() / bursts[half:].sum()), steering


@pytest.mark.parametrize("asked", [0.05, 0.01, 0.001])
@pytest.mark.parametrize("hardness", [0.1, 0.5])
def test_the_asked_share_is_kept_within_a_half_however_hard_demand_is(
    asked: float, hardness: float
) -> None:
    got, steering = missed_share(asked, hardness=hardness, seed=3)

    assert asked / 1.5 <= got <= asked * 1.5
    assert steering.service().got == pytest.approx(got, rel=0.3)


def test_the_worth_keeps_within_its_bounds_where_the_share_cannot_be_kept() -> None:
    got, steering = missed_share(0.0001, hardness=50, seed=3)
    assert got > 0.001
    assert steering.cost == pytest.approx(MOST_COST)

    _, steering = missed_share(0.5, hardness=0.001, seed=3)
    assert steering.cost == 1


def test_a_worth_that_is_hardly_off_is_left_alone() -> None:
    steering = Steering(asked=0.01, first_cost=30)
    for _ in range(DAY_MINUTES):
        steering.see(100, 1)

    assert not steering.settle()
    assert steering.cost == 30


@pytest.mark.parametrize("asked", [0.05, 0.0001])
def test_every_forecast_of_a_model_is_at_the_worth_that_was_found(asked: float) -> None:
    level = replace(SPEC.service_level, miss_at_most=asked)
    pool = replace(SPEC.pools[0], warm=WarmSpec(max_capacity=50))
    spec = replace(SPEC, service_level=level, pools=(pool,))
    seen = points(bursts_every_hour(3))
    model = learn(spec, seen)

    assert model is not None
    assert model.service is not None
    assert model.warm is not None
    cost = model.service.unserved_cost
    assert cost != SPEC.service_level.unserved_cost
    assert (cost > SPEC.service_level.unserved_cost) is (model.service.got > asked)
    assert model.grow.quantile == model.warm.grow.quantile == grow_quantile(cost)
    assert model.keep.quantile == keep_quantile(cost)
    plain = learn(replace(spec, service_level=SPEC.service_level), seen)
    assert plain is not None
    assert plain.service is None
    assert (max(model.grow.residuals) > max(plain.grow.residuals)) is (
        cost > SPEC.service_level.unserved_cost
    )


def test_a_decision_plans_with_the_worth_that_was_found_and_says_what_was_asked_and_got() -> None:
    level = replace(SPEC.service_level, miss_at_most=0.01)
    spec = replace(SPEC, service_level=level)
    service = Service(asked=0.01, got=0.013, unserved_cost=150)
    untrusted = replace(MODEL, trusted=False, service=service)
    spikes = [150 + 90.0 * (minute % 13 == 0) for minute in range(60)]
    snapshot = observed(spikes, spec=spec, model=untrusted)
    plan = decide(spec, snapshot)

    dear = replace(SPEC, service_level=replace(SPEC.service_level, unserved_cost=150))
    without = replace(snapshot, memory=Memory())
    assert plan.wanted_units == decide(dear, without).wanted_units
    assert plan.wanted_units > decide(SPEC, without).wanted_units
    assert "of the burst 0.01 may be missed and 0.013 was" in plan.explain()
    assert plan.service == service


def test_a_worth_that_was_found_for_another_share_is_not_used() -> None:
    level = replace(SPEC.service_level, miss_at_most=0.001)
    spec = replace(SPEC, service_level=level)
    found = Service(asked=0.01, got=0.01, unserved_cost=900)
    plan = decide(spec, observed([150.0] * 60, spec=spec, model=replace(MODEL, service=found)))

    assert plan.service is None


def test_a_worth_that_was_found_for_another_fleet_is_not_used() -> None:
    spec = replace(SPEC, service_level=replace(SPEC.service_level, miss_at_most=0.01))
    found = replace(MODEL, service=Service(asked=0.01, got=0.01, unserved_cost=900))
    other = replace(found, basis=replace(MODEL.basis, signal="other"))
    plans = [decide(spec, observed([150.0] * 60, spec=spec, model=one)) for one in (found, other)]

    assert [plan.service is None for plan in plans] == [False, True]
