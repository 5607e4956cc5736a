"""Names of a fleet's pools: what makes a group the same one from one deployment to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from peakfleet.pools.capacity_pool import CapacityPool
from peakfleet_planner import SpecError


def told_apart(pools: Sequence[CapacityPool]) -> tuple[CapacityPool, ...]:
    """Return the pools with names that differ within their fleet.

    A pool without a name of its own is called after its chip. Where another pool of the fleet is
    called so too, the one that is bought on Spot has `Spot` behind it. So a pool that is bought in
    another way keeps its group, and a pool that is added takes no other one's group away.

    Raises:
        SpecError: Two names are the same, or would change once a pool that retires is left out.
    """
    names = [pool.name for pool in pools]
    for pool in pools:
        if _is_moved(pool, names) and any(one.is_retired for one in pools if one.name == pool.name):
            raise SpecError(
                f"pool '{pool.name}': two pools would have this name, and one of them retires, so "
                f"that the other's name would change once it is left out; give name=... to both: "
                f"'{pool.name}' on demand and '{pool.name}Spot' on Spot if both are deployed, "
                f"else another name to the one that takes over"
            )
    found = tuple(
        replace(pool, name=f"{pool.name}Spot" if _is_moved(pool, names) else pool.name)
        for pool in pools
    )
    names = [pool.name for pool in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SpecError(
            f"pool names must differ, got {', '.join(twice)} more than once; give name=... to one"
        )
    return found


def _is_moved(pool: CapacityPool, names: Sequence[str]) -> bool:
    return not pool.is_named and pool.purchase.is_spot and names.count(pool.name) > 1
