"""What a tick found out, kept for the next decision."""

from __future__ import annotations

from collections.abc import Collection

from peakfleet_handlers.state import StateTable
from peakfleet_planner import FleetSpec, Memory, OpenLaunch, Snapshot, foreign_sizes
from peakfleet_planner.fallback import Pursued
from peakfleet_planner.pool_plan import BROKEN_TEMPLATE
from peakfleet_planner.pools import remembered
from peakfleet_table import LAUNCHES, OUTAGES, SIZE_KEPT_SECONDS, SIZES, STRIKES

MOST_SPOT_INSTANCES = 5000
"""Ids that a record of 400 KB has room for, and that are worth their writing each minute."""


def keep_findings(
    table: StateTable | None,
    spec: FleetSpec,
    snapshot: Snapshot,
    pursued: Pursued,
    *,
    launches: Collection[OpenLaunch],
    answered: Collection[OpenLaunch],
    anew: Collection[str] = (),
) -> None:
    """Keep what this tick was refused, and the sizes that somebody else has set.

    Only what has changed is written.

    Args:
        table: Where. Without one nothing is kept.
        spec: The fleet.
        snapshot: What was observed, with what was refused before the tick asked for anything.
        pursued: How the requests of the tick ended.
        launches: Requests for capacity that this tick had no answer to.
        answered: Earlier ones that have ended.
        anew: Pools that start anew with another launch template version: what was held against
            the last one is forgotten. Default: none.
    """
    if table is None:
        return
    memory = snapshot.memory or Memory()
    foreign = foreign_sizes(snapshot)
    read = {pool.name for pool in snapshot.pools}
    left = {one.pool for one in memory.foreign if one.pool in read} - {one.pool for one in foreign}
    refused = remembered(snapshot.refused, pursued.outages)
    known = remembered(snapshot.outages, pursued.outages)
    ended = {one.scope: one for one in pursued.ended}
    ended |= {one.scope: one for one in known if one.pool in anew and one.cause in BROKEN_TEMPLATE}
    kept_seconds = SIZE_KEPT_SECONDS[spec.other_writer.mode]
    table.write_all(
        (
            *(OUTAGES.item(table.fleet, one) for one in refused if one.scope not in ended),
            *(LAUNCHES.item(table.fleet, one) for one in launches),
            *(
                SIZES.item(table.fleet, one, kept_until=one.since_epoch_seconds + kept_seconds)
                for one in set(foreign) - set(memory.foreign)
            ),
        ),
        deleted=(
            *(SIZES.key(table.fleet, pool) for pool in sorted(left)),
            *(LAUNCHES.key(table.fleet, one.token) for one in answered),
            *(STRIKES.key(table.fleet, pool) for pool in sorted(anew)),
            *(OUTAGES.key_of(table.fleet, one) for one in ended.values()),
        ),
    )


def spot_instances(spec: FleetSpec, snapshot: Snapshot) -> tuple[str, ...] | None:
    """Return the ids of the instances that AWS may take back; None if one may be missing.

    Events look here whose an instance is. Where that cannot be told they ask AWS.
    """
    pools = {pool.name for pool in spec.pools if pool.purchase == "spot"}
    seen = [reading for reading in snapshot.pools if reading.name in pools]
    found = sorted(one for pool in seen for one in (*pool.serving, *pool.booting, *pool.unhealthy))
    return None if len(seen) < len(pools) or len(found) > MOST_SPOT_INSTANCES else tuple(found)
