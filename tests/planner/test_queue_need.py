"""What a queue needs: what finishes known work in time grows, and what it still needs is kept."""

from __future__ import annotations

from itertools import accumulate
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import BaselineState
from peakfleet_planner.demand import Queue, UsableBaseline, required_units
from peakfleet_planner.requirement import Capacity, queue_need
from peakfleet_planner.requirement.queue_requirement import QueueNeed
from tests.planner.fleets import NOW

BOOT = 300
PERIOD = 60
HURRY = 60
"""A deadline that is over long before new capacity serves."""
CALM = [0.0] * 10
"""Minutes after which nothing more is expected to come."""
ENOUGH = 1e6

units = st.floats(0, 50)
lives = st.lists(units, min_size=1, max_size=40)
costs = st.sampled_from([1.5, 3.0, 10.0, 100.0])
small = st.floats(0, 5)
boots = st.sampled_from([0, 60, 210, 600])
shares = st.sampled_from([0.25, 0.5, 2.0])


@st.composite
def capacities(draw: st.DrawFn, boot_seconds: int | None = None) -> Capacity:
    """Some serve, some boot since a known time, and of some nobody knows."""
    boot = draw(boots) if boot_seconds is None else boot_seconds
    serves = st.tuples(st.integers(NOW - 60, NOW + boot), small)
    return Capacity(
        baseline_units=draw(small),
        serving_units=draw(small),
        booting=tuple(draw(st.lists(serves, max_size=3))),
        unknown_units=draw(small),
        boot_seconds=boot,
    )


def queue(
    arriving: list[float],
    *,
    deadline_seconds: float,
    worked_units: float = ENOUGH,
    items: float | None = None,
    late_seconds: int = 0,
) -> Queue:
    """Return a queue of very short items by the units that arrived in each minute.

    Args:
        arriving: What arrived.
        deadline_seconds: How long work may take.
        worked_units: What has worked on it. Default: enough, so that nothing is left.
        items: Items that there are. Default: one for each unit-second that is left.
        late_seconds: Age of the newest count.
    """
    last = NOW - late_seconds
    ends = tuple(last - PERIOD * age for age in reversed(range(len(arriving))))
    arrived = [one * PERIOD for one in arriving]
    left = list(
        accumulate(
            arrived, lambda had, came: max(0.0, had + came - worked_units * PERIOD), initial=0.0
        )
    )[1:]
    return Queue(
        deadline_seconds=deadline_seconds,
        period_seconds=PERIOD,
        ends=ends,
        came=ends,
        arrived=tuple(arrived),
        left=tuple(left),
        waiting=tuple(left) if items is None else (items,) * len(left),
        in_flight=(0.0,) * len(left),
        seconds_per_item=1.0,
        has_long_items=False,
    )


def need_of(
    one: Queue,
    capacity: Capacity,
    *,
    unserved_cost: float = 10.0,
    foreseen: tuple[float, float] | None = None,
) -> QueueNeed:
    return queue_need(
        one,
        capacity,
        NOW,
        unserved_cost=unserved_cost,
        baseline=UsableBaseline(units=capacity.baseline_units, state=BaselineState.HEALTHY),
        foreseen=foreseen,
    )


def keeps_up(*, baseline_units: float = 0.0, boot_seconds: int = BOOT) -> Capacity:
    """Return capacity that leaves nothing undone until new capacity serves."""
    return Capacity(baseline_units=baseline_units, serving_units=ENOUGH, boot_seconds=boot_seconds)


@given(capacity=capacities(), seconds=st.integers(0, 900))
def test_what_boots_works_from_when_it_serves_and_what_nobody_knows_of_comes_one_by_one(
    capacity: Capacity, seconds: int
) -> None:
    boot = capacity.boot_seconds
    by_second = (
        sum(one for at, one in capacity.booting if at <= NOW + second)
        + capacity.unknown_units * (min(1.0, (second + 0.5) / boot) if boot else 1.0)
        for second in range(seconds)
    )
    assert capacity.booted_work(NOW, NOW + seconds) == pytest.approx(sum(by_second))


@given(capacity=capacities(), share=shares, seconds=st.integers(0, 900))
def test_a_share_of_capacity_does_that_share_of_the_work(
    capacity: Capacity, share: float, seconds: int
) -> None:
    part, until = capacity.part(share), NOW + seconds
    assert part.units == pytest.approx(share * capacity.units)
    assert part.booting_units == pytest.approx(share * capacity.booting_units)
    whole = capacity.booted_work(NOW, until)
    assert part.booted_work(NOW, until) == pytest.approx(share * whole)


def left_at(one: Queue, done: float) -> list[tuple[float, float]]:
    """Return what is left of known work, of which the oldest part is done."""
    left = []
    for due, work in one.outstanding():
        part = min(done, work)
        done -= part
        left.append((due, work - part))
    return left


@given(
    work=st.tuples(lives, units),
    capacity=capacities(),
    times=st.tuples(st.integers(0, 1800), st.integers(0, 90)),
    cost=costs,
)
def test_growth_is_what_finishes_known_work_in_time_after_what_works_has_done_its_part(
    work: tuple[list[float], float], capacity: Capacity, times: tuple[int, int], cost: float
) -> None:
    """An instance must be needed for long enough to be worth its boot."""
    (arriving, worked), (spare, late) = work, times
    boot = capacity.boot_seconds
    one = queue(
        [*arriving, *CALM],
        deadline_seconds=boot + late + spare,
        worked_units=worked,
        late_seconds=late,
    )
    able = capacity.baseline_units + capacity.serving_units
    rest = left_at(one, able * (boot + late) + capacity.booted_work(NOW, NOW + boot))
    wanted = required_units(
        rest,
        NOW + boot,
        deadline_seconds=one.deadline_seconds,
        least_seconds=max(PERIOD, boot / max(0.1, cost - 1)),
    )
    found = need_of(one, capacity, unserved_cost=cost)
    assert found.grow_units == pytest.approx(max(0.0, wanted - capacity.baseline_units), abs=1e-6)


