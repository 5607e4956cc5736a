"""From a launch template version that does not work back to the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from peakfleet_planner.plan import PoolPlan
from peakfleet_planner.snapshot import OutageCause, RolledBack, Snapshot
from peakfleet_planner.spec import FleetSpec

BROKEN_TEMPLATE: Final = (OutageCause.BAD_TEMPLATE, OutageCause.NEVER_READY)
"""Outages that the launch template may be to blame for."""
UNEXPLAINED: Final = (*BROKEN_TEMPLATE, OutageCause.UNKNOWN)
"""Outages that something else may be to blame for, if several pools have them at once."""
AT_ONCE_SECONDS: Final = 1800
"""Pools that fail within this time of each other fail at once."""
AGAIN_SECONDS: Final = 600
"""The same version is given up again no sooner: AWS may refuse it, or a deployment undo it."""


def with_roll_backs(
    spec: FleetSpec, snapshot: Snapshot, pools: Sequence[PoolPlan]
) -> tuple[PoolPlan, ...]:
    """Return the plans with the version that each broken pool should go back to.

    Several pools that fail at once are never the fault of an image: each has its own.
    Without memory nothing goes back: nobody would know afterwards which version was given up.

    Args:
        spec: The fleet, which says whether a pool may go back.
        snapshot: What was seen.
        pools: What each pool is told.
    """
    if spec.broken_image != "roll-back" or spec.state_table is None or snapshot.memory is None:
        return tuple(pools)
    if sum(_fails(told, snapshot) for told in pools) > 1:
        return tuple(pools)
    versions = {pool.name: pool.template_version for pool in snapshot.pools}
    rolled_back = snapshot.memory.rolled_back
    return tuple(
        replace(
            told,
            roll_back_to=older_version(
                versions.get(told.name),
                rolled_back.get(told.name),
                now_epoch_seconds=snapshot.now_epoch_seconds,
            ),
        )
        if told.outage in BROKEN_TEMPLATE
        else told
        for told in pools
    )


def _fails(told: PoolPlan, snapshot: Snapshot) -> bool:
    """Return whether launches of a pool fail, or did until a moment ago, for no known reason."""
    since = snapshot.now_epoch_seconds - AT_ONCE_SECONDS
    return told.outage in UNEXPLAINED or any(
        one.pool == told.name and one.cause in UNEXPLAINED and one.asked_at_epoch_seconds > since
        for one in snapshot.outages
    )


def older_version(
    version: int | None, given_up: RolledBack | None, *, now_epoch_seconds: int
) -> int | None:
    """Return the version to go back to; None if there is none.

    It is the one before, and a pool goes back only once: if that one does not work either, the
    version is not to blame. A newer one that is deployed later starts anew, and skips the one
    that was given up already.

    Args:
        version: What the pool launches now; None if it is not known.
        given_up: What was given up last; None if nothing was.
        now_epoch_seconds: The tick's time.

    >>> older_version(5, None, now_epoch_seconds=0)
    4
    >>> given_up = RolledBack(pool="Spot", version=5, to_version=4, at_epoch_seconds=0)
    >>> [older_version(v, given_up, now_epoch_seconds=60) for v in (4, 5, 6, 7)]
    [None, None, 4, 6]
    """
    if version is None or version <= 1:
        return None
    if given_up is None or version > given_up.version + 1:
        return version - 1
    waited = now_epoch_seconds - given_up.at_epoch_seconds >= AGAIN_SECONDS
    if version == given_up.version + 1 or (version == given_up.version and waited):
        return given_up.to_version
    return None
