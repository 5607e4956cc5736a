"""Observe: demand, baseline, groups and memory, as one snapshot."""

from __future__ import annotations

from dataclasses import replace

from peakfleet_handlers.aws import (
    Calls,
    Clients,
    Front,
    Launcher,
    read_pools,
    read_refused,
    read_series,
    read_spot_prices,
    read_traffic,
)
from peakfleet_handlers.state import Known
from peakfleet_planner import (
    FleetSpec,
    Memory,
    PoolReading,
    Snapshot,
    settled,
)
from peakfleet_planner.forecast import read_seconds
from peakfleet_planner.snapshot import standing_hold

FAST_CLOCK_SECONDS = 7200
"""So far ahead of its own time CloudWatch takes a value, such as a report of a fast clock."""


def observe(
    spec: FleetSpec,
    now_epoch_seconds: int,
    known: Known,
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
        front: What the fleet splits. Default: nothing, or it could not be read.
        clients: AWS.
        calls: Where failures are noted.
    """
    ids = {
        (signal.name, metric_id): f"s{i}_m{j}"
        for i, signal in enumerate(spec.signals)
        for j, metric_id in enumerate(signal.reads)
    }
    metrics = {
        ids[signal.name, metric_id]: metric
        for signal in spec.signals
        for metric_id, metric in signal.reads.items()
    }
    baseline_ids = {name: f"b{i}" for i, name in enumerate(spec.baseline.reads)}
    metrics |= {baseline_ids[name]: metric for name, metric in spec.baseline.reads.items()}
    limit_ids = {limit.name: f"d{i}" for i, limit in enumerate(spec.downstream)}
    metrics |= {limit_ids[limit.name]: limit.metric for limit in spec.downstream}
    series = read_series(
        metrics,
        now_epoch_seconds=now_epoch_seconds,
        history_seconds=read_seconds(spec),
        ahead_seconds=FAST_CLOCK_SECONDS if baseline_ids else 0,
        cloudwatch=clients.cloudwatch,
        calls=calls,
    )
    memory = known.memory

    def read() -> tuple[PoolReading, ...]:
        return read_pools(
            spec.pools, autoscaling=clients.autoscaling, calls=calls, halted=known.claim.halted
        )

    pools = read()
    held = standing_hold(memory, pools, now_epoch_seconds)
    if memory and memory.launches and not held and spec.mode == "active":
        memory = _asked_again(spec, now_epoch_seconds, memory, clients=clients, calls=calls)
        pools = read()  # they show what came
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
            signal.name: {
                metric_id: series[ids[signal.name, metric_id]] for metric_id in signal.reads
            }
            for signal in spec.signals
        },
        baseline={name: series[query_id] for name, query_id in baseline_ids.items()},
        downstream={name: series[query_id] for name, query_id in limit_ids.items()},
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
