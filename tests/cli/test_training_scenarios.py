"""Promises of scenarios in which machines train as one, held against what may be measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from peakfleet_demo.demo import reason_text
from peakfleet_demo.scenarios import (
    CATALOGUE,
    LAST_STEP,
    LAUNCHED,
    Measurements,
    Sample,
    as_fleet,
)
from peakfleet_demo.scenarios.training import (
    BACK_MINUTE,
    BLOCK_MINUTES,
    BLOCK_UNITS,
    COME_MINUTES,
    LEAVE_MINUTE,
    MACHINES,
    PART,
    POOL,
    UNITS,
)
from peakfleet_local.replay import FleetMinute, PoolMinute, Work
from peakfleet_local.world import Ending
from tests.planner.gangs import gang

START = 900_000
DRY = "InsufficientInstanceCapacity"
GONE_MINUTE = LEAVE_MINUTE + 5
SOME_STEP = 1


def sample(
    minute: int,
    *,
    machines: int = 0,
    serving: int = 0,
    desired: int = 0,
    wanted: float = 0.0,
    tries: Mapping[str, int] | None = None,
    checkpoint: int = 0,
) -> Sample:
    trains = wanted if serving == MACHINES else 0.0
    pool = PoolMinute(
        name=POOL, in_service_capacity=serving, billed_capacity=machines, desired_capacity=desired
    )
    work = Work(
        demand_units=wanted,
        burst_units=wanted,
        ready_units=trains,
        unserved_units=wanted - trains,
        due_units=wanted,
    )
    return Sample(
        start_epoch_seconds=START + 60 * minute,
        fleet=FleetMinute(work=work, pools=(pool,), plan=None),
        tries={(POOL, answer): count for answer, count in (tries or {}).items()},
        asks={POOL: 1} if tries else {},
        calls={},
        launched_at={},
        checkpoint=checkpoint,
    )


def record(samples: Sequence[Sample], endings: Sequence[Ending] = ()) -> Measurements:
    known = gang()
    spec = as_fleet(replace(known, pool=replace(known.pool, name=POOL)))
    return Measurements(spec=spec, samples=list(samples), endings=list(endings))


def kept(name: str, measured: Measurements) -> list[bool]:
    return [one.passed for one in CATALOGUE[name].assertions(measured)]


def block(
    *, leaves: int = LEAVE_MINUTE, gone: int = GONE_MINUTE, saves: bool = True
) -> Measurements:
    """Return a life in a block: launched at once, told to leave, gone some minutes later."""
    minutes = [
        sample(
            at,
            machines=MACHINES if 0 < at < gone else 0,
            serving=MACHINES if COME_MINUTES <= at < leaves else 0,
            desired=MACHINES if at < leaves - 1 else 0,
            wanted=BLOCK_UNITS if at < LEAVE_MINUTE else 0.0,
            tries={} if at else {LAUNCHED: MACHINES},
            checkpoint=LAST_STEP if saves and at >= gone - 2 else SOME_STEP,
        )
        for at in range(BLOCK_MINUTES)
    ]
    endings = [
        Ending(
            instance_id=f"i-{number}",
            group="trn",
            purchase="on-demand",
            zone="a",
            ended_at=START + 60 * gone,
            cause="",
            busy=False,
        )
        for number in range(MACHINES)
    ]
    return record(minutes, endings)


def test_a_gang_that_leaves_its_block_in_time_with_a_checkpoint_keeps_every_promise() -> None:
    assert all(kept("capacity-block-ends", block()))


def test_a_gang_that_leaves_late_or_early_or_without_a_checkpoint_breaks_a_promise() -> None:
    late = block(leaves=LEAVE_MINUTE + 1)
    early = block(leaves=LEAVE_MINUTE - 1)
    slow = block(gone=BLOCK_MINUTES - 20)
    unsaved = block(saves=False)
    for measured in (late, early, slow, unsaved):
        assert not all(kept("capacity-block-ends", measured))


def test_a_gang_that_ec2_ends_breaks_a_promise() -> None:
    measured = block()
    measured.endings[0] = replace(measured.endings[0], cause="EC2 ended the instance")
    assert not all(kept("capacity-block-ends", measured))


def part(
    *, tried: Sequence[int] = (0, 3, 9, 21, 45), billed: int = 0, served: int = 0
) -> Measurements:
    """Return an hour in which a part comes at each try, and then a gang that comes whole."""
    whole = 75
    minutes = [
        sample(
            at,
            machines=MACHINES if at > whole else billed if at else 0,
            serving=MACHINES if at >= whole + COME_MINUTES else served if at == 1 else 0,
            desired=MACHINES if at >= whole else 0,
            wanted=UNITS,
            tries={LAUNCHED: PART, DRY: 1}
            if at in tried
            else {LAUNCHED: MACHINES}
            if at == whole
            else {},
        )
        for at in range(2 * BACK_MINUTE)
    ]
    return record(minutes)


def test_a_gang_that_gives_every_part_back_and_waits_longer_each_time_keeps_every_promise() -> None:
    assert all(kept("gang-in-part", part()))


def test_a_part_that_is_billed_on_or_serves_breaks_a_promise() -> None:
    assert not all(kept("gang-in-part", part(billed=PART)))
    assert not all(kept("gang-in-part", part(served=PART)))


def test_a_gang_that_asks_too_often_or_less_patiently_breaks_a_promise() -> None:
    assert not all(kept("gang-in-part", part(tried=range(0, 60, 3))))
    assert not all(kept("gang-in-part", part(tried=(0, 20, 26, 29))))


def test_a_gang_that_is_never_launched_whole_breaks_a_promise() -> None:
    measured = part()
    measured.samples = measured.samples[:BACK_MINUTE]
    assert not all(kept("gang-in-part", measured))
    assert not all(kept("gang-in-part", record([sample(0, wanted=UNITS)])))


def test_a_tick_of_a_gang_is_shown_in_its_own_words_and_its_failure_before_them() -> None:
    minute = replace(sample(0).fleet, said="keep: running")
    assert reason_text(minute).plain == "keep: running"
    assert reason_text(replace(minute, error="Runtime exited")).plain == "Runtime exited"
