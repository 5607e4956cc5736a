"""Machines that train as one: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from peakfleet_demo.scenarios import assertions as p
from peakfleet_demo.scenarios.environment import Stage
from peakfleet_demo.scenarios.instance_agent import LAST_STEP, WRITING_SECONDS
from peakfleet_demo.scenarios.measurements import LAUNCHED, Record
from peakfleet_demo.scenarios.scenario import Promise, Scenario, steady
from peakfleet_local.groups import Reservation

POOL = "Trainium"
BLOCK = "cr-0123456789abcdef0"
"""As in examples/faults/app.py."""
MACHINES = 4
BLOCK_UNITS, UNITS = MACHINES * 64.0, MACHINES * 32.0
"""NeuronCores, as programs see them."""
BLOCK_MINUTES, LEAVE_MINUTES, ENDS_MINUTES = 90, 40, 30
LEAVE_MINUTE = BLOCK_MINUTES - LEAVE_MINUTES
COME_MINUTES = 12
"""A boot of ten, the minute until the gang is formed and the one until its programs run."""
PART, BACK_MINUTE = 2, 60
FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES = 3, 30, 6


def _block(stage: Stage, minute: int) -> None:
    if minute:
        return
    now = stage.world.now_epoch_seconds
    stage.reservations.reserve(
        Reservation(
            reservation_id=BLOCK,
            instance_type=stage.pool(POOL).instance_types[0],
            zone=stage.zones[0],
            instances=MACHINES,
            starts_at=now,
            ends_at=now + 60 * BLOCK_MINUTES,
        )
    )


def _until_it_leaves(minute: int) -> float:
    return BLOCK_UNITS if minute < LEAVE_MINUTE else 0.0


def _block_promises(record: Record) -> Iterator[Promise]:
    minutes = range(len(record.samples))
    yield p.nothing_missing(record, first=1 + COME_MINUTES, last=LEAVE_MINUTE)
    begun = p.first_minute(record, lambda at: record.desired(POOL, at) == MACHINES) or 0
    told = p.first_minute(record, lambda at: not record.desired(POOL, at), since=begun + 1)
    yield Promise(
        text=f"the gang is told to leave {LEAVE_MINUTES} minutes before the end of the block",
        measured="never" if told is None else f"{BLOCK_MINUTES - told - 1} minutes before",
        kept=told == LEAVE_MINUTE - 1,
    )
    gone = [_minutes_before_end(record, one.ended_at) for one in record.endings]
    kept = p.first_minute(record, lambda at: record.samples[at].checkpoint >= LAST_STEP)
    yield Promise(
        text="all machines keep their parts of a checkpoint then, while EC2 leaves them alone",
        measured="there is none"
        if kept is None
        else f"whole in S3 {BLOCK_MINUTES - kept - 1} minutes before the end; writing takes "
        f"{WRITING_SECONDS} s",
        kept=kept is not None and LEAVE_MINUTE <= kept < BLOCK_MINUTES - ENDS_MINUTES,
    )
    yield p.nothing_busy_lost(record)
    ec2 = sum("EC2 ended" in one.cause for one in record.endings)
    yield Promise(
        text=f"EC2, which ends machines {ENDS_MINUTES} minutes before the end, finds none",
        measured=f"{ec2} of {len(gone)} ended by EC2, the last one went "
        f"{min(gone, default=0):.1f} minutes before the end",
        kept=ec2 == 0 and len(gone) == MACHINES and min(gone) >= ENDS_MINUTES,
    )
    first = BLOCK_MINUTES - ENDS_MINUTES
    billed = [_billed(record, at) for at in minutes if at >= first]
    launched = sum(_launched(record, at) for at in minutes[begun + 1 :])
    yield Promise(
        text=f"nothing is billed from minute {first} on, and nothing is launched again",
        measured=f"{sum(billed)} machine-minutes, {launched} launched after the first gang",
        kept=sum(billed) == launched == 0,
    )
    yield p.handler_never_fails(record)


def _part(stage: Stage, minute: int) -> None:
    if minute in {0, BACK_MINUTE}:
        there = PART if minute == 0 else None
        stage.limit(stage.pool(POOL).instance_types, instances=there)


def _part_promises(record: Record) -> Iterator[Promise]:
    minutes = range(len(record.samples))
    tried = [at for at in minutes if record.samples[at].asks.get(POOL, 0)]
    in_part = [at for at in tried if record.refused(POOL, at)]
    came = [_launched(record, at) for at in in_part]
    after = [_billed(record, at + 1) for at in in_part if at + 1 in minutes]
    yield Promise(
        text="what comes of a gang that is not whole is given back in the same tick",
        measured=f"{', '.join(map(str, came))} of {MACHINES} came; "
        f"{max(after, default=0)} were still billed after the tick",
        kept=sum(came) > 0 and bool(after) and sum(after) == 0,
    )
    whole = p.first_minute(record, lambda at: record.capacity(POOL, at) == MACHINES)
    before = minutes[:whole]
    paid = sum(_billed(record, at) for at in before if at not in _boots(record))
    served = max(record.capacity(POOL, at) for at in before)
    trained = max(record.samples[at].fleet.work.ready_units for at in before)
    yield Promise(
        text="nothing half runs and nothing bills on until all of it comes",
        measured=f"at most {served} served and {trained:.0f} units trained; {paid} "
        "machine-minutes paid",
        kept=served == trained == paid == 0,
    )
    pauses = [later - at for at, later in pairwise(tried)]
    yield Promise(
        text=f"it asks again after {FIRST_PAUSE} minutes, then less and less often, up to "
        f"{LONGEST_PAUSE}: at most {MOST_TRIES} times in {BACK_MINUTE} minutes",
        measured=f"{len(in_part)} times, after pauses of {', '.join(map(str, pauses))} minutes",
        kept=0 < len(in_part) <= MOST_TRIES
        and bool(pauses)
        and pauses == sorted(pauses)
        and FIRST_PAUSE <= pauses[0] <= pauses[-1] <= LONGEST_PAUSE,
    )
    last = tried[-1] if tried else 0
    yield Promise(
        text="once there is room it is launched whole, with one call",
        measured=f"{_launched(record, last)} of {MACHINES} launched, "
        f"{last + 1 - BACK_MINUTE} minutes after there is room",
        kept=last >= BACK_MINUTE
        and _launched(record, last) == MACHINES
        and record.samples[last].asks[POOL] == 1,
    )
    yield p.serves_all_again(record, since=BACK_MINUTE, within=LONGEST_PAUSE + COME_MINUTES)
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


def _boots(record: Record) -> range:
    """Return the minutes in which the gang that is whole boots."""
    minutes = range(len(record.samples))
    begun = [at for at in minutes if record.desired(POOL, at) == MACHINES]
    return range(begun[0] + 1, len(minutes)) if begun else range(0)


def _launched(record: Record, minute: int) -> int:
    return record.samples[minute].tries.get((POOL, LAUNCHED), 0)


def _billed(record: Record, minute: int) -> int:
    return sum(pool.billed_capacity for pool in record.samples[minute].fleet.pools)


def _minutes_before_end(record: Record, epoch_seconds: float) -> float:
    return BLOCK_MINUTES - (epoch_seconds - record.start_epoch_seconds) / 60


SCENARIOS = (
    Scenario(
        name="capacity-block-ends",
        shows="a capacity block is about to end; the gang keeps a checkpoint and goes in time",
        fleet="training-in-block",
        minutes=BLOCK_MINUTES + 5,
        demand_units=_until_it_leaves,
        script=_block,
        promises=_block_promises,
    ),
    Scenario(
        name="gang-in-part",
        shows="only two of a gang's four machines can be had for an hour",
        fleet="training",
        minutes=120,
        demand_units=steady(UNITS),
        script=_part,
        promises=_part_promises,
    ),
)
