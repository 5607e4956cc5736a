"""What growth of pools may cost under the limits of a fleet.

A limit stops growth above the floor. It never ends what runs, so that a fleet which costs more than
it may, as after a limit was lowered, lets go only of what demand lets go of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from peakfleet_planner.allocation.fill import resized, whole_points
from peakfleet_planner.allocation.price import PaidPrice, paid_price
from peakfleet_planner.plan import SpendView
from peakfleet_planner.pools import PoolHealth, PoolSize
from peakfleet_planner.reasons import Reason
from peakfleet_planner.snapshot import SharedSpend, Snapshot, Spent
from peakfleet_planner.spec import FleetSpec
from peakfleet_planner.spend_limits import SpendBound, Spender


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the fleet costs, and may cost, in dollars an hour.

    Args:
        running: What runs, boots, drains or waits.
        bounds: What each limit allows.
        spent: What was spent this month, up to now.
        overridden_by: Whoever has lifted the limits. Default: nobody.
        prices: What each pool costs, by its name.
        claimed: What this tick has claimed of shared limits already. Default: no bound.
    """

    running: float
    bounds: tuple[SpendBound, ...]
    spent: Spent
    prices: Mapping[str, PaidPrice]
    overridden_by: str | None = None
    claimed: float = inf

    @property
    def left(self) -> float:
        """What growth may cost."""
        if self.overridden_by is not None:
            return inf
        return max(0.0, min(self.claimed, *(one.allowed for one in self.bounds)) - self.running)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What somebody should know, whether or not anything was refused."""
        if self.overridden_by is not None:
            return (Reason.SPEND_OVERRIDDEN,)
        said = {
            Reason.SPEND_ASSUMED: any(one.is_assumed for one in self.bounds),
            Reason.SPOT_PRICE_UNKNOWN: any(one.is_read is False for one in self.prices.values()),
        }
        return tuple(reason for reason, holds in said.items() if holds)

    def afford(self, before: Sequence[PoolSize], after: Sequence[PoolSize]) -> tuple[PoolSize, ...]:
        """Return *after* without the growth that costs too much.

        Growth is paid for in order, first pool to last, and ends with the first point that is too
        dear: so a higher limit never grants less of any pool.

        >>> a = PoolSize(name="a", units_per_capacity=1, capacity=1, floor=0, ceiling=9)
        >>> budget = Budget(
        ...     running=2,
        ...     bounds=(SpendBound(words="", allowed=7, of=7, used=0),),
        ...     spent=Spent(month_epoch_seconds=0, usd=0, at_epoch_seconds=0),
        ...     prices={"a": PaidPrice(running=2, new=2)},
        ... )
        >>> [one.capacity for one in budget.afford((a,), (resized(a, 6),))]
        [3]
        """
        left, ended, sizes = self.left, False, []
        for was, size in zip(before, after, strict=True):
            more = size.capacity - was.capacity
            price = self.prices[size.name].new
            if more > 0 and (price or ended):
                points = 0 if ended else min(more, whole_points(left, price))
                ended, left = points < more, left - points * price
                size = resized(size, was.capacity + points)  # noqa: PLW2901  what is affordable of it
            sizes.append(size)
        return tuple(sizes)

    def view(
        self, before: Sequence[PoolSize], wanted: Sequence[PoolSize], granted: Sequence[PoolSize]
    ) -> SpendView:
        """Return what a decision says of it.

        Args:
            before: The pools as they are.
            wanted: As they would be without a limit.
            granted: As they will be.
        """
        now = self.running + self._growth_usd(before, granted)
        tightest = min(self.bounds, key=lambda one: one.allowed)
        fullest = max(self.bounds, key=lambda one: one.share(now))
        missing = zip(wanted, granted, strict=True)
        return SpendView(
            usd_per_hour=now,
            allowed_usd_per_hour=max(0.0, tightest.allowed),
            wanted_usd_per_hour=max(now, self.running + self._growth_usd(before, wanted)),
            refused_units=sum(max(0.0, one.units - got.units) for one, got in missing),
            used_share=fullest.share(now),
            limit=tightest.words,
            spent_usd=self.spent.usd if any(one.by_month for one in self.bounds) else None,
            overridden_by=self.overridden_by,
            spot_usd={name: one.new for name, one in self.prices.items() if one.is_read},
        )

    def _growth_usd(self, before: Sequence[PoolSize], after: Sequence[PoolSize]) -> float:
        return sum(
            max(0, size.capacity - was.capacity) * self.prices[size.name].new
            for was, size in zip(before, after, strict=True)
        )


def budget_of(spec: FleetSpec, snapshot: Snapshot, health: Sequence[PoolHealth]) -> Budget | None:
    """Return what the fleet may cost; None if nothing limits it.

    Args:
        spec: The fleet.
        snapshot: What was seen.
        health: How each pool is.
    """
    if not spec.spend_limits:
        return None
    prices = {
        one.spec.name: paid_price(one.spec, snapshot, one.reading.types if one.reading else {})
        for one in health
    }
    running = sum(_points(one) * prices[one.spec.name].running for one in health)
    floor = sum(one.spec.min_capacity * prices[one.spec.name].new for one in health)
    spender = _spender(spec, snapshot)
    spent = spender.spent(snapshot.recalled.spent, running=running)
    override = snapshot.recalled.spend_override
    stands = override and override.stands(snapshot.now_epoch_seconds)
    claimed = snapshot.claimed_usd_per_hour
    return Budget(
        running=running,
        bounds=spender.bounds(spent, running=running, floor=floor),
        spent=spent,
        prices=prices,
        overridden_by=override.owner if override and stands else None,
        claimed=inf if claimed is None else claimed,
    )


def frozen_spend(
    spec: FleetSpec, snapshot: Snapshot, health: Sequence[PoolHealth]
) -> SpendView | None:
    """Return what a fleet that is left as it is costs; None if nothing limits that."""
    sizes, budget = tuple(one.size for one in health), budget_of(spec, snapshot, health)
    return budget.view(sizes, sizes, sizes) if budget else None


def spent_after(spec: FleetSpec, snapshot: Snapshot, view: SpendView | None) -> Spent | None:
    """Return what to remember of the month's spend after a decision; None without a limit.

    Args:
        spec: The fleet.
        snapshot: What the decision was made from.
        view: What it says of its spend.
    """
    if view is None:
        return None
    spent = _spender(spec, snapshot).spent(snapshot.recalled.spent, running=0.0)
    return replace(spent, usd_per_hour=view.usd_per_hour)


def spend_claims(
    spec: FleetSpec, snapshot: Snapshot, view: SpendView | None
) -> dict[str, SharedSpend]:
    """Return the shared limits as a decision would have them, by name; those that change only.

    Args:
        spec: The fleet.
        snapshot: What the decision was made from.
        view: What it says of its spend.
    """
    if view is None:
        return {}
    return _spender(spec, snapshot).claims(
        view.usd_per_hour, wanted_usd_per_hour=view.wanted_usd_per_hour
    )


def _points(one: PoolHealth) -> float:
    """Return what costs money: a point that waits counts for what waiting costs."""
    points: float = max(one.size.capacity, one.size.floor) + one.besides
    if one.reading:
        points += one.reading.leaving_capacity
        if one.spec.warm:
            points += one.spec.warm.cost_fraction * one.reading.warm_capacity
    return points


def _spender(spec: FleetSpec, snapshot: Snapshot) -> Spender:
    return Spender(
        name=spec.fleet,
        limits=spec.spend_limits,
        now_epoch_seconds=snapshot.now_epoch_seconds,
        shared=snapshot.shared_spend,
    )
