"""Peaks that come back are found, and proposed if it would have saved something to know them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from peakfleet_learner import Learner, taught
from peakfleet_planner import FleetSpec, RateSignal
from peakfleet_planner.forecast import ProposedPeaks
from tests.learner.patterns import DAY, SPEC, START, points
from tests.learner.test_queues import SPEC as QUEUE_FLEET

EVENING = 20 * 60


def proposed(
    rises: Callable[[int], bool], *, days: int = 14, spec: FleetSpec = SPEC
) -> ProposedPeaks | None:
    noise = np.random.default_rng(3).normal(0, 3, days * DAY)
    values = [90 + 300 * rises(at) + float(noise[at]) for at in range(days * DAY)]
    learner = taught(spec, points([max(0.0, value) for value in values]))
    assert isinstance(learner, Learner)
    return learner.peaks()


def is_evening(minute: int) -> bool:
    return EVENING <= minute % DAY < EVENING + 30


@pytest.mark.parametrize(
    ("repeats", "rises", "days", "first"),
    [
        ("hourly", lambda at: 20 <= at % 60 < 35, 4, 20),
        ("daily", is_evening, 6, EVENING),
        ("weekly", lambda at: at // DAY % 7 == 5 and is_evening(at), 14, 5 * DAY + EVENING),
    ],
)
def test_a_step_that_comes_back_is_proposed_once_with_its_dates(
    repeats: str, rises: Callable[[int], bool], days: int, first: int
) -> None:
    found = proposed(rises, days=days)
    assert found is not None
    (peak,) = found.peaks
    period = {"hourly": 60, "daily": DAY, "weekly": 7 * DAY}[repeats]
    times = [START + 60 * at for at in range(first, days * DAY - 3, period)]
    assert peak.repeats == repeats
    assert peak.seen_epoch_seconds == tuple(times)
    assert peak.next_epoch_seconds == times[-1] + 60 * period
    assert peak.units == pytest.approx(400, rel=0.05)
    assert 0.01 * found.cost_minutes < peak.saved_minutes < found.cost_minutes
    assert peak.served_units > 0
    assert peak.known("evening").expected_at(times[-1] + 60 * period, lead_seconds=0)


def test_what_the_fleet_knows_is_not_proposed_again() -> None:
    found = proposed(is_evening, days=6)
    assert found is not None
    known = replace(SPEC, known_peaks=(found.peaks[0].known("evening"),))
    again = proposed(is_evening, days=6, spec=known)
    assert again is not None
    assert again.peaks == ()


@pytest.mark.parametrize(
    "rises", [lambda at: at < 0, lambda at: at in range(4 * DAY, 4 * DAY + 60)]
)
def test_nothing_comes_back_in_noise_and_single_crowds(rises: Callable[[int], bool]) -> None:
    found = proposed(rises, days=5)
    assert found is not None
    assert found.peaks == ()


def test_before_a_day_was_graded_and_of_queues_nothing_is_proposed() -> None:
    assert proposed(is_evening, days=1) is None
    assert proposed(is_evening, days=3, spec=QUEUE_FLEET) is None
    assert isinstance(SPEC.signals[0], RateSignal)
