"""What was recorded before there was a fleet, as its first lessons begin with it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_planner import SpecError
from peakfleet_planner.forecast import DAY_MINUTES, MOST_DAYS, RecordedDemand

FIRST = 29_000_000
WEEK = 7 * DAY_MINUTES
SAMPLES = st.floats(0, 1e9)


def recorded(days: float) -> RecordedDemand:
    count = int(days * DAY_MINUTES)
    return RecordedDemand.newest(FIRST, [float(minute % 997) for minute in range(count)])


@settings(max_examples=20, deadline=None)
@given(values=st.lists(SAMPLES, min_size=5, max_size=9), first=st.integers(0, 10**8))
def test_what_is_unpacked_is_what_was_packed(values: list[float], first: int) -> None:
    once = RecordedDemand.newest(first, values * (DAY_MINUTES // 5 + 1))
    assert RecordedDemand.unpacked(once.packed()) == once
    exact = values * (DAY_MINUTES // 5 + 1)
    assert once.values == tuple(pytest.approx(one, rel=0.006) for one in exact)


@settings(max_examples=40, deadline=None)
@given(days=st.sampled_from([1, 3, 7, 10, 14]), later=st.integers(-DAY_MINUTES, 40 * DAY_MINUTES))
def test_what_was_not_recorded_any_more_is_as_a_week_or_a_day_before(days: int, later: int) -> None:
    known = recorded(days)
    end = FIRST + days * DAY_MINUTES + later
    points = known.before(end)
    assert len(points) == min(MOST_DAYS * DAY_MINUTES, days * DAY_MINUTES + later)
    assert [time for time, _ in points] == [60 * m for m in range(end - len(points), end)]
    by_minute = {time // 60: value for time, value in points}
    lag = WEEK if days >= 7 else DAY_MINUTES
    for minute in range(max(FIRST + days * DAY_MINUTES, end - 3000), end):
        if minute - lag in by_minute:
            assert by_minute[minute] == by_minute[minute - lag]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0] * 100, "must have 1 to 14 days, got 0.06944"),
        ([1.0] * DAY_MINUTES + [-1.0], "values must be at least 0, got -1"),
        ([float("nan")] * DAY_MINUTES, "values must be at least 0, got nan"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(values: list[float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        RecordedDemand.newest(FIRST, values)


@pytest.mark.parametrize("text", ["", "????", "e30=", "eJyLBgAAXgBe", "x" * 10_000])
def test_what_is_no_recording_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="recorded demand"):
        RecordedDemand.unpacked(text)
