"""A policy that knows one group on a ladder of pools, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from peakfleet_planner import PoolSpec
from peakfleet_sim import Comparison, Decision, Demand, Queue, Run, Seen, World
from peakfleet_sim.replay import KINDS, choose
from peakfleet_sim.world import PoolScenario, Scenario

START = datetime(2026, 3, 1, 22, tzinfo=UTC)
WORLD = World(baseline_units=10, max_instances=60, units_per_instance=0.7)
QUEUE = Queue(seconds_per_item=60, deadline_seconds=600)
PEERS = [name for name in KINDS if name not in ("peakfleet", "optimum")]
NO_SPOT = Scenario(pools={"Spot": PoolScenario(available=np.array([0]))})


def demand(minutes: int, *, seed: int = 5) -> Demand:
    random = np.random.default_rng(seed)
    waves = 18 + 12 * np.sin(np.arange(minutes) / 30) + random.normal(0, 3, minutes)
    return Demand(name="test", start=START, units=np.maximum(0.0, waves))


def steady(*units: float, minutes: int = 60) -> Comparison:
    """Return demand in which each of *units* lasts so many minutes; an instance serves one."""
    values = np.repeat(np.array(units), minutes)
    made = Demand(name="steady", start=START, units=values)
    return Comparison(demand=made, world=World(max_instances=60))


def pool(name: str, *, units: float = 1, most: int = 60, least: int = 0) -> PoolSpec:
    return PoolSpec(
        name=name,
        group=name,
        units_per_capacity=units,
        min_capacity=least,
        max_capacity=most,
        usd_per_capacity_hour=1.0,
    )


LADDER = (pool("Spot"), pool("Sure"))


def on_ladder(
    name: str,
    comparison: Comparison,
    pools: tuple[PoolSpec, ...] = LADDER,
    scenario: Scenario | None = None,
    *,
    seed: int = 0,
) -> Run:
    return choose(name).run(comparison, pools=pools, scenario=scenario, seed=seed)


@dataclass
class Script:
    """A policy that wants a size from a minute on, and remembers what it was shown.

    Args:
        wants: By the minute from which it wants it; otherwise it keeps what it sees.
    """

    wants: dict[int, int]
    name: str = "script"
    least_instances: int = 0
    seen: list[Seen] = field(default_factory=list)

    def decide(self, seen: Seen) -> Decision:
        self.seen.append(seen._replace(metrics={n: v.copy() for n, v in seen.metrics.items()}))
        wanted = self.wants.get(seen.minute, seen.instances)
        return Decision(instances=wanted, explanation=f"wants {wanted}")
