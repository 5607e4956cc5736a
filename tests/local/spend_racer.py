"""One fleet of a race for a shared spend limit: a process of its own, against the local table.

Its demand jumps about; each round it reads the limit, decides, and claims in the transaction in
which a tick claims. It prints the version and the sum of the claims of each record that it wrote,
and what it runs by then.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace

from peakfleet_handlers.aws import Calls, Clients, Deadline
from peakfleet_handlers.state import Claim, Recorded, StateTable, read_shared, shared_writes
from peakfleet_planner import (
    FleetSpec,
    Metric,
    MetricSeries,
    PoolReading,
    PoolSpec,
    RateSignal,
    Snapshot,
    SpendLimitSpec,
    decide,
)
from peakfleet_planner.allocation import spend_claims
from peakfleet_planner.spec import Priority
from peakfleet_table import NewestTick

TABLE, LIMIT, ROUNDS, BEGIN = "race", 20.0, 8, 1_800_000_000
PRIORITIES: tuple[Priority, ...] = ("live", "batch", "training")
METRIC = Metric(namespace="Live", metric_name="Streams")
SPEC = FleetSpec(
    fleet="Race",
    pools=(
        PoolSpec(
            name="p0",
            group="g",
            units_per_capacity=10,
            max_capacity=100,
            usd_per_capacity_hour=1.0,
        ),
    ),
    signals=(RateSignal(name="streams", metrics={"m": METRIC}, expression="m"),),
    state_table=TABLE,
)


def race(name: str) -> None:
    draw = random.Random(name)
    limit = SpendLimitSpec(shared="race", usd_per_hour=LIMIT, priority=draw.choice(PRIORITIES))
    spec = replace(SPEC, fleet=name, spend_limits=(limit,))
    calls = Calls(deadline=Deadline.of(None))
    table = StateTable.of(TABLE, name, Clients(), calls)
    runs = 0
    for now in range(BEGIN, BEGIN + 60 * ROUNDS, 60):
        seen = PoolReading(
            name="p0",
            desired_capacity=runs,
            in_service_capacity=runs,
            min_capacity=0,
            max_capacity=100,
        )
        demand = 10.0 * draw.choice([0.0, 3.0, 9.0, 20.0])
        points = tuple((now - 60 * ago, demand) for ago in range(20, 0, -1))
        snapshot = Snapshot(
            now_epoch_seconds=now,
            signals={"streams": {"m": MetricSeries(points=points)}},
            pools=(seen,),
            shared_spend=read_shared(spec.spend_limits, table),
        )
        plan = decide(spec, snapshot)
        claims = spend_claims(spec, snapshot, plan.spend)
        claim = Claim(leaves=NewestTick(tick=now), is_sure=False)
        if claim.take(table, shared=shared_writes(claims)) is not Recorded.WRITTEN:
            continue
        runs = plan.pools[0].desired_capacity
        for one in claims.values():
            total = sum(each.usd_per_hour for each in one.claims.values())
            sys.stdout.write(f"{one.version} {total} {runs} {one.claims[name].usd_per_hour}\n")


if __name__ == "__main__":
    race(sys.argv[1])
