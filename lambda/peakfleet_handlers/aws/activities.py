"""Launches that failed: what their scaling activities say of capacity.

An event tells of one at once, and a tick that misses capacity asks for the newest of them. Both
read them here, so that the one that comes second finds nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from peakfleet_handlers.aws.calls import Calls
from peakfleet_handlers.aws.events import Happening, Kind
from peakfleet_handlers.aws.launch_errors import counted, outage_cause
from peakfleet_planner import Memory, Outage, PoolReading, PoolSpec
from peakfleet_planner.pools import refused

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

OPERATION = "DescribeScalingActivities"
ACTIVITIES_PER_CALL = 20
KEPT_SECONDS = 900
"""A launch that failed longer ago says nothing of now."""
TRIED_ELSEWHERE_SECONDS = 30
"""A group that is refused in one zone tries its others by itself; what it misses after this long
could be had in none."""
_ZONE: Final = re.compile(r"\(([a-z]{2}(?:-[a-z]+)+-\d[a-z])\)")
_LAUNCH, _FAILED, _SUCCESSFUL = "Launching", "Failed", "Successful"


def outages_of(told: Happening, pool: PoolSpec) -> tuple[Outage, ...]:
    """Return what a launch that failed says of capacity; nothing if it does not say why.

    Args:
        told: The launch, with the members of its scaling activity.
        pool: Whose launch it was.
    """
    message = told.text("StatusMessage")
    cause = outage_cause("", message)
    if cause is None:
        return ()
    zone = _ZONE.search(message)
    return refused(
        pool,
        zones=(),
        zone=told.zone or (zone[1] if zone else None),
        instance_types=_types_in(message, pool),
        cause=cause,
        outages=(),
        now=told.ended_epoch_seconds,
    )


def read_refused(
    pools: Sequence[PoolSpec],
    readings: Iterable[PoolReading],
    memory: Memory | None,
    *,
    now_epoch_seconds: int,
    autoscaling: AutoScalingClient,
    calls: Calls,
) -> tuple[Outage, ...]:
    """Return what pools were refused and no event has told yet.

    Only a pool that was asked for more than serves or boots is looked at, with one call. Without
    memory nobody knows what is new, so nothing is.

    Args:
        pools: The ladder.
        readings: Its groups as they were seen.
        memory: What is remembered; None if that could not be read.
        now_epoch_seconds: The tick's time.
        autoscaling: Client to ask.
        calls: Where failures are noted.
    """
    if memory is None:
        return ()
    specs = {pool.name: pool for pool in pools}
    known = {one.scope: one for one in memory.outages}
    new: dict[tuple[str, str, str, str], Outage] = {}
    for reading in readings:
        if not reading.unmet_capacity:
            continue
        pool = specs[reading.name]
        back = memory.rolled_back.get(pool.name)
        since = max(now_epoch_seconds - KEPT_SECONDS, back.at_epoch_seconds if back else 0)
        for told in _failures(pool, since, autoscaling, calls):
            for outage in _as_a_whole(outages_of(told, pool), pool, now_epoch_seconds):
                news = counted(new.get(outage.scope) or known.get(outage.scope), outage)
                if news:
                    new[news.scope] = news
    return tuple(new.values())


def _as_a_whole(outages: Iterable[Outage], pool: PoolSpec, now: int) -> Iterator[Outage]:
    """Yield what was refused, in every zone where the group has had time to try the others."""
    for one in outages:
        tried = now - one.asked_at_epoch_seconds >= TRIED_ELSEWHERE_SECONDS
        yield replace(one, zone=None, pool=pool.name) if one.zone and tried else one


@dataclass(frozen=True, slots=True, kw_only=True)
class _Launched:
    """A launch that succeeded: what failed before it in the same zone is over."""

    started: int
    zone: str | None

    def ends(self, failed: Happening) -> bool:
        return self.started >= failed.ended_epoch_seconds and (
            None in (self.zone, failed.zone) or self.zone == failed.zone
        )


def _failures(
    pool: PoolSpec, since: int, autoscaling: AutoScalingClient, calls: Calls
) -> list[Happening]:
    """Return the launches that failed after *since* and still say something, oldest first."""
    answer = calls.ask(
        autoscaling.describe_scaling_activities,
        pool.name,
        AutoScalingGroupName=pool.group,
        MaxRecords=ACTIVITIES_PER_CALL,
    )
    listed: list[Any] = []
    if answer is not None:
        listed = calls.reading(OPERATION, pool.name, lambda: list(answer["Activities"])) or []
    read = [calls.reading(OPERATION, pool.name, partial(_as_told, one)) for one in listed]
    launches = [told for told in read if told]
    succeeded = [
        _Launched(started=one.started_epoch_seconds, zone=one.zone)
        for one in launches
        if one.text("StatusCode") == _SUCCESSFUL
    ]
    failed = [
        one
        for one in launches
        if one.text("StatusCode") == _FAILED
        and one.ended_epoch_seconds > since
        and not any(launched.ends(one) for launched in succeeded)
    ]
    return sorted(failed, key=lambda one: one.ended_epoch_seconds)


def _as_told(activity: Mapping[str, Any]) -> Happening | None:
    """Return a launch as an event would tell of it; None if it is another activity."""
    if not str(activity.get("Description", "")).startswith(_LAUNCH):
        return None
    times = {name: one.isoformat() for name, one in activity.items() if isinstance(one, datetime)}
    return Happening(
        event_id=str(activity["ActivityId"]),
        kind=Kind.NOT_LAUNCHED,
        at_epoch_seconds=int(activity["StartTime"].timestamp()),
        detail={**activity, **times},
    )


def _types_in(message: str, pool: PoolSpec) -> tuple[str, ...]:
    """Return the instance types of a pool that a message names; none stands for all of them."""
    return tuple(
        kind
        for kind in pool.instance_types
        if re.search(rf"(?<![\w.-]){re.escape(kind)}(?![\w.-]*\w)", message)
    )
