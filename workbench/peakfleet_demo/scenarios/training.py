"""Machines that train as one: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.instance_agent import LAST_STEP, WRITING_SECONDS
from peakfleet_demo.scenarios.measurements import LAUNCHED, Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Scenario, steady
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


def _reserve_block(environment: Environment) -> None:
    now = environment.world.now_epoch_seconds
    environment.reservations.reserve(
        Reservation(
            reservation_id=BLOCK,
            instance_type=environment.pool(POOL).instance_types[0],
            zone=environment.zones[0],
            instances=MACHINES,
            starts_at=now,
            ends_at=now + 60 * BLOCK_MINUTES,
        )
    )


def _leaves_in_time(m: Measurements) -> Iterator[Assertion]:
    minutes = range(len(m.samples))
    yield a.nothing_missing(m, first=1 + COME_MINUTES, last=LEAVE_MINUTE)
    begun = a.first_minute(m, lambda at: m.desired(POOL, at) == MACHINES) or 0
    told = a.first_minute(m, lambda at: not m.desired(POOL, at), since=begun + 1)
    yield Assertion(
        text=f"the gang is told to leave {LEAVE_MINUTES} minutes before the end of the block",
        measured="never" if told is None else f"{BLOCK_MINUTES - told - 1} minutes before",
        passed=told == LEAVE_MINUTE - 1,
    )
    gone = [_minutes_before_end(m, one.ended_at) for one in m.endings]
    kept = a.first_minute(m, lambda at: m.samples[at].checkpoint >= LAST_STEP)
    yield Assertion(
        text="all machines keep their parts of a checkpoint then, while EC2 leaves them alone",
        measured="there is none"
        if kept is None
        else f"whole in S3 {BLOCK_MINUTES - kept - 1} minutes before the end; writing takes "
        f"{WRITING_SECONDS} s",
        passed=kept is not None and LEAVE_MINUTE <= kept < BLOCK_MINUTES - ENDS_MINUTES,
    )
    yield a.nothing_busy_lost(m)
    ec2 = sum("EC2 ended" in one.cause for one in m.endings)
    yield Assertion(
        text=f"EC2, which ends machines {ENDS_MINUTES} minutes before the end, finds none",
        measured=f"{ec2} of {len(gone)} ended by EC2, the last one went "
        f"{min(gone, default=0):.1f} minutes before the end",
        passed=ec2 == 0 and len(gone) == MACHINES and min(gone) >= ENDS_MINUTES,
    )
    first = BLOCK_MINUTES - ENDS_MINUTES
    billed = [m.samples[at].billed_capacity for at in minutes if at >= first]
    launched = sum(_launched(m, at) for at in minutes[begun + 1 :])
    yield Assertion(
        text=f"nothing is billed from minute {first} on, and nothing is launched again",
        measured=f"{sum(billed)} machine-minutes, {launched} launched after the first gang",
        passed=sum(billed) == launched == 0,
    )
    yield a.every_tick_answers(m)


def _whole_or_none(m: Measurements) -> Iterator[Assertion]:
    minutes = range(len(m.samples))
    tried = [at for at in minutes if m.samples[at].asks.get(POOL, 0)]
    in_part = [at for at in tried if m.refused(POOL, at)]
    came = [_launched(m, at) for at in in_part]
    after = [m.samples[at + 1].billed_capacity for at in in_part if at + 1 in minutes]
    yield Assertion(
        text="what comes of a gang that is not whole is given back in the same tick",
        measured=f"{', '.join(map(str, came))} of {MACHINES} came; "
        f"{max(after, default=0)} were still billed after the tick",
        passed=sum(came) > 0 and bool(after) and sum(after) == 0,
    )
    whole = a.first_minute(m, lambda at: m.capacity(POOL, at) == MACHINES)
    before = minutes[:whole]
    paid = sum(m.samples[at].billed_capacity for at in before if at not in _boots(m))
    served = max(m.capacity(POOL, at) for at in before)
    trained = max(m.samples[at].fleet.work.ready_units for at in before)
    yield Assertion(
        text="nothing half runs and nothing bills on until all of it comes",
        measured=f"at most {served} served and {trained:.0f} units trained; {paid} "
        "machine-minutes paid",
        passed=served == trained == paid == 0,
    )
    pauses = [later - at for at, later in pairwise(tried)]
    yield Assertion(
        text=f"it asks again after {FIRST_PAUSE} minutes, then less and less often, up to "
        f"{LONGEST_PAUSE}: at most {MOST_TRIES} times in {BACK_MINUTE} minutes",
        measured=f"{len(in_part)} times, after pauses of {', '.join(map(str, pauses))} minutes",
        passed=0 < len(in_part) <= MOST_TRIES
        and bool(pauses)
        and pauses == sorted(pauses)
        and FIRST_PAUSE <= pauses[0] <= pauses[-1] <= LONGEST_PAUSE,
    )
    last = tried[-1] if tried else 0
    yield Assertion(
        text="once there is room it is launched whole, with one call",
        measured=f"{_launched(m, last)} of {MACHINES} launched, "
        f"{last + 1 - BACK_MINUTE} minutes after there is room",
        passed=last >= BACK_MINUTE
        and _launched(m, last) == MACHINES
        and m.samples[last].asks[POOL] == 1,
    )
    yield a.serves_all_again(m, since=BACK_MINUTE, within=LONGEST_PAUSE + COME_MINUTES)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _boots(m: Measurements) -> range:
    """Return the minutes in which the gang that is whole boots."""
    minutes = range(len(m.samples))
    begun = [at for at in minutes if m.desired(POOL, at) == MACHINES]
    return range(begun[0] + 1, len(minutes)) if begun else range(0)


def _launched(m: Measurements, minute: int) -> int:
    return m.samples[minute].tries.get((POOL, LAUNCHED), 0)


def _minutes_before_end(m: Measurements, epoch_seconds: float) -> float:
    return BLOCK_MINUTES - (epoch_seconds - m.start_epoch_seconds) / 60


SCENARIOS = (
    Scenario(
        name="capacity-block-ends",
        shows="a capacity block is about to end; the gang keeps a checkpoint and goes in time",
        fleet="training-in-block",
        minutes=BLOCK_MINUTES + 5,
        demand_units=lambda minute: BLOCK_UNITS if minute < LEAVE_MINUTE else 0.0,
        faults={0: _reserve_block},
        assertions=_leaves_in_time,
    ),
    Scenario(
        name="gang-in-part",
        shows="only two of a gang's four machines can be had for an hour",
        fleet="training",
        minutes=120,
        demand_units=steady(UNITS),
        faults={
            0: lambda at: at.limit(at.pool(POOL).instance_types, instances=PART),
            BACK_MINUTE: lambda at: at.limit(at.pool(POOL).instance_types, instances=None),
        },
        assertions=_whole_or_none,
    ),
)
