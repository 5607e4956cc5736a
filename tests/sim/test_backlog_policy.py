"""A queue under the production decision, beside target tracking and perfect foresight."""

from datetime import UTC, datetime

import numpy as np
import pytest

from peakfleet_sim import Comparison, Demand, Outcome, Queue, World, replay, score
from peakfleet_sim.policies import PeakfleetPolicy, backlog_spec
from peakfleet_sim.world import BacklogWork

WORLD = World(baseline_units=20, boot_seconds=180)


def evening() -> Demand:
    minutes = np.arange(600)
    waves = 25 + 20 * np.sin(minutes / 60) + 6 * np.sin(minutes / 3)
    start = datetime(2026, 3, 1, 18, tzinfo=UTC)
    return Demand(name="evening", start=start, units=np.maximum(0, waves), history_minutes=60)


def outcomes(deadline_minutes: int) -> tuple[Outcome, Outcome]:
    queue = Queue(seconds_per_item=60, deadline_seconds=60 * deadline_minutes)
    comparison = Comparison(demand=evening(), world=WORLD, queue=queue)
    best = comparison.optimum()
    return (
        score(comparison.peakfleet(), optimum=best),
        score(comparison.target_tracking(), optimum=best),
    )


@pytest.mark.parametrize("deadline_minutes", [5, 10, 60])
def test_a_queue_is_finished_in_time_for_little_more_than_perfect_foresight(
    deadline_minutes: int,
) -> None:
    ours, theirs = outcomes(deadline_minutes)
    assert ours.unserved_percent < 0.1
    assert ours.score is not None
    assert theirs.score is not None
    assert ours.score < min(1.25, theirs.score)


def test_items_that_take_a_little_longer_than_was_said_are_still_in_time() -> None:
    said = backlog_spec(WORLD, seconds_per_item=58, deadline_seconds=600)
    work = BacklogWork(seconds_per_item=60, deadline_seconds=600, baseline_units=20)
    run = replay(evening(), world=WORLD, work=work, policy=PeakfleetPolicy(spec=said))
    assert run.unserved_units[60:].sum() < 0.01 * run.demand.units[60:].sum()
