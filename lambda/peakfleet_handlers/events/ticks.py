"""A tick out of turn: the fleet as its schedule has it, and a run of its scaler."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from peakfleet_handlers.aws import Calls
from peakfleet_handlers.schedule_payload import read_event
from peakfleet_handlers.state import Only, Recorded, StateTable
from peakfleet_planner import FleetSpec
from peakfleet_table import ASKED, LATESTS, TICKS, Asked, DamagedRecordError, Kind

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

APART_SECONDS = 1
"""A storm of events asks for one tick in this time, not for one each."""
MOST_AHEAD_SECONDS = 3600
"""A recorded tick that is further ahead than this was made by a broken clock."""
LATE_SECONDS, LATEST_SECONDS = 45, 900
"""An event that is delivered so late is left to the tick of the next minute: one that is decided
with the time of an old event would see old demand. No event is delivered later than that, so a
greater distance is another clock, as in a replay."""
_READABLE_TIME = "1970-01-01T00:00:00Z"
_TIME = "scheduled_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The time on the wall, which only keeps ticks apart.

    Args:
        now: Seconds since 1970.
        wait: Waits so many seconds.
    """

    now: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A fleet as its schedule has it.

    Args:
        spec: The fleet.
        document: What the schedule sends.
        scaler: Whom it sends that to.
    """

    spec: FleetSpec
    document: Mapping[str, Any]
    scaler: str


def read_scheduled(name: str, scheduler: EventBridgeSchedulerClient) -> Scheduled:
    """Return the fleet that a schedule decides for.

    Args:
        name: Of the schedule.
        scheduler: Client to read with.

    Raises:
        ClientError: The schedule cannot be read.
        SpecError: It sends no specification of this version.
    """
    target = scheduler.get_schedule(Name=name)["Target"]
    document = json.loads(target["Input"])
    spec, _ = read_event({**document, _TIME: _READABLE_TIME})
    return Scheduled(spec=spec, document=document, scaler=target["Arn"])


def ask_for_a_tick(
    scheduled: Scheduled,
    *,
    at_epoch_seconds: int,
    table: StateTable | None,
    functions: LambdaClient,
    calls: Calls,
    clock: Clock,
) -> bool:
    """Run the scaler now, and do not wait for it; whether this asked for it.

    Events that come together share a tick: the first has one at once, and one more follows for
    all the others, after everything that they have written.

    Args:
        scheduled: The fleet.
        at_epoch_seconds: Time of the event. A tick is only the latest if its time says so, so it
            is moved behind the last that was recorded.
        table: Where it is noted that somebody has asked; without one every event has its tick.
        functions: Client to run the scaler with.
        calls: Where failures are noted.
        clock: The time on the wall.
    """
    if LATE_SECONDS < clock.now() - at_epoch_seconds <= LATEST_SECONDS:
        return False
    if table is not None and not _is_ours(table, clock):
        return False
    at = _behind_the_latest(at_epoch_seconds, table)
    told = {**scheduled.document, _TIME: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))}
    answer = calls.ask(
        functions.invoke,
        scheduled.scaler,
        FunctionName=scheduled.scaler,
        InvocationType="Event",
        Payload=json.dumps(told).encode(),
    )
    return answer is not None


def _is_ours(table: StateTable, clock: Clock) -> bool:
    """Whether this event asks for the tick, or another one will see what this one has written."""
    if _claims(table, clock):
        return True
    clock.wait(APART_SECONDS)
    return _claims(table, clock)


def _claims(table: StateTable, clock: Clock) -> bool:
    """Note that a tick is asked for now; whether none was asked for just before.

    A table that cannot be written stops no tick.
    """
    milliseconds = int(1000 * clock.now())
    only = Only(
        text="attribute_not_exists(#at) OR #at <= :before OR #at > :now",
        names=ASKED.names("at"),
        values={
            ":before": {"N": str(milliseconds - 1000 * APART_SECONDS)},
            ":now": {"N": str(milliseconds)},
        },
    )
    item = ASKED.item(table.fleet, Asked(at_milliseconds=milliseconds))
    return table.put(item, only) is not Recorded.STALE


def _behind_the_latest(at: int, table: StateTable | None) -> int:
    latest = max((_tick_of(kind, table) for kind in (TICKS, LATESTS)), default=0) if table else 0
    return max(at, latest + 1) if latest <= at + MOST_AHEAD_SECONDS else at


def _tick_of(kind: Kind[Any], table: StateTable) -> int:
    """Return the time of the tick that a record is of; 0 if there is none that can be read."""
    found = table.read(kind.key(table.fleet))
    try:
        return int(kind.read(found).tick) if found else 0
    except DamagedRecordError:
        return 0
