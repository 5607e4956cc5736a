"""Resizes: groups whose desired capacity has to be set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from peakfleet_handlers.aws.calls import Calls
from peakfleet_planner import FleetSpec, Growth, Plan, PoolReading, Snapshot
from peakfleet_planner.pools import known_growth
from peakfleet_planner.snapshot import MOST_GROWTH

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

GROWTH_KEPT_SECONDS = 3600
"""No pool boots for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """One group that has to be told.

    Args:
        pool: Whose group.
        group: Its name.
        capacity: What it should run.
        grows: Whether that is more than before.
        direct: Whether its instances are launched directly.
    """

    pool: str
    group: str
    capacity: int
    grows: bool
    direct: bool


def resizes(spec: FleetSpec, snapshot: Snapshot, plan: Plan) -> tuple[Resize, ...]:
    """Return the groups whose size has to change, within the bounds that each group has.

    A group that could not be read is left as it is: nobody knows what it has.
    """
    seen = {pool.name: pool for pool in snapshot.pools}
    pools = {pool.name: pool for pool in spec.pools}
    changes = []
    for told in plan.pools:
        reading, pool = seen.get(told.name), pools[told.name]
        if reading is None:
            continue
        before = reading.desired_capacity
        capacity = _clamped(told.desired_capacity, reading)
        if capacity != before:
            changes.append(
                Resize(
                    pool=told.name,
                    group=pool.group,
                    capacity=capacity,
                    grows=capacity > before,
                    direct=pool.launch == "direct" and bool(reading.zones),
                )
            )
    return tuple(changes)


def growth(snapshot: Snapshot, plan: Plan) -> dict[str, Growth]:
    """Return when each pool was asked for more, now included; what is long over is left out.

    What somebody else has asked for is told apart until the plan changes that size.
    """
    ours = {pool.name for pool in plan.pools if pool.changes}
    known = {
        pool: steps if pool in ours else snapshot.recalled.growth.get(pool, ())
        for pool, steps in known_growth(snapshot).items()
    }
    return _steps(known, snapshot, plan, sign=1)


def shrinkage(snapshot: Snapshot, plan: Plan) -> dict[str, Growth]:
    """Return the same for when each pool was asked for less."""
    return _steps(snapshot.recalled.shrinkage or {}, snapshot, plan, sign=-1)


def _steps(
    known: Mapping[str, Growth], snapshot: Snapshot, plan: Plan, *, sign: int
) -> dict[str, Growth]:
    now = snapshot.now_epoch_seconds
    found = {}
    for told in plan.pools:
        points = sign * (told.desired_capacity - (told.seen_capacity or 0))
        steps = [
            *(step for step in known.get(told.name, ()) if step[0] > now - GROWTH_KEPT_SECONDS),
            *([(now, points)] if told.seen_capacity is not None and points > 0 else []),
        ]
        found[told.name] = tuple(steps[-MOST_GROWTH:])
    return {pool: steps for pool, steps in found.items() if steps}


def _clamped(capacity: int, reading: PoolReading) -> int:
    return min(max(capacity, reading.min_capacity), reading.max_capacity)


def resize(
    changes: Iterable[Resize], *, autoscaling: AutoScalingClient, calls: Calls
) -> dict[str, int]:
    """Return the pools that were resized; one that fails does not stop the others."""
    done = {}
    for change in changes:
        answer = calls.ask(
            autoscaling.set_desired_capacity,
            change.pool,
            AutoScalingGroupName=change.group,
            DesiredCapacity=change.capacity,
            HonorCooldown=False,
        )
        if answer is not None:
            done[change.pool] = change.capacity
    return done
