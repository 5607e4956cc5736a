"""The simulator follows the learned model once that has proved itself, and not earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from peakfleet_planner.forecast import RecordedDemand
from peakfleet_sim import Comparison, Demand, PeakfleetPolicy, Queue, World, live_spec, score
from peakfleet_sim.policies import backlog_spec
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


def test_a_queue_that_may_not_wait_for_new_capacity_follows_what_is_to_arrive() -> None:
    units = UNITS[: 2 * DAY + 240]
    queue = Queue(seconds_per_item=30, deadline_seconds=120)
    spec = backlog_spec(WORLD, seconds_per_item=30, deadline_seconds=120)
    foreseeing, reactive = (
        Comparison(
            demand=Demand(name="bursts", start=start, units=part), world=WORLD, queue=queue
        ).replay(PeakfleetPolicy(spec=spec, foresight=foresight))
        for start, part, foresight in (
            (START, units, True),
            (START + timedelta(days=2, hours=-2), units[-360:], False),
        )
    )
    assert all("foreseen" in words for words in foreseeing.explanations[-120:])
    late, by_rule = (run.unserved_units[-120:].sum() for run in (foreseeing, reactive))
    assert late < 0.3 * by_rule
    assert foreseeing.billed_instances[-120:].sum() < 1.5 * reactive.billed_instances[-120:].sum()


def test_a_fleet_with_a_recording_costs_less_on_its_first_day() -> None:
    """Two weeks were recorded; the fleet moves in half a week later, in another week's weather."""
    past = RecordedDemand.newest(
        int(START.timestamp()) // 60 - 17 * DAY - DAY // 2, bursts_every_hour(14, seed=7)
    )
    first_day = Demand(name="first day", start=START, units=UNITS[:DAY])
    runs = [
        Comparison(demand=first_day, world=WORLD).replay(
            PeakfleetPolicy(spec=live_spec(WORLD), recorded=recorded)
        )
        for recorded in (past, None)
    ]
    costs = [
        run.billed_instances.sum() + 10 * run.unserved_units.sum() / WORLD.units_per_instance
        for run in runs
    ]
    assert all("foreseen" in words for words in runs[0].explanations[61:])
    assert costs[0] < 0.6 * costs[1]


def test_what_comes_later_changes_no_decision_before_it() -> None:
    whole = comparison(len(UNITS)).peakfleet()
    for cut in (2 * DAY + 130, 2 * DAY + 300):
        part = comparison(cut).peakfleet()
        assert part.desired_instances.tolist() == whole.desired_instances[:cut].tolist()
        assert part.explanations == whole.explanations[:cut]
