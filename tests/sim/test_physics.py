"""The physics: what serves when, what is paid for, what is seen."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_planner import PaceSpec
from peakfleet_sim import (
    Backlog,
    Comparison,
    Decision,
    Demand,
    DemandError,
    Instances,
    Live,
    Queue,
    Run,
    Seen,
    World,
    replay,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNITS = st.floats(0, 60).map(lambda units: round(units, 2))


def demand(units: list[float]) -> Demand:
    return Demand(name="test", start=START, units=np.array(units))


@dataclass
class Script:
    """A policy that says what it is told to, and remembers what it saw."""

    sizes: list[int]
    name: str = "script"
    least_instances: int = 0
    seen: list[Seen] = field(default_factory=list)

    def decide(self, seen: Seen) -> Decision:
        self.seen.append(seen)
        return Decision(instances=self.sizes[seen.minute], explanation=f"size {seen.minute}")


def scripted(sizes: list[int], *, boot_seconds: float = 120, delay_seconds: float = 60) -> Script:
    script = Script(sizes)
    world = World(boot_seconds=boot_seconds, metric_delay_seconds=delay_seconds, max_instances=9)
    units = [float(i) for i in range(len(sizes))]
    replay(demand(units), world=world, work=Live(baseline_units=0), policy=script)
    return script


def test_a_launch_decided_at_t_is_paid_for_from_the_next_minute_and_serves_after_its_boot() -> None:
    world = World(boot_seconds=120, max_instances=9)
    run = replay(
        demand([4.0] * 7),
        world=world,
        work=Live(baseline_units=0),
        policy=Script([0, 3, 3, 3, 3, 3, 3]),
    )

    assert run.billed_instances.tolist() == [0, 0, 3, 3, 3, 3, 3]
    assert run.ready_instances.tolist() == [0, 0, 0, 0, 3, 3, 3]
    assert run.unserved_units.tolist() == [4, 4, 4, 4, 1, 1, 1]
    assert run.desired_instances.tolist() == [0, 3, 3, 3, 3, 3, 3]
    assert run.explanations[1] == "size 1"


def test_a_termination_acts_at_once_and_never_on_what_boots() -> None:
    run = replay(
        demand([0.0] * 8),
        world=World(boot_seconds=120, max_instances=9),
        work=Live(baseline_units=0),
        policy=Script([2, 2, 2, 5, 0, 0, 0, 0]),
    )

    assert run.ready_instances.tolist() == [0, 0, 0, 2, 2, 0, 3, 0]
    assert run.billed_instances.tolist() == [0, 2, 2, 2, 5, 3, 3, 0]


def test_a_group_stays_within_its_bounds() -> None:
    group = Instances(boot_minutes=0, min_instances=1, max_instances=3)

    assert group.resize(0, 99) == 3
    group.begin(1)
    assert group.ready == 3
    assert group.resize(1, 0) == 1
    assert group.ready == 1


@pytest.mark.parametrize(("delay_seconds", "hidden"), [(0, 0), (60, 1), (90, 2)])
def test_a_policy_sees_demand_up_to_the_metric_delay(delay_seconds: float, hidden: int) -> None:
    script = scripted([0] * 5, delay_seconds=delay_seconds)

    for minute, seen in enumerate(script.seen):
        visible = max(0, minute + 1 - hidden)
        assert seen.metrics["demand"].tolist() == [float(i) for i in range(visible)]
        assert seen.now_epoch_seconds == int(START.timestamp()) + 60 * (minute + 1)


def test_live_work_above_the_capacity_is_lost() -> None:
    minute = Live(baseline_units=100).step(demand_units=150, cloud_units=30)

    assert (minute.burst, minute.served, minute.unserved) == (50, 130, 20)


@given(
    steps=st.lists(st.tuples(UNITS, UNITS), max_size=40),
    seconds_per_item=st.sampled_from([7.0, 60.0, 90.0]),
    deadline_seconds=st.sampled_from([0.0, 60.0, 300.0]),
)
def test_what_arrives_is_done_or_waits(
    steps: list[tuple[float, float]], seconds_per_item: float, deadline_seconds: float
) -> None:
    queue = Backlog(seconds_per_item=seconds_per_item, deadline_seconds=deadline_seconds)
    arrived = done = 0.0
    for arrivals, units in steps:
        minute = queue.step(arrivals_items=arrivals, units=units)
        arrived, done = arrived + arrivals, done + minute.served
        assert minute.served <= units * 60 / seconds_per_item + 1e-9
        assert minute.in_flight <= units + 1e-9
        assert minute.waiting == pytest.approx(arrived - done, abs=1e-6)


@given(
    steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40),
    deadline=st.integers(0, 4),
)
def test_an_item_is_late_if_those_before_it_and_itself_took_too_long(
    steps: list[tuple[int, int]], deadline: int
) -> None:
    queue = Backlog(seconds_per_item=60, deadline_seconds=60 * deadline)
    waiting: list[int] = []  # when each single item came, first in first out
    for minute, (arrivals, units) in enumerate(steps):
        waiting = (waiting + [minute] * arrivals)[units:]

        step = queue.step(arrivals_items=arrivals, units=units)

        assert step.late == sum(came == minute - deadline for came in waiting)
        assert step.waiting == len(waiting)


def test_late_work_is_done_all_the_same_and_first() -> None:
    queue = Backlog(seconds_per_item=60, deadline_seconds=0)

    assert queue.step(arrivals_items=5, units=2).late == 3
    late = queue.step(arrivals_items=1, units=3)
    assert (late.served, late.late, late.waiting) == (3, 1, 1)


def test_work_that_takes_no_time_is_refused() -> None:
    with pytest.raises(DemandError, match="seconds_per_item must be above 0, got 0"):
        Backlog(seconds_per_item=0, deadline_seconds=60)
    with pytest.raises(DemandError, match="deadline_seconds must be at least 0, got -1"):
        Backlog(seconds_per_item=1, deadline_seconds=-1)


@pytest.mark.parametrize(
    ("field_name", "value"),
    [("units_per_instance", 0), ("baseline_units", -1), ("max_instances", 0), ("boot_seconds", -1)],
)
def test_an_impossible_world_is_refused(field_name: str, value: float) -> None:
    with pytest.raises(DemandError, match=f"world: {field_name}"):
        World(**{field_name: value})  # type: ignore[arg-type]  # one field of several types


def test_a_minimum_above_the_maximum_is_refused() -> None:
    with pytest.raises(DemandError, match="max_instances must be at least 5, got 3"):
        World(min_instances=5, max_instances=3)


def runs(units: list[float], queue: Queue | None) -> list[Run]:
    world = World(baseline_units=20, units_per_instance=2, max_instances=12, boot_seconds=120)
    comparison = Comparison(demand=demand(units), world=world, queue=queue)
    pace = PaceSpec(out_units=10, in_units=4)
    return [comparison.peakfleet(), comparison.peakfleet(pace=pace), comparison.target_tracking()]


@settings(max_examples=25)
@given(
    units=st.lists(UNITS, min_size=2, max_size=90),
    cut=st.integers(1, 89),
    queue=st.sampled_from([None, Queue(seconds_per_item=30, deadline_seconds=300)]),
)
def test_cutting_the_future_leaves_the_past_as_it_was(
    units: list[float], cut: int, queue: Queue | None
) -> None:
    cut = min(cut, len(units) - 1)

    for whole, short in zip(runs(units, queue), runs(units[:cut], queue), strict=True):
        assert short.desired_instances.tolist() == whole.desired_instances[:cut].tolist()
        assert short.unserved_units.tolist() == whole.unserved_units[:cut].tolist()
        assert short.explanations == whole.explanations[:cut]


def test_the_same_replay_twice_gives_the_same_bytes() -> None:
    units = np.random.default_rng(5).uniform(0, 40, 120).tolist()

    for first, second in zip(runs(units, None), runs(units, None), strict=True):
        assert first.desired_instances.tobytes() == second.desired_instances.tobytes()
        assert first.explanations == second.explanations
