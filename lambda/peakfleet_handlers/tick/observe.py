"""Observe: metrics, groups and memory, as one snapshot."""

from __future__ import annotations

from dataclasses import replace

from peakfleet_handlers.aws import (
    Calls,
    Clients,
    Front,
    Launcher,
    read_pools,
    read_refused,
    read_spot_prices,
    read_traffic,
)
from peakfleet_handlers.state import Known
from peakfleet_handlers.tick.metric_reads import MetricReads
from peakfleet_planner import (
    FleetSpec,
    Memory,
    PoolReading,
    Snapshot,
    settled,
)
from peakfleet_planner.snapshot import standing_hold


def observe(
    spec: FleetSpec,
    now_epoch_seconds: int,
    known: Known,
    read: MetricReads,
    *,
    front: Front | None = None,
    clients: Clients,
    calls: Calls,
) -> Snapshot:
    """Return all that the decision may know. What cannot be read is marked, never raised.

    Args:
        spec: The fleet.
        now_epoch_seconds: The tick's time.
        known: What is remembered, which was read first.
        read: The metrics, see `read_metrics`.
        front: What the fleet splits. Default: nothing, or it could not be read.
        clients: AWS.
        calls: Where failures are noted.
    """
    metrics, series = read.metrics, read.series
    memory = known.memory

    def read_groups() -> tuple[PoolReading, ...]:
        return read_pools(
            spec.pools, autoscaling=clients.autoscaling, calls=calls, halted=known.claim.halted
        )

    pools = read_groups()
    held = standing_hold(memory, pools, now_epoch_seconds)
    if memory and memory.launches and not held and spec.mode == "active":
        memory = _asked_again(spec, now_epoch_seconds, memory, clients=clients, calls=calls)
        pools = read_groups()  # they show what came
    if memory:
        prices = read_spot_prices(
            spec,
            pools,
            memory.spot_prices,
            now_epoch_seconds=now_epoch_seconds,
            clients=clients,
            calls=calls,
        )
        memory = replace(memory, spot_prices=prices)
        pools = tuple(settled(pool, memory, now_epoch_seconds) for pool in pools)
    return Snapshot(
        now_epoch_seconds=now_epoch_seconds,
        signals={
            name: {metric_id: series[query_id] for metric_id, query_id in ids.items()}
            for name, ids in metrics.signals.items()
        },
        baseline={name: series[query_id] for name, query_id in metrics.baseline.items()},
        downstream={name: series[query_id] for name, query_id in metrics.downstream.items()},
        traffic=None
        if spec.split is None
        else read_traffic(front, pools, clients=clients, calls=calls),
        pools=pools,
        memory=memory,
        refused=read_refused(
            spec.pools,
            pools,
            memory,
            now_epoch_seconds=now_epoch_seconds,
            autoscaling=clients.autoscaling,
            calls=calls,
        ),
    )


def _asked_again(
    spec: FleetSpec, now_epoch_seconds: int, memory: Memory, *, clients: Clients, calls: Calls
) -> Memory:
    """Return *memory* with the requests that have no answer yet, without what never came."""
    launcher = Launcher(
        fleet=spec.fleet, tick=now_epoch_seconds, autoscaling=clients.autoscaling, calls=calls
    )
    pools, desired = {pool.name: pool for pool in spec.pools}, dict(memory.desired)
    for one in memory.launches:
        came = launcher.ask_again(pools[one.pool], one).capacity if one.pool in pools else 0
        if one.pool in desired:
            desired[one.pool] = max(0, desired[one.pool] - one.capacity + came)
    return replace(memory, desired=desired, launches=tuple(launcher.open))
