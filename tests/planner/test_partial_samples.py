"""Samples that still fill when they are read: no decision follows from a part of one."""

from __future__ import annotations

import json
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
from peakfleet_planner.snapshot import WHOLE_SAMPLES
from tests.planner.fleets import NOW, demands, fleet, histories, seen, sizes, snapshot

shares = st.floats(min_value=0.31, max_value=0.95)
SPEC = fleet()
WHOLE = Memory(signals={"streams": WHOLE_SAMPLES})


def ticks(values: list[float], share: float, *, first: int = 60) -> tuple[Plan, SignalMemory]:
    """Decide minute after minute on samples of which the newest has a share only."""
    memory = SignalMemory()
    for count in range(first, len(values) + 1):
        now = NOW + 60 * count
        read = [*values[: count - 1], share * values[count - 1]]
        points = tuple((NOW + 60 * at, value) for at, value in enumerate(read))
        observed = Snapshot(
            now_epoch_seconds=now,
            signals={"streams": {"m": MetricSeries(points=points)}},
            pools=seen(SPEC, [40]),
            memory=Memory(signals={"streams": memory}),
        )
        plan = decide(SPEC, observed)
        memory = remember_signals(SPEC, observed, plan)["streams"]
    return plan, memory


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
    traffic = TrafficSpec(
        listener_arn="l", baseline_target_group_arn="b", cloud_target_group_arn="c"
    )
    spec = replace(SPEC, traffic=traffic)
    whole = decide(spec, snapshot(spec, [high] * 60, [5]))
    part = decide(spec, snapshot(spec, [*[high] * 59, share * high], [5]))
    assert part.cloud_weight == whole.cloud_weight
    assert part.unserved_units == whole.unserved_units


def test_a_fall_is_believed_when_the_next_sample_confirms_it() -> None:
    fallen = [*[300.0] * 60, 200.0]
    assert decide(SPEC, snapshot(SPEC, fallen)).demand_units == 300
    assert decide(SPEC, snapshot(SPEC, [*fallen, 200.0])).demand_units == 200


def test_a_fall_is_believed_at_once_where_samples_are_known_to_be_whole() -> None:
    fallen = snapshot(SPEC, [*[300.0] * 60, 200.0], memory=WHOLE)
    assert decide(SPEC, fallen).demand_units == 200


@given(share=shares, start=st.floats(200, 1000), step=st.floats(0, 20))
def test_what_samples_usually_become_is_learned_and_corrected(
    share: float, start: float, step: float
) -> None:
    climbing = [start + step * minute for minute in range(90)]
    plan, _ = ticks(climbing, share)
    (view,) = plan.signals
    assert abs(view.complete_share - share) < 1e-9
    assert abs(plan.demand_units - climbing[-1]) <= 1e-9 * climbing[-1]
    assert f"usually {share:.0%} complete" in plan.explain()


def test_whole_samples_are_found_to_be_whole() -> None:
    plan, memory = ticks([300.0] * 75 + [200.0], 1.0)
    assert memory.is_whole(0)
    assert plan.demand_units == 200
    assert plan.signals[0].complete_share == 1


def test_a_lone_sample_that_was_whole_does_not_make_up_demand() -> None:
    """Of shares that vary, one that is high is taken: demand is not scaled beyond what it was."""
    varied = SignalMemory(shares=((0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 1.0, 1.0),))
    observed = snapshot(SPEC, [300.0] * 60, memory=Memory(signals={"streams": varied}))
    assert decide(SPEC, observed).demand_units == 300


def test_what_is_remembered_survives_json_and_stays_small() -> None:
    _, memory = ticks([300.0] * 200, 0.7)
    document = json.loads(json.dumps(to_document(memory)))
    assert from_document(SignalMemory, document) == memory
    assert len(json.dumps(document)) < 2000
