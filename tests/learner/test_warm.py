"""What waits in a warm pool is learned from what it would have saved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peakfleet_learner import learn
from peakfleet_learner.warm import ReuseTrial, WarmTrial
from peakfleet_planner import DemandModel, FleetSpec, WarmSpec
from peakfleet_planner.forecast import Aims, Basis, WarmBasis, basis_of
from tests.learner.patterns import DAY, SPEC, points

UNITS = [90.0] * (4 * DAY)
for start in range(17, len(UNITS) - 30, 211):
    UNITS[start : start + 12] = [250.0] * 12
"""Bursts of 15 instances that come at no fixed minute."""


def fleet(*, least: int = 0, most: int = 50, cost_fraction: float = 0.01) -> FleetSpec:
    warm = WarmSpec(min_capacity=least, max_capacity=most, cost_fraction=cost_fraction)
    return replace(SPEC, pools=(replace(SPEC.pools[0], warm=warm),))


def learned(spec: FleetSpec) -> DemandModel:
    model = learn(spec, points(UNITS))
    assert model is not None
    return model


def test_bursts_that_nothing_announces_are_worth_a_warm_pool() -> None:
    model = learned(fleet())
    assert model.warm is not None
    assert 10 <= model.warm.layers <= 20
    assert model.warm.grow.last_minute < model.grow.first_minute


def test_what_is_dear_while_it_waits_does_not_wait() -> None:
    model = learned(fleet(cost_fraction=1.0))
    assert model.warm is not None
    assert model.warm.layers == 0


def test_a_pool_of_fixed_size_keeps_it() -> None:
    model = learned(fleet(least=7, most=7))
    assert model.warm is not None
    assert model.warm.layers == 7


def test_without_a_warm_pool_nothing_is_learned_of_one() -> None:
    assert learned(SPEC).warm is None


def test_a_model_with_a_warm_pool_survives_json() -> None:
    model = learned(fleet())
    assert DemandModel.from_json(model.to_json()) == model


@pytest.mark.parametrize("start_seconds", [180, 240])
def test_what_starts_no_sooner_than_it_boots_is_no_warm_pool(start_seconds: float) -> None:
    warm = WarmSpec(max_capacity=9, start_seconds=start_seconds)
    spec = replace(SPEC, pools=(replace(SPEC.pools[0], boot_seconds=180, warm=warm),))
    basis = basis_of(spec)
    assert basis is not None
    assert basis.warm is None


def test_what_is_taken_from_the_pool_serves_sooner_and_is_booted_anew() -> None:
    warm = WarmBasis(start_minutes=1, least_layers=2, most_layers=2, cost_fraction=0.25)
    basis = basis_of(SPEC)
    assert isinstance(basis, Basis)
    trial = WarmTrial(replace(basis, boot_minutes=2), warm, metric_delay_minutes=0, share=0.0)
    nothing, two = Aims(0, 0, 0), Aims(0, 2, 2)
    paid = []
    for minute in range(9):
        before = trial.cost
        trial.step(0.0, 10.0, two if minute == 4 else nothing)
        paid.append(round(trial.cost - before, 2))
    # booted in 1 and 2, waits from 3; started at 4: two start in 5 and serve in 6, two boot
    assert paid == pytest.approx([0, 2, 2, 0.5, 0.5, 4, 4, 0.5, 0.5], abs=0.02)


def reusing() -> FleetSpec:
    warm = WarmSpec(max_capacity=50, reuse=True)
    return replace(SPEC, pools=(replace(SPEC.pools[0], warm=warm),))


def test_what_is_let_go_waits_and_serves_sooner_until_waiting_has_cost_a_boot() -> None:
    warm = WarmBasis(start_minutes=1, least_layers=0, most_layers=9, cost_fraction=0.25, reuse=True)
    basis = basis_of(SPEC)
    assert isinstance(basis, Basis)
    trial = ReuseTrial(replace(basis, boot_minutes=2), warm, metric_delay_minutes=0)
    nothing, two = Aims(0, 0, 0), Aims(0, 2, 2)
    paid = [
        round(trial.step(0.0, aims), 2)
        for aims in [Aims(2, 2, 2), two, two, nothing, nothing, two, nothing, nothing]
        + [nothing] * 10
    ]
    # two boot from 1 on, serve in 3, wait in 4 and 5, start in 6 and are let go when they serve;
    # eight minutes at a quarter of the price are a boot
    assert paid == [0, 2, 2, 2, 0.5, 0.5, 2, 2] + [0.5] * 8 + [0, 0]


def test_where_what_is_let_go_waits_a_model_keeps_less_and_sizes_no_pool() -> None:
    model = learned(reusing())
    assert model.basis.reuses
    assert model.warm is not None
    assert model.warm.layers == 0
    assert model.keep.last_minute == model.warm.grow.last_minute
    assert model.keep.last_minute < learned(fleet()).keep.last_minute
    assert DemandModel.from_json(model.to_json()) == model


def test_a_model_stays_usable_when_boots_are_measured_anew() -> None:
    spec = reusing()
    slower = replace(spec, pools=(replace(spec.pools[0], boot_seconds=240),))
    basis = basis_of(spec)
    assert basis is not None
    assert basis.fits(basis_of(slower))


def test_a_fleet_reuses_only_if_every_pool_does() -> None:
    spec = reusing()
    spot = replace(SPEC.pools[0], name="spot", group="spot", purchase="spot")
    basis = basis_of(replace(spec, pools=(spot, *spec.pools)))
    assert basis is not None
    assert not basis.reuses
