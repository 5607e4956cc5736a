"""Within one tick: what one pool refuses, the next one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from peakfleet_planner.decide import decide
from peakfleet_planner.plan import Launch, Plan
from peakfleet_planner.pools import refused, remembered
from peakfleet_planner.snapshot import Outage, OutageCause, PoolReading, Snapshot
from peakfleet_planner.spec import FleetSpec, PoolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Capacity that was asked for and not given.

    Args:
        cause: Why.
        instance_types: Of which types. Default: of all.
    """

    cause: OutageCause
    instance_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one request for capacity.

    Args:
        capacity: Points that were launched.
        refusals: What was not. Default: nothing.
    """

    capacity: int
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pursued:
    """How the requests of one tick ended.

    Args:
        plan: The last decision, against the sizes from before the tick.
        outages: What was refused in this tick.
        ended: What had been refused before, and was given in this tick.
    """

    plan: Plan
    outages: tuple[Outage, ...] = ()
    ended: tuple[Outage, ...] = ()


Ask = Callable[[PoolSpec, Launch], Answer]


def pursue(spec: FleetSpec, snapshot: Snapshot, plan: Plan, *, ask: Ask) -> Pursued:
    """Ask for what *plan* launches, and decide anew after every refusal until none is left.

    Each refusal shuts a zone of a pool, or the pool, so there is an end.

    Args:
        spec: The fleet.
        snapshot: What *plan* was decided from.
        plan: What to do.
        ask: Asks AWS, or a simulated world.
    """
    pools = {pool.name: pool for pool in spec.pools}
    before, given = snapshot, dict[tuple[str, str], int]()
    outages: tuple[Outage, ...] = ()
    while True:
        refusals: tuple[Outage, ...] = ()
        for told in plan.pools:
            for launch in told.launches:
                answer = ask(pools[told.name], launch)
                if answer.capacity:
                    key = (told.name, launch.zone)
                    given[key] = given.get(key, 0) + answer.capacity
                snapshot, found = _after(snapshot, pools[told.name], launch, answer)
                refusals = remembered(refusals, found)
                if any(one.pool for one in found):  # the pool is shut, whatever the zone
                    break
        if not refusals:
            break
        outages = remembered(outages, refusals)
        plan = decide(spec, snapshot)
    outages = remembered(plan.missing, outages)
    ended = tuple(
        one
        for one in before.outages
        if one.scope not in {again.scope for again in outages}
        and any(_is_about(one, pools[name], zone) for name, zone in given)
    )
    return Pursued(plan=_against(before, plan, given), outages=outages, ended=ended)


def _after(
    snapshot: Snapshot, pool: PoolSpec, launch: Launch, answer: Answer
) -> tuple[Snapshot, tuple[Outage, ...]]:
    """Return what is known after one request, and what it was refused."""
    zones = next((tuple(one.zones) for one in snapshot.pools if one.name == pool.name), ())
    found: tuple[Outage, ...] = ()
    for refusal in answer.refusals:
        new = refused(
            pool,
            zones=zones,
            zone=launch.zone,
            instance_types=refusal.instance_types,
            cause=refusal.cause,
            outages=snapshot.outages,
            now=snapshot.now_epoch_seconds,
        )
        found = remembered(found, new)
    after = replace(
        snapshot,
        refused=remembered(snapshot.refused, found),
        pools=tuple(_grown(one, pool, launch, answer.capacity) for one in snapshot.pools),
        granted={
            **snapshot.granted,
            pool.name: snapshot.granted.get(pool.name, 0) + answer.capacity,
        },
    )
    return after, found


def _grown(reading: PoolReading, pool: PoolSpec, launch: Launch, capacity: int) -> PoolReading:
    if reading.name != pool.name or not capacity:
        return reading
    booting = reading.booting_capacity
    return replace(
        reading,
        desired_capacity=reading.desired_capacity + capacity,
        booting_capacity=None if booting is None else booting + capacity,
        zones={**reading.zones, launch.zone: reading.zones.get(launch.zone, 0) + capacity},
    )


def _is_about(outage: Outage, pool: PoolSpec, zone: str) -> bool:
    return any(
        outage.covers(pool=pool.name, purchase=pool.purchase, zone=zone, instance_type=kind)
        for kind in pool.instance_types or (None,)
    )


def _against(before: Snapshot, plan: Plan, given: dict[tuple[str, str], int]) -> Plan:
    """Return *plan* with the sizes from before the tick, and with what was launched in it."""
    seen = {one.name: one.desired_capacity for one in before.pools}
    return replace(
        plan,
        pools=tuple(
            replace(
                told,
                seen_capacity=seen.get(told.name),
                launches=_launched(told.name, given),
            )
            for told in plan.pools
        ),
    )


def _launched(pool: str, given: dict[tuple[str, str], int]) -> tuple[Launch, ...]:
    return tuple(
        Launch(zone=zone, capacity=capacity)
        for (name, zone), capacity in given.items()
        if name == pool
    )
