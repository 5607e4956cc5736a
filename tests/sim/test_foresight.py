"""The simulator follows the learned model once that has proved itself, and not earlier."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from peakfleet_sim import Comparison, Demand, PeakfleetPolicy, World, live_spec, score
from tests.learner.patterns import DAY, bursts_every_hour

WORLD = World(units_per_instance=10, baseline_units=100, max_instances=100)
UNITS = np.array(bursts_every_hour(2.6))
START = datetime(2026, 3, 1, tzinfo=UTC)


def comparison(minutes: int) -> Comparison:
    demand = Demand(name="bursts", start=START, units=UNITS[:minutes], history_minutes=2 * DAY + 60)
    return Comparison(demand=demand, world=WORLD)


def test_foresight_takes_over_when_it_has_proved_itself_and_costs_less() -> None:
    bursts = comparison(len(UNITS))
    foreseeing = bursts.replay(PeakfleetPolicy(spec=live_spec(WORLD)))
    reactive = bursts.replay(PeakfleetPolicy(spec=live_spec(WORLD), foresight=False))

    foreseen = ["foreseen" in words for words in foreseeing.explanations]
    assert not any(foreseen[: 2 * DAY])
    assert all(foreseen[2 * DAY + 60 :])
    optimum = bursts.optimum()
    by_model = score(foreseeing, optimum=optimum).score
    by_rule = score(reactive, optimum=optimum).score
    assert by_model is not None
    assert by_rule is not None
    assert by_model < 0.6 * by_rule


def test_what_comes_later_changes_no_decision_before_it() -> None:
    whole = comparison(len(UNITS)).peakfleet()
    for cut in (2 * DAY + 130, 2 * DAY + 300):
        part = comparison(cut).peakfleet()
        assert part.desired_instances.tolist() == whole.desired_instances[:cut].tolist()
        assert part.explanations == whole.explanations[:cut]
