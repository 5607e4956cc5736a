"""Samples that still fill when they are read: no decision follows from a part of one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    Memory,
    MetricSeries,
    Plan,
    SignalMemory,
    Snapshot,
    TrafficSpec,
    decide,
    remember_signals,
)
from peakfleet_planner.codec import from_document, to_document
from tests.planner.fleets import NOW, demands, fleet, histories, seen, sizes, snapshot

shares = st.floats(min_value=0.31, max_value=0.95)
fillings = st.lists(st.floats(0.0, 0.99), min_size=1, max_size=3, unique=True).map(sorted)
"""What has come of a sample when it is read, minute after minute, until all has."""
SPEC = replace(
    fleet(),
    traffic=TrafficSpec(
        listener_arn="l", baseline_target_group_arn="b", cloud_target_group_arn="c"
    ),
)


def ticks(
    values: list[float], filling: Callable[[int], list[float]], *, first: int = 60
) -> Iterator[tuple[Plan, SignalMemory]]:
    """Decide minute after minute on samples of which the newest are read in part.

    Args:
        values: Demand of each minute.
        filling: What has come of the newest samples at a minute's tick, the newest first.
        first: The minute of the first tick.
    """
    memory = SignalMemory()
    for count in range(first, len(values) + 1):
        read = list(values[:count])
        for age, share in enumerate(filling(count)):
            read[-1 - age] *= share
        observed = Snapshot(
            now_epoch_seconds=NOW + 60 * count,
            signals={
                "streams": {
                    "m": MetricSeries(
                        points=tuple((NOW + 60 * at, value) for at, value in enumerate(read))
                    )
                }
            },
            pools=seen(SPEC, [40]),
            memory=Memory(signals={"streams": memory}),
        )
        plan = decide(SPEC, observed)
        memory = remember_signals(SPEC, observed, plan)["streams"]
        yield plan, memory


def last(values: list[float], share: float) -> tuple[Plan, SignalMemory]:
    """Return the last of these ticks, where the newest sample always has this share."""
    return list(ticks(values, lambda _: [share]))[-1]


@given(history=histories, newest=demands, share=shares)
def test_a_part_of_a_minute_is_never_taken_for_less_demand(
    history: list[float], newest: float, share: float
) -> None:
    whole = decide(SPEC, snapshot(SPEC, [*history, max(newest, history[-1])], [40]))
    part = decide(SPEC, snapshot(SPEC, [*history, share * newest], [40]))
    assert part.demand_units >= history[-1]
    assert part.demand_units <= whole.demand_units
    confirmed = [*history, max(share * newest, history[-1])]
    assert sizes(part) == sizes(decide(SPEC, snapshot(SPEC, confirmed, [40])))


@given(high=st.floats(150, 1e4), share=shares)
def test_traffic_and_unserved_units_do_not_follow_from_a_part_of_a_minute(
    high: float, share: float
) -> None:
    whole = decide(SPEC, snapshot(SPEC, [high] * 60, [5]))
    part = decide(SPEC, snapshot(SPEC, [*[high] * 59, share * high], [5]))
    assert part.cloud_weight == whole.cloud_weight
    assert part.unserved_units == whole.unserved_units


@given(filling=fillings, high=st.floats(150, 400), begins=st.integers(61, 75))
def test_a_metric_that_begins_to_fill_late_moves_nothing_from_the_first_late_minute_on(
    filling: list[float], high: float, begins: int
) -> None:
    """It was whole until then, so nothing has been learned of its being late."""
    late = ticks([high] * (begins + 8), lambda count: filling[: max(0, count - begins)])
    calm, *plans = (plan for plan, _ in late)
    for plan in plans:
        assert plan.demand_units >= high * (1 - 1e-9)
        assert plan.cloud_weight == calm.cloud_weight
        assert plan.unserved_units == calm.unserved_units
        assert sizes(plan) == sizes(calm)


@given(
    values=st.lists(demands, min_size=61, max_size=75),
    filling=fillings,
    begins=st.integers(58, 75),
)
def test_a_part_of_a_sample_is_never_less_than_demand_was_lately(
    values: list[float], filling: list[float], begins: int
) -> None:
    found = ticks(values, lambda count: filling[: max(0, count - begins)])
    for count, (plan, _) in enumerate(found, start=60):
        assert plan.demand_units >= min(values[count - 4 : count]) * (1 - 1e-9) - 1e-9


def test_a_fall_is_believed_when_its_sample_says_so_again() -> None:
    falling = [300.0] * 70 + [200.0] * 2
    told = [plan.demand_units for plan, _ in ticks(falling, lambda _: [])]
    assert told[-3:] == [300, 300, 200]


def test_a_rise_is_believed_at_once() -> None:
    *_, (plan, _) = ticks([300.0] * 70 + [400.0], lambda _: [])
    assert plan.demand_units == 400


@given(share=shares, start=st.floats(200, 1000), step=st.floats(0, 20))
def test_what_samples_usually_become_is_learned_and_corrected(
    share: float, start: float, step: float
) -> None:
    climbing = [start + step * minute for minute in range(90)]
    plan, _ = last(climbing, share)
    (view,) = plan.signals
    assert abs(view.complete_share - share) < 1e-9
    assert abs(plan.demand_units - climbing[-1]) <= 1e-9 * climbing[-1]
    assert f"usually {share:.0%} complete" in plan.explain()


def test_a_lone_sample_that_was_whole_does_not_make_up_demand() -> None:
    """Of shares that vary, one that is high is taken: demand is not scaled beyond what it was."""
    varied = SignalMemory(shares=((0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 1.0, 1.0),))
    observed = snapshot(SPEC, [300.0] * 60, memory=Memory(signals={"streams": varied}))
    assert decide(SPEC, observed).demand_units == 300


def test_what_is_remembered_survives_json_and_stays_small() -> None:
    _, memory = last([300.0] * 200, 0.7)
    document = json.loads(json.dumps(to_document(memory)))
    assert from_document(SignalMemory, document) == memory
    assert len(json.dumps(document)) < 2000
