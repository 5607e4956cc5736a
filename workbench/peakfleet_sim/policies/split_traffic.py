"""What splits a replayed fleet's traffic: weights as they were set, and when they act."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Any

from peakfleet_planner import FleetSpec, Heights, Plan, Snapshot, TrafficReading
from peakfleet_planner.pool_plan import MOST_WEIGHT, Split, late_weights, wanted_split
from peakfleet_sim.world import SECONDS_PER_MINUTE, Pools


@dataclass(slots=True, kw_only=True)
class SplitTraffic:
    """Weights of the baseline's sites and of the fleet, minute by minute.

    A balancer's weights act at once. Of a name's records each answer is kept for its time to live,
    and clients have resolved it at any time: the share that acts is the mean over that time.

    Args:
        spec: The fleet; something splits its traffic. All of its sites are taken to be healthy.
    """

    spec: FleetSpec
    split: Split = field(init=False)
    _weights: list[int] = field(init=False, default_factory=lambda: [0])
    _late: Heights = field(init=False, default=())
    _weightless_since: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Begin with all traffic on the company's side."""
        sides = self.spec.split.sides if self.spec.split else {}
        self.split = wanted_split(0, dict.fromkeys(sides, 1.0))

    @property
    def cloud_share(self) -> float:
        """Share of the traffic that the fleet gets now."""
        late = self.spec.split.acts_after_seconds if self.spec.split else 0
        acting = self._weights[-1 - ceil(late / SECONDS_PER_MINUTE) :]
        return sum(acting) / len(acting) / MOST_WEIGHT

    @property
    def remembered(self) -> dict[str, Any]:
        """Return what the state table keeps of it."""
        return {"weights": self._late, "weightless_since": self._weightless_since}

    def reading(self, pools: Pools) -> TrafficReading:
        """Return what a tick reads."""
        return TrafficReading(
            cloud_weight=self.split.cloud,
            site_weights=self.split.sites,
            cloud_healthy=int(pools.ready),
            sites_healthy=dict.fromkeys(self.split.sites, 1),
        )

    def follow(self, snapshot: Snapshot, plan: Plan) -> None:
        """Set the weights that were decided."""
        self._late = late_weights(self.spec, snapshot)
        if self.split.cloud:
            self._weightless_since = None
        elif self._weightless_since is None:
            self._weightless_since = snapshot.now_epoch_seconds
        if plan.cloud_weight is not None:
            self.split = Split(cloud=plan.cloud_weight, sites=plan.site_weights)
        self._weights.append(self.split.cloud)
