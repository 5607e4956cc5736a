"""Items that take longer than they may wait: one unit each, begun in time."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_sim import Comparison, Demand, Queue, World, score
from peakfleet_sim.world import LongItems

minutes = st.lists(
    st.tuples(st.integers(0, 9).map(float), st.integers(0, 20).map(float)), min_size=1, max_size=60
)


@given(played=minutes, length=st.integers(2, 30))
def test_no_item_is_lost_or_finished_before_its_time(
    played: list[tuple[float, float]], length: int
) -> None:
    queue = LongItems(seconds_per_item=60 * length, deadline_seconds=60 * 5 * length)
    came = served = 0.0
    arrivals = [items for items, _ in played]
    for minute, (items, units) in enumerate(played):
        found = queue.step(arrivals_items=items, units=units)
        came += items
        served += found.served
        assert found.in_flight <= units
        assert served <= sum(arrivals[: max(0, minute + 2 - length)])
    for _ in range(2 * length + len(played)):
        served += queue.step(arrivals_items=0, units=1e9).served
    assert served == pytest.approx(came)


@given(units=st.integers(1, 20))
def test_more_units_than_items_finish_nothing_sooner(units: int) -> None:
    few, many = (LongItems(seconds_per_item=600, deadline_seconds=900) for _ in range(2))
    for minute in range(12):
        arrivals = float(units) if minute == 0 else 0.0
        assert few.step(arrivals_items=arrivals, units=units) == many.step(
            arrivals_items=arrivals, units=100 * units
        )


def test_long_items_cost_what_they_keep_busy() -> None:
    demand = Demand(
        name="renders",
        start=datetime(2026, 6, 1, tzinfo=UTC),
        units=np.full(600, 60.0),
    )
    contest = Comparison(
        demand=demand,
        world=World(max_instances=1000),
        queue=Queue(seconds_per_item=3600, deadline_seconds=900),
    )
    outcome = score(contest.peakfleet(), optimum=contest.optimum())
    assert outcome.score is not None
    assert outcome.score < 1.15
    assert outcome.unserved_percent == 0
