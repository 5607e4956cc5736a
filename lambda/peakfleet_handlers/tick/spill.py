"""Spill: what this region cannot serve goes to the others, after the tick has done all else.

It reads and sets records of a service of its own, so it comes last: while that cannot be reached
the fleet goes on by itself, and its region keeps the traffic that it has.
"""

from __future__ import annotations

from peakfleet_handlers.aws import Calls, Clients, list_records, set_records
from peakfleet_handlers.state import Recorded
from peakfleet_handlers.tick.act import Applied
from peakfleet_planner import FleetSpec, Snapshot, region_weight
from peakfleet_planner.pool_plan import is_due

_OUTRUN = (Recorded.STALE, Recorded.CONTESTED)


def spill(
    spec: FleetSpec, snapshot: Snapshot, applied: Applied, *, clients: Clients, calls: Calls
) -> int | None:
    """Set what the region's record weighs; return that, None if it was left as it is.

    Args:
        spec: The fleet.
        snapshot: What was seen.
        applied: What was done; a tick that was outrun spills nothing.
        clients: AWS.
        calls: Where failures are noted.
    """
    share = spec.region
    if share is None or spec.mode == "shadow" or applied.recorded in _OUTRUN:
        return None
    if not is_due(share, snapshot.now_epoch_seconds):
        return None
    found = list_records(share, route53=clients.route53, calls=calls)
    if found is None:
        return None
    weights = {name: int(one.get("Weight", 0)) for name, one in found.items()}
    weight = region_weight(spec, applied.plan, weights)
    if weight is None:
        return None
    changed = {**found[share.own], "Weight": weight}
    return weight if set_records(share, [changed], clients=clients, calls=calls) else None
