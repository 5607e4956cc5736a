"""Efficiency that is measured: what each chip does for its money, against x86."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aws_cdk import aws_ec2 as ec2

from peakfleet._values import known_number
from peakfleet.pools.capacity_pool import CapacityPool
from peakfleet_chips import find_type
from peakfleet_planner import EfficiencySpec, SpecError

WORK_NAMESPACE = "PeakFleet/Workers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """Whether measured units change what a fleet plans with.

    Use `shown` or `within`.

    Args:
        at_most_change: How far from what was declared, as share of it. None: not at all.
    """

    at_most_change: float | None

    @classmethod
    def shown(cls) -> Feedback:
        """Only show what was measured: `peakfleet efficiency` says it, plans do not change."""
        return cls(at_most_change=None)

    @classmethod
    def within(cls, share: float) -> Feedback:
        """Plan with measured units, as far as *share* of the declared ones, at most 0.5.

        Only where the measurement contradicts what was declared. Each plan says so.

        Args:
            share: For example 0.2: a pool of 16 declared units counts for 12.8 to 19.2.
        """
        known_number("feedback", "share", share)
        return cls(at_most_change=share)


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyLedger:
    """A fleet's books: useful units, capacity-hours and dollars of each pool, day by day.

    Given to a fleet, it defines a function that runs once a day and keeps its records in the
    state table for 400 days. `peakfleet efficiency` shows them.

    Args:
        baseline_pool: Name of the x86 pool that the others are compared with. Default: the only
            x86 pool; of several the one with a canary share, else the first on demand.
        feedback: Whether measured units change plans. Default: `Feedback.shown()`.
        namespace: Where the instances publish. Default: `PeakFleet/Workers/` and the name of the
            fleet: a permission to publish is bound to a namespace at best.

    Limitations:
        Instances must publish `UsefulUnits`, the units that they serve, and `BusyShare`, from 0
        to 1, every minute, with the dimensions `Fleet` and `Pool`. An instance finds its pool in
        its metadata, as the tag `peakfleet:pool`. Without `BusyShare` nothing is compared: a
        machine that is not busy shows what was asked of it, not what it can do.
    """

    baseline_pool: str | None = None
    feedback: Feedback = field(default_factory=Feedback.shown)
    namespace: str | None = None

    def namespace_of(self, fleet: str) -> str:
        """Return where the instances of a fleet publish."""
        return self.namespace or f"{WORK_NAMESPACE}/{fleet}"

    def to_planner(self, pools: Sequence[CapacityPool], *, fleet: str) -> EfficiencySpec:
        """Return what the schedule sends of it.

        Args:
            pools: The fleet's.
            fleet: Name of the fleet.

        Raises:
            SpecError: There is no x86 pool to compare with, or the feedback has no bounds.
        """
        x86 = [pool for pool in pools if _is_x86(pool)]
        named = [pool for pool in x86 if pool.name == self.baseline_pool]
        candidates = x86 if self.baseline_pool is None else named
        if not candidates:
            among = ", ".join(pool.name for pool in x86) or "none"
            raise SpecError(
                f"efficiency: an x86 pool is needed to compare the others with, such as "
                f"CapacityPool.x86(..., canary_share=0.05); asked for "
                f"{self.baseline_pool or 'any'}, x86 pools: {among}"
            )
        best = min(candidates, key=lambda pool: (not pool.canary_share, pool.purchase.is_spot))
        return EfficiencySpec(
            baseline_pool=best.name,
            namespace=self.namespace_of(fleet),
            at_most_change=self.feedback.at_most_change,
        )


def _is_x86(pool: CapacityPool) -> bool:
    """Return whether the processors do the work, and are x86."""
    kinds = [kind for name in pool.instance_types if (kind := find_type(name))]
    accelerated = any(kind.devices for kind in kinds)
    return pool.architecture == ec2.InstanceArchitecture.X86_64 and not accelerated
