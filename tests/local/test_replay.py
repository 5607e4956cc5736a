from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from peakfleet_local.replay import Minute, Phases, ReplayedFleet, replay
from peakfleet_planner import (
    BacklogSignal,
    FixedBaseline,
    FleetSpec,
    Metric,
    PoolSpec,
    RateSignal,
)
from peakfleet_sim.world import Live
from tests.local.fake_cloud import FakeCloud

START = 900_000_000
STREAMS = Metric(namespace="Live", metric_name="Streams")
WAITING = Metric(namespace="AWS/SQS", metric_name="Visible")
IN_FLIGHT = Metric(namespace="AWS/SQS", metric_name="NotVisible")
LIVE = FleetSpec(
    fleet="Media/Live",
    pools=(PoolSpec(name="G", group="live", units_per_capacity=10, max_capacity=50),),
    signals=(RateSignal(name="streams", metrics={"m": STREAMS}, expression="m"),),
    baseline=FixedBaseline(units=100),
)
JOBS = FleetSpec(
    fleet="Media/Jobs",
    pools=(PoolSpec(name="G", group="jobs", units_per_capacity=1, max_capacity=50),),
    signals=(
        BacklogSignal(
            name="jobs",
            metrics={"waiting": WAITING, "in_flight": IN_FLIGHT},
            seconds_per_item=60,
            drain_within_seconds=600,
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Pile:
    """What a minute of a pile of jobs came to."""

    burst_units: float
    metrics: Mapping[str, float]
    unserved_units: float = 0.0
    due_units: float = 0.0


class PileOfJobs:
    """A queue that only counts: one job keeps one unit busy for a minute."""

    def __init__(self) -> None:
        self.waiting = 0.0
        self.capacity_units: list[float] = []

    def step_units(self, demand_units: float, cloud_units: float) -> Pile:
        self.capacity_units.append(cloud_units)
        in_flight = min(self.waiting + demand_units, cloud_units)
        self.waiting += demand_units - in_flight
        return Pile(
            burst_units=demand_units, metrics={"waiting": self.waiting, "in_flight": in_flight}
        )


def live(*demand_units: float) -> ReplayedFleet:
    return ReplayedFleet(spec=LIVE, demand_units=demand_units, physics=Live(baseline_units=100))


def jobs(pile: PileOfJobs, *demand_units: float) -> ReplayedFleet:
    return ReplayedFleet(spec=JOBS, demand_units=demand_units, physics=pile)


def phases(*, history: int = 0, warm_up: int = 0, scored: int) -> Phases:
    return Phases(history_minutes=history, warm_up_minutes=warm_up, scored_minutes=scored)


def run(cloud: FakeCloud, fleet: ReplayedFleet, of: Phases) -> list[Minute]:
    return list(replay(cloud, [fleet], start_epoch_seconds=START - START % 60, phases=of))


def test_a_minute_can_be_read_one_minute_after_it_ended() -> None:
    cloud = FakeCloud(LIVE)
    minutes = replay(
        cloud, [live(*range(100, 110))], start_epoch_seconds=60_000, phases=phases(scored=10)
    )

    newest = [(minute.start_epoch_seconds, cloud.points[-1:]) for minute in minutes]

    assert newest[0] == (60_000, [])
    assert [points[0].epoch_seconds - start for start, points in newest[1:]] == [-60] * 9
    assert [points[0].value for _, points in newest[1:]] == list(range(100, 109))


def test_what_is_asked_for_at_the_end_of_a_minute_serves_after_its_boot_time() -> None:
    cloud = FakeCloud(LIVE)

    minutes = run(cloud, live(*[100] * 5, *[150] * 10), phases(scored=15))

    pools = [minute.fleets["Media/Live"].pools[0] for minute in minutes]
    asked = next(i for i, pool in enumerate(pools) if pool.desired_capacity >= 5)
    assert asked == 6, "the rise of minute 5 can be read at the end of minute 6"
    assert [pool.billed_capacity for pool in pools[: asked + 1]] == [0] * 7
    assert pools[asked + 1].billed_capacity >= 5
    assert [pool.in_service_capacity for pool in pools[: asked + 4]] == [0] * 10
    assert pools[asked + 4].in_service_capacity >= 5


def test_burst_above_what_is_ready_is_unserved_and_the_baseline_comes_first() -> None:
    minutes = run(FakeCloud(LIVE), live(*[80] * 5, *[150] * 10), phases(scored=15))

    work = [minute.fleets["Media/Live"].work for minute in minutes]
    assert (work[0].burst_units, work[0].unserved_units) == (0, 0)
    assert (work[5].burst_units, work[5].unserved_units) == (50, 50)
    assert (work[-1].burst_units, work[-1].unserved_units) == (50, 0)


def test_history_is_published_without_a_tick_and_the_warm_up_is_not_scored() -> None:
    cloud = FakeCloud(LIVE)

    minutes = run(cloud, live(*[120] * 30), phases(history=20, warm_up=4, scored=6))

    assert len(cloud.ticks) == len(minutes) == 10
    assert [minute.scored for minute in minutes] == [False] * 4 + [True] * 6
    assert minutes[0].fleets["Media/Live"].plan is not None
    assert len(cloud.points) == 29


def test_a_queue_publishes_its_state_and_meets_what_is_in_service() -> None:
    pile, cloud = PileOfJobs(), FakeCloud(JOBS)

    minutes = run(cloud, jobs(pile, *[6.0] * 12), phases(scored=12))

    assert cloud.series(WAITING).points[0][1] == 6
    assert cloud.series(IN_FLIGHT).points[0][1] == 0
    final = minutes[-1].fleets["Media/Jobs"]
    assert final.work.waiting_items == pile.waiting
    assert pile.capacity_units[-1] == final.pools[0].in_service_capacity > 0


def test_nobody_waits_in_the_history_of_a_queue() -> None:
    pile = PileOfJobs()

    run(FakeCloud(JOBS), jobs(pile, *[6.0] * 12), phases(history=11, scored=1))

    assert pile.capacity_units[:11] == [6.0] * 11


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"errorMessage": "no permission", "errorType": "AccessDenied"}, "no permission"),
        ({"statusCode": 200}, "its answer is no plan"),
    ],
)
def test_a_handler_that_fails_is_reported_and_the_replay_goes_on(
    answer: dict[str, object], message: str
) -> None:
    cloud = FakeCloud(LIVE)
    cloud.answers["Media/Live"] = answer

    minutes = run(cloud, live(*[150] * 3), phases(scored=3))

    assert len(minutes) == 3
    assert all(message in minute.fleets["Media/Live"].error for minute in minutes)
    assert all(minute.fleets["Media/Live"].plan is None for minute in minutes)


