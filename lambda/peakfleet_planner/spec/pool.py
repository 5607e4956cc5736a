"""One pool of a fleet's specification, and the instances of it that wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from peakfleet_planner.codec import (
    MOST_QUANTITY,
    SpecError,
    check_above,
    check_at_least,
    check_at_most,
    check_named,
    check_within,
)

PurchaseOption = Literal["on-demand", "spot"]

MOST_CANARY_SHARE = 0.5
"""A pool that is to serve more belongs first in the ladder."""
MOST_HOLD_SECONDS: Final = 86_400.0
MOST_CAPACITY: Final = 1_000_000
"""No Auto Scaling group has so many points of capacity."""
MOST_BOOT_SECONDS: Final = 86_400.0


def hold_seconds(*, boot_seconds: float, cost_fraction: float) -> float:
    """Return for how long waiting costs no more than a boot; at most a day.

    Whoever waited for so long and was not needed has cost no more than twice what was
    unavoidable: the classical answer to renting or buying when the future is unknown.

    Args:
        boot_seconds: What a boot costs, at the full price.
        cost_fraction: What waiting costs, as share of that price.

    >>> hold_seconds(boot_seconds=180, cost_fraction=0.03)
    6000.0
    """
    if not cost_fraction:
        return MOST_HOLD_SECONDS
    return min(MOST_HOLD_SECONDS, boot_seconds / cost_fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmSpec:
    """Instances of a pool that have booted once and wait.

    Args:
        max_capacity: Most points of capacity that wait.
        min_capacity: Fewest. Equal to `max_capacity` for a warm pool of fixed size. Default: 0.
        start_seconds: From the start of a waiting instance to serving. Default: 60.
        state: How they wait: stopped, paying for their volumes alone, or running. Default: stopped.
        cost_fraction: What a waiting point costs, as share of one that serves. Default: 0.03.
        reuse: Whether what is let go waits, instead of ending, for as long as that costs no more
            than a boot. Then nothing boots only to wait, beyond `min_capacity`. Default: false.
    """

    max_capacity: int
    min_capacity: int = 0
    start_seconds: float = 60.0
    state: Literal["stopped", "running"] = "stopped"
    cost_fraction: float = 0.03
    reuse: bool = False

    def __post_init__(self) -> None:
        """Refuse a warm pool that cannot be."""
        check_at_least("warm pool", "max_capacity", self.max_capacity, 1)
        check_within("warm pool", "min_capacity", self.min_capacity, 0, self.max_capacity)
        check_at_least("warm pool", "start_seconds", self.start_seconds, 0)
        check_within("warm pool", "cost_fraction", self.cost_fraction, 0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """One Auto Scaling group: one chip, one purchase option.

    Args:
        name: Unique within the fleet.
        group: Name of the Auto Scaling group.
        units_per_capacity: Units that one point of desired capacity serves: one instance.
        max_capacity: Most points of desired capacity.
        min_capacity: Points that are always kept. Default: 0.
        boot_seconds: From the launch to serving. Default: 180.
        usd_per_capacity_hour: Price of one point for an hour. Default: unknown.
        most_usd_per_capacity_hour: Most that a point of Spot can cost: the On-Demand price of its
            dearest type. Given, spend limits count it at the price that is paid, which is read, and
            at this while that is not known. Default: they count it at `usd_per_capacity_hour`.
        instance_types: What may be launched. Default: not known, so that a refusal of capacity
            is about the whole pool.
        purchase: How it is bought. Default: on demand.
        launch: `direct`: with LaunchInstances, which answers at once; `desired`: by setting the
            desired capacity, which answers later. Default: desired.
        warm: Instances that wait. Default: none.
        drain_seconds: How long an instance that is told to leave may finish its work; one that
            takes longer is stuck. Default: 0, it leaves at once.
        canary_share: Share of the wanted units that it serves while demand bursts, before its
            turn, so that it can be compared with the others. Default: 0.
        chip: What does the work, for the comparison of chips. Default: not known.
        units_by_type: Units of one instance of each type, where they differ; what runs counts for
            its own type, and new instances for `units_per_capacity`. Default: they do not differ.
        retired: Whether the pool gets no new instances, and drains as soon as the others serve in
            its place. Default: false.
    """

    name: str
    group: str
    units_per_capacity: float
    max_capacity: int
    min_capacity: int = 0
    boot_seconds: float = 180.0
    usd_per_capacity_hour: float | None = None
    most_usd_per_capacity_hour: float | None = None
    instance_types: tuple[str, ...] = ()
    purchase: PurchaseOption = "on-demand"
    launch: Literal["direct", "desired"] = "desired"
    warm: WarmSpec | None = None
    drain_seconds: int = 0
    canary_share: float = 0.0
    chip: str | None = None
    units_by_type: Mapping[str, float] = field(default_factory=dict)
    retired: bool = False

    def __post_init__(self) -> None:
        """Refuse sizes that no group can have."""
        owner = f"pool '{self.name}'"
        check_named("pool", "name", self.name)
        check_named(owner, "group", self.group)
        check_above(owner, "units_per_capacity", self.units_per_capacity, 0)
        for kind, units in self.units_by_type.items():
            check_above(owner, f"units_by_type of {kind}", units, 0)
        check_at_least(owner, "max_capacity", self.max_capacity, 1)
        check_at_most(owner, "max_capacity", self.max_capacity, MOST_CAPACITY)
        check_at_most(owner, "units_per_capacity times max_capacity", self.max_units, MOST_QUANTITY)
        check_at_least(owner, "min_capacity", self.min_capacity, 0)
        check_within(owner, "boot_seconds", self.boot_seconds, 0, MOST_BOOT_SECONDS)
        if self.min_capacity > self.max_capacity:
            raise SpecError(
                f"{owner}: min_capacity must be at most max_capacity "
                f"{self.max_capacity}, got {self.min_capacity}"
            )
        for name in ("usd_per_capacity_hour", "most_usd_per_capacity_hour"):
            usd = getattr(self, name)
            if usd is not None:
                check_at_least(owner, name, usd, 0)
        check_within(owner, "drain_seconds", self.drain_seconds, 0, 172_800)
        check_within(owner, "canary_share", self.canary_share, 0, MOST_CANARY_SHARE)
        if self.warm and (self.purchase == "spot" or self.launch == "direct"):
            raise SpecError(
                f"{owner}: a warm pool needs purchase 'on-demand' and launch 'desired', got "
                f"'{self.purchase}' and '{self.launch}': nothing waits on Spot, and "
                f"LaunchInstances starts nothing that waits"
            )

    @property
    def dearest_usd_per_capacity_hour(self) -> float:
        """What a point costs at most, as far as is declared; 0 if nothing is."""
        return max(self.usd_per_capacity_hour or 0.0, self.most_usd_per_capacity_hour or 0.0)

    @property
    def known_usd_per_capacity_hour(self) -> float | None:
        """Price of one point for an hour; the most that it can be where only that is known."""
        usd = self.usd_per_capacity_hour
        return self.most_usd_per_capacity_hour if usd is None else usd

    @property
    def max_units(self) -> float:
        """Units of the pool at its maximum."""
        return self.max_capacity * self.units_per_capacity
