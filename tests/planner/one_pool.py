"""A fleet of one pool, or two, and what is seen of its groups."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    Memory,
    Plan,
    PoolReading,
    PoolSpec,
    Reason,
    Snapshot,
)
from tests.planner.capacity import NOW, demand
from tests.planner.fleets import fleet

POOL = PoolSpec(name="g", group="asg", units_per_capacity=10, max_capacity=100)
SECOND = replace(POOL, name="h", group="asg-2")
FLEET = fleet(pools=(POOL,), baseline=FixedBaseline(units=0))
BOTH = fleet(pools=(POOL, SECOND), baseline=FixedBaseline(units=0))
capacities = st.integers(0, 100)


def reading(
    desired: int, serving: int | None = None, *, name: str = "g", **seen: object
) -> PoolReading:
    """Return a group of which so many serve and nothing boots."""
    known = {
        "in_service_capacity": desired if serving is None else serving,
        "booting_capacity": 0,
        "min_capacity": 0,
        "max_capacity": 100,
    }
    return PoolReading(name=name, desired_capacity=desired, **(known | seen))  # type: ignore[arg-type]  # any field


def asks(
    units: float, *pools: PoolReading, memory: Memory | None = None, now: int = NOW
) -> Snapshot:
    """Return a snapshot in which so much is asked for."""
    return replace(demand(units, pools, now=now), memory=memory or Memory())


def sizes(plan: Plan) -> list[int]:
    """Return what each pool is told."""
    return [pool.desired_capacity for pool in plan.pools]


def reasons(plan: Plan) -> tuple[Reason, ...]:
    """Return all that a plan says of itself."""
    return (plan.reason, *plan.limits)
