"""A pace bounds what a minute adds, however many ticks it has."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import Memory, PaceSpec, decide
from tests.planner.capacity import NOW
from tests.planner.one_pool import FLEET, asks, reading, sizes

PACED = replace(FLEET, pace=PaceSpec(out_units=50))


@given(boots=st.integers(0, 5))
def test_what_was_asked_for_within_a_minute_counts_unless_it_was_refused(boots: int) -> None:
    memory = Memory(growth={"g": ((NOW - 10, 5),)}, desired={"g": 7})
    plan = decide(PACED, asks(500, reading(7, 2, booting_capacity=boots), memory=memory))
    assert sizes(plan) == [7 + 5 - boots]


@given(granted=st.integers(0, 9))
def test_what_this_tick_was_granted_already_counts(granted: int) -> None:
    seen = replace(asks(500, reading(2)), granted={"g": granted})
    assert sizes(decide(PACED, seen)) == [2 + max(0, 5 - granted)]
