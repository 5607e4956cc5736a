"""A replay follows the calendar of a fleet as the deployed function does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from peakfleet_planner import KnownPeakSpec
from peakfleet_sim import Demand, World, live_spec
from peakfleet_sim.replay import replay_fleet

START = datetime(2026, 3, 2, tzinfo=UTC)
PREMIERE_MINUTE, MINUTES = 60, 120


def test_a_premiere_that_is_known_is_served_from_its_first_minute() -> None:
    spec = live_spec(World(baseline_units=100, max_instances=300))
    demand = Demand(
        name="premiere",
        start=START,
        units=np.repeat([100.0, 300.0], [PREMIERE_MINUTE, MINUTES - PREMIERE_MINUTE]),
    )
    begins = int(START.timestamp()) + 60 * PREMIERE_MINUTE
    premiere = KnownPeakSpec(
        name="premiere",
        start_epoch_seconds=begins,
        end_epoch_seconds=begins + 60 * (MINUTES - PREMIERE_MINUTE),
        units=300,
    )

    surprised = replay_fleet(demand, spec)
    ready = replay_fleet(demand, replace(spec, known_peaks=(premiere,)))

    assert surprised.unserved_units.sum() > 0
    assert ready.unserved_units.sum() == 0
    assert ready.billed_instances[: PREMIERE_MINUTE - 6].sum() == 0
    assert "known peak" in ready.explanations[PREMIERE_MINUTE]
