"""What was asked for moments ago counts; a size that somebody set does not pass for it."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from peakfleet_planner import Memory, PoolReading, settled

NOW = 1_000
points = st.integers(0, 60)


@given(before=points, more=st.integers(1, 60), shown=points, seconds=st.integers(1, 29))
def test_only_what_shows_a_request_met_in_part_is_read_as_met(
    before: int, more: int, shown: int, seconds: int
) -> None:
    asked = before + more
    reading = PoolReading(
        name="g", desired_capacity=shown, in_service_capacity=0, min_capacity=0, max_capacity=200
    )
    memory = Memory(
        desired={"g": asked}, before={"g": before}, growth={"g": ((NOW - seconds, more),)}
    )
    found = settled(reading, memory, NOW)
    assert found.desired_capacity == (asked if before <= shown < asked else shown)


@given(before=points, more=st.integers(1, 60), less=st.integers(1, 60), seconds=st.integers(1, 29))
def test_a_size_that_somebody_has_lowered_is_not_read_as_the_one_before(
    before: int, more: int, less: int, seconds: int
) -> None:
    assume(less <= before)
    lowered = PoolReading(
        name="g",
        desired_capacity=before - less,
        in_service_capacity=before - less,
        min_capacity=0,
        max_capacity=200,
    )
    memory = Memory(
        desired={"g": before + more}, before={"g": before}, growth={"g": ((NOW - seconds, more),)}
    )
    assert settled(lowered, memory, NOW).desired_capacity == before - less


@given(boots=points, serving=points, unseen=st.integers(1, 60), seconds=st.integers(1, 29))
def test_what_is_in_flight_boots_since_it_was_asked_for(
    boots: int, serving: int, unseen: int, seconds: int
) -> None:
    shown = boots + serving
    asked = shown + unseen
    reading = PoolReading(
        name="g",
        desired_capacity=shown,
        in_service_capacity=serving,
        booting_capacity=boots,
        min_capacity=0,
        max_capacity=200,
    )
    since = NOW - seconds
    memory = Memory(desired={"g": asked}, before={"g": 0}, growth={"g": ((since, asked),)})
    found = settled(reading, memory, NOW)
    assert found.booting_capacity == boots + unseen
    assert found.booting_since == ((since, boots + unseen),)


@given(shown=points, seconds=st.integers(1, 29), before=points)
def test_a_size_of_which_nothing_is_remembered_is_taken_as_it_shows(
    shown: int, seconds: int, before: int
) -> None:
    reading = PoolReading(
        name="g", desired_capacity=shown, in_service_capacity=0, min_capacity=0, max_capacity=200
    )
    growth = {"g": ((NOW - seconds, 5),)}
    for memory in (
        Memory(growth=growth, before={"g": before}),
        Memory(growth=growth, desired={"g": shown + 5}),
    ):
        assert settled(reading, memory, NOW).desired_capacity == shown