def test_calls_that_failed_within_a_tick_are_counted() -> None:
    cloud = FakeCloud(LIVE)
    (before,) = run(cloud, live(150), phases(scored=1))
    plan = before.fleets["Media/Live"].plan
    assert plan is not None
    cloud.answers["Media/Live"] = {**plan.to_json(), "applied": {"failed_calls": 2}}

    (minute,) = run(cloud, live(150), phases(scored=1))

    assert before.fleets["Media/Live"].failed_calls == 0
    assert minute.fleets["Media/Live"].failed_calls == 2


def test_a_fleet_without_a_schedule_is_reported() -> None:
    (minute,) = run(FakeCloud(), live(150), phases(scored=1))

    assert minute.fleets["Media/Live"].error == "its schedule did not fire"


def test_too_little_demand_is_refused_before_anything_happens() -> None:
    cloud = FakeCloud(LIVE)

    with pytest.raises(ValueError, match="'Media/Live': needs demand for 10 minutes, got 2"):
        run(cloud, live(1, 2), phases(history=5, scored=5))
    assert cloud.points == []


def test_a_replay_starts_on_a_whole_minute() -> None:
    with pytest.raises(ValueError, match="whole minute, got second 61"):
        list(replay(FakeCloud(LIVE), [live(1)], start_epoch_seconds=61, phases=phases(scored=1)))