@given(arriving=lives, worked=units, capacity=capacities(), spare=st.integers(0, 1800))
def test_what_is_kept_finishes_known_work_in_time_or_was_needed_within_a_boot(
    arriving: list[float], worked: float, capacity: Capacity, spare: int
) -> None:
    boot = capacity.boot_seconds
    one = queue([*arriving, *CALM], deadline_seconds=boot + spare, worked_units=worked)
    found = need_of(one, capacity)
    cumulated = list(
        accumulate(one.outstanding(), lambda had, batch: (batch[0], had[1] + batch[1]))
    )
    finishes = max(
        (
            (work - capacity.booted_work(NOW, due)) / max(due - NOW, PERIOD)
            for due, work in cumulated
            if due > NOW
        ),
        default=0.0,
    )
    kept = max(0.0, finishes - capacity.baseline_units) + capacity.booting_units
    lately = [
        one.units(sample) - capacity.baseline_units
        for sample, end in enumerate(one.ends)
        if end > NOW - boot
    ]
    expected = max(found.grow_units, kept if cumulated else 0.0, *lately)
    assert found.keep_units == pytest.approx(expected, abs=1e-6)


@given(capacity=capacities(), boot_is_longer=st.booleans(), minutes=st.integers(12, 60))
def test_for_an_empty_queue_nothing_grows_and_nothing_is_kept(
    capacity: Capacity, minutes: int, *, boot_is_longer: bool
) -> None:
    deadline_seconds = capacity.boot_seconds * (0.5 if boot_is_longer else 2)
    one = queue([0.0] * minutes, deadline_seconds=deadline_seconds, items=ENOUGH)
    need = need_of(one, capacity)
    assert (need.grow_units, need.keep_units) == (0, 0)


def expected(arriving: float, *, boot_seconds: int = BOOT, baseline_units: float = 0.0) -> float:
    """Return what finishes in time what arrives in the next two boots, above the baseline."""
    ahead_seconds = 2 * boot_seconds
    return max(0.0, arriving * ahead_seconds / (HURRY + ahead_seconds) - baseline_units)


@given(
    first=st.floats(100, 200), step=st.floats(-2, 10), boot=st.sampled_from([180, 300, 590]),
    baseline=st.floats(0, 50),
)  # fmt: skip
def test_where_work_falls_due_before_new_capacity_serves_arrivals_are_expected_to_rise_on(
    first: float, step: float, boot: int, baseline: float
) -> None:
    arriving = [first + step * minute for minute in range(50)]
    one = queue(arriving, deadline_seconds=HURRY, items=ENOUGH)
    need = need_of(one, keeps_up(baseline_units=baseline, boot_seconds=boot))
    rise = max(0.0, step) * ceil((boot - HURRY) / PERIOD)
    lately = sum(arriving[-5:]) / 5
    grown = expected(lately + rise, boot_seconds=boot, baseline_units=baseline)
    assert need.grow_units == pytest.approx(grown)
    if step >= 0:
        assert need.keep_units == pytest.approx(grown)


@given(arriving=st.floats(0, 200), minutes=st.integers(1, 60))
def test_steady_arrivals_are_never_expected_to_rise(arriving: float, minutes: int) -> None:
    one = queue([arriving] * minutes, deadline_seconds=HURRY, items=ENOUGH)
    assert need_of(one, keeps_up()).grow_units == pytest.approx(expected(arriving))


@given(high=st.floats(50, 200), low=st.floats(0, 49), minutes=st.integers(0, 5), baseline=units)
def test_what_arrivals_needed_within_a_boot_is_kept(
    high: float, low: float, minutes: int, baseline: float
) -> None:
    one = queue([*[high] * 10, *[low] * minutes], deadline_seconds=HURRY, items=ENOUGH)
    need = need_of(one, keeps_up(baseline_units=baseline))
    assert need.keep_units == pytest.approx(expected(high, baseline_units=baseline))


@given(high=st.floats(50, 200), low=st.floats(0, 49), minutes=st.integers(12, 60))
def test_what_arrivals_needed_before_that_is_not(high: float, low: float, minutes: int) -> None:
    one = queue([*[high] * 10, *[low] * minutes], deadline_seconds=HURRY, items=ENOUGH)
    need = need_of(one, keeps_up())
    assert need.keep_units == pytest.approx(need.grow_units)


@given(grow=units, keep=units, waits=st.floats(0, 100), baseline=units)
def test_what_is_foreseen_to_be_kept_makes_nothing_grow(
    grow: float, keep: float, waits: float, baseline: float
) -> None:
    one = queue([5.0] * 30, deadline_seconds=HURRY, items=waits)
    need = need_of(one, keeps_up(baseline_units=baseline), foreseen=(grow, keep))
    grown = expected(grow, baseline_units=baseline)
    assert need.grow_units == pytest.approx(grown)
    assert need.keep_units == pytest.approx(
        max(grown, expected(max(grow, keep), baseline_units=baseline))
    )
