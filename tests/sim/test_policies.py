"""What the policies do with demand that a reader can follow."""

from datetime import UTC, datetime

import numpy as np
import pytest

from peakfleet_sim import Comparison, Demand, Queue, Run, World

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def comparison(
    units: list[float], *, queue: Queue | None = None, boot_seconds: float = 180
) -> Comparison:
    world = World(baseline_units=10, max_instances=50, boot_seconds=boot_seconds)
    demand = Demand(name="test", start=START, units=np.array(units))
    return Comparison(demand=demand, world=world, queue=queue)


def changes(run: Run) -> list[tuple[int, float]]:
    """Return the minutes at whose end the size was changed, and to what."""
    desired = run.desired_instances
    before = np.concatenate([run.ready_instances[:1], desired[:-1]])
    return [(int(i), float(desired[i])) for i in np.flatnonzero(desired != before)]


def test_target_tracking_grows_on_the_third_minute_in_a_row_above_its_target() -> None:
    run = comparison([10.0] * 5 + [24.0] * 20).target_tracking(target=0.7)

    # 14 units at 0.7 are 20 instances; minutes 5, 6, 7 are above, the last is seen at the end of 8
    assert changes(run) == [(8, 20.0)]


def test_target_tracking_shrinks_after_fifteen_minutes_below_and_keeps_one() -> None:
    run = comparison([10.0] * 5 + [24.0] * 20 + [10.0] * 30).target_tracking(target=0.7)

    # first minute below is 25; the fifteenth is 39, seen at the end of 40
    assert changes(run) == [(8, 20.0), (40, 1.0)]


def test_target_tracking_does_not_shrink_while_instances_warm_up() -> None:
    quick = [10.0] * 5 + [24.0] * 3 + [10.0] * 60

    boots_fast = comparison(quick, boot_seconds=60).target_tracking()
    boots_slowly = comparison(quick, boot_seconds=1800).target_tracking()

    assert changes(boots_fast)[1] == (23, 1.0)
    assert changes(boots_slowly)[1] == (41, 1.0)  # launched at 8, serves from 39, warm from 41


def test_tracking_a_backlog_sizes_to_the_acceptable_latency_over_the_time_of_an_item() -> None:
    queue = Queue(seconds_per_item=60, deadline_seconds=600)
    # 110 arrive at once, 10 leave a minute: 95, 85, 75 wait beside the 10 that are worked on, of
    # which half is done; 5 are acceptable for each unit
    run = comparison([110.0] + [0.0] * 20, queue=queue).target_tracking(target=0.5)

    assert changes(run)[0] == (3, 75 / 5 - 10)


def test_peakfleet_has_no_instance_at_or_below_the_baseline() -> None:
    run = comparison([4.0, 10.0, 7.0, 9.9] * 30).peakfleet()

    assert run.desired_instances.max() == 0
    assert run.billed_instances.sum() == 0


def test_peakfleet_answers_a_burst_as_soon_as_it_is_seen() -> None:
    run = comparison([8.0] * 70 + [30.0] * 30).peakfleet()

    assert changes(run)[0][0] == 71  # minute 70 is seen at the end of 71
    assert run.unserved_units[76:].max() == 0
    assert "wants" in run.explanations[71]


def test_peakfleet_lets_go_what_nobody_needs() -> None:
    run = comparison([8.0] * 70 + [30.0] * 10 + [8.0] * 180).peakfleet()

    assert run.desired_instances.max() >= 20
    assert run.desired_instances[-1] == 0


def test_peakfleet_drains_a_burst_of_jobs_before_their_deadline() -> None:
    queue = Queue(seconds_per_item=60, deadline_seconds=900)
    run = comparison([8.0] * 30 + [40.0] * 15 + [8.0] * 60, queue=queue).peakfleet()

    assert run.burst_units.sum() > 0
    assert run.unserved_units.sum() == pytest.approx(0)
    assert run.desired_instances[-1] == 0


def test_the_burst_of_a_queue_is_what_the_baseline_cannot_finish_in_time() -> None:
    queue = Queue(seconds_per_item=60, deadline_seconds=120)
    run = comparison([50.0] + [0.0] * 9, queue=queue).peakfleet()

    assert run.burst_units.tolist() == [0, 0, 20, 0, 0, 0, 0, 0, 0, 0]  # 10 a minute, 3 minutes
