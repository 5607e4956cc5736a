"""What growth may cost: limits of the hour and of the month, the fleet's own and shared ones.

A limit stops growth above the floor. It never ends what runs, so that a fleet which costs more than
it may, as after a limit was lowered, lets go only of what demand lets go of.

A month's limit becomes one of the hour: whatever runs must be paid for as long as it may be needed,
for which a day is reserved, and the floor until the end of the month. So a month is not exceeded as
long as no demand holds the same capacity for more than a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from peakfleet_planner.allocation.fill import ROUNDING, resized, whole_points
from peakfleet_planner.allocation.price import PaidPrice, paid_price
from peakfleet_planner.plan import Reason, SpendView
from peakfleet_planner.pools import PoolHealth, PoolSize
from peakfleet_planner.snapshot import (
    WANT_KEPT_SECONDS,
    SharedSpend,
    Snapshot,
    SpendClaim,
    Spent,
    month_of,
)
from peakfleet_planner.spec import DAY_SECONDS, PRIORITIES, FleetSpec, SpendLimitSpec

RESERVED_SECONDS: Final = DAY_SECONDS
"""What is granted must be paid for so long, from what a month's limit leaves."""
_HOUR: Final = 3600
_LAST_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """What one limit allows, in dollars an hour, and how much of it others or the past have used.

    A month's limit is used by what was spent, an hour's by what runs; so `used` is the first in
    dollars, or what others have claimed in dollars an hour.
    """

    words: str
    allowed: float
    of: float
    used: float
    by_month: bool = False
    is_assumed: bool = False

    def share(self, usd_per_hour: float) -> float:
        used = self.used if self.by_month else self.used + usd_per_hour
        return used / self.of if self.of else 1.0


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
    bounds: tuple[_Bound, ...]
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
        ...     running=2, bounds=(_Bound(words="", allowed=7, of=7, used=0),), spent=_NOTHING,
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


_NOTHING: Final = Spent(month_epoch_seconds=0, usd=0.0, at_epoch_seconds=0)


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
    spent = _spent(spec, snapshot, running)
    bounds = tuple(
        bound
        for limit in spec.spend_limits
        for bound in _bounds(spec, snapshot, limit, spent, running=running, floor=floor)
    )
    override = snapshot.recalled.spend_override
    stands = override and snapshot.now_epoch_seconds < override.until_epoch_seconds
    claimed = snapshot.claimed_usd_per_hour
    return Budget(
        running=running,
        bounds=bounds,
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
    return replace(_spent(spec, snapshot, 0.0), usd_per_hour=view.usd_per_hour)


def spend_claims(
    spec: FleetSpec, snapshot: Snapshot, view: SpendView | None
) -> dict[str, SharedSpend]:
    """Return the shared limits as a decision would have them, by name; those that change only.

    Args:
        spec: The fleet.
        snapshot: What the decision was made from.
        view: What it says of its spend.
    """
    now, changed = snapshot.now_epoch_seconds, {}
    for limit in spec.spend_limits:
        shared = snapshot.shared_spend.get(limit.shared or "")
        if view is None or limit.shared is None or shared is None:
            continue
        before = shared.claims.get(spec.fleet)
        if before and before.tick > now:  # a later tick has claimed
            continue
        spent = before.spent.until(now) if before else _NOTHING.until(now)
        claim = SpendClaim(
            priority=limit.priority,
            spent=replace(spent, usd_per_hour=view.usd_per_hour),
            wanted_usd_per_hour=view.wanted_usd_per_hour,
        )
        if before and not _is_news(before, claim):
            continue
        claims = {name: one for name, one in shared.claims.items() if _matters(one, now)}
        changed[limit.shared] = SharedSpend(
            claims={**claims, spec.fleet: claim},
            version=shared.version + 1,
            since_epoch_seconds=now
            if shared.since_epoch_seconds is None
            else shared.since_epoch_seconds,
            unknown_usd=_at_its_pace(limit, now)
            if shared.since_epoch_seconds is None
            else shared.unknown_usd,
        )
    return changed


def rebuilt_spend(spec: FleetSpec, changes: Sequence[tuple[int, float]], now: int) -> Spent | None:
    """Return what was spent this month by what was decided in it; None if nothing is known.

    Up to the first decision that is known, the limit's own pace is assumed.

    Args:
        spec: The fleet.
        changes: When each decision was made, in epoch seconds, and what the fleet cost from then
            on, in dollars an hour, oldest first.
        now: Epoch seconds.
    """
    month, _ = month_of(now)
    if not changes:
        return None
    first = max(month, changes[0][0])
    spent = Spent(
        month_epoch_seconds=month,
        usd=_assumed_usd(spec, first),
        at_epoch_seconds=first,
        is_assumed=first > month,
    )
    for at, pace in changes:
        spent = replace(spent.until(at) if at > first else spent, usd_per_hour=pace)
    return spent.until(now)


def _points(one: PoolHealth) -> float:
    """Return what costs money: a point that waits counts for what waiting costs."""
    points: float = max(one.size.capacity, one.size.floor) + one.besides
    if one.reading:
        points += one.reading.leaving_capacity
        if one.spec.warm:
            points += one.spec.warm.cost_fraction * one.reading.warm_capacity
    return points


def _spent(spec: FleetSpec, snapshot: Snapshot, running: float) -> Spent:
    now = snapshot.now_epoch_seconds
    known = snapshot.recalled.spent
    if known is not None and known.at_epoch_seconds <= now:
        return known.until(now, at_least_usd_per_hour=running)
    if known is not None:  # a later tick has counted already
        return known
    return Spent(
        month_epoch_seconds=month_of(now)[0],
        usd=_assumed_usd(spec, now),
        at_epoch_seconds=now,
        usd_per_hour=running,
        is_assumed=True,
    )


def _assumed_usd(spec: FleetSpec, now: int) -> float:
    return sum(_at_its_pace(one, now) for one in spec.spend_limits if one.shared is None)


def _at_its_pace(limit: SpendLimitSpec, now: int) -> float:
    """Return what is spent of a limit by now, if it is spent evenly over the month."""
    begin, end = month_of(now)
    return (limit.usd_per_month or 0.0) * (now - begin) / (end - begin)


def _bounds(
    spec: FleetSpec,
    snapshot: Snapshot,
    limit: SpendLimitSpec,
    spent: Spent,
    *,
    running: float,
    floor: float,
) -> Iterator[_Bound]:
    now, name = snapshot.now_epoch_seconds, limit.shared
    words = "its own limit" if name is None else f"the limit '{name}'"
    others: dict[str, SpendClaim] = {}
    spent_usd, is_assumed, shut = spent.usd, spent.is_assumed, False
    if name is not None:
        shared = snapshot.shared_spend.get(name)
        shut = shared is None or shared.is_gathering(now)
        shared = shared or SharedSpend()
        spent_usd, is_assumed = shared.spent_usd(now), shared.is_assumed(now)
        others = {
            fleet: one
            for fleet, one in shared.claims.items()
            if fleet != spec.fleet and shared.stands(fleet, now)
        }
    taken = sum(one.usd_per_hour for one in others.values())
    before = sum(
        max(0.0, one.wanted_usd_per_hour - one.usd_per_hour)
        for one in others.values()
        if _is_before(one, limit) and now - one.tick < WANT_KEPT_SECONDS
    )
    if limit.usd_per_hour is not None:
        yield _Bound(
            words=f"{words} of {limit.usd_per_hour:g} USD an hour",
            allowed=running if shut else limit.usd_per_hour - taken - before,
            of=limit.usd_per_hour,
            used=taken,
        )
    if limit.usd_per_month is not None:
        rest = max(_LAST_SECONDS, month_of(now)[1] - now) / _HOUR
        left = limit.usd_per_month - spent_usd - floor * rest
        pace = floor + left / min(rest, RESERVED_SECONDS / _HOUR)
        yield _Bound(
            words=f"{words} of {limit.usd_per_month:g} USD a month",
            allowed=running if shut else pace - taken - before,
            of=limit.usd_per_month,
            used=spent_usd,
            by_month=True,
            is_assumed=is_assumed,
        )


def _is_before(one: SpendClaim, limit: SpendLimitSpec) -> bool:
    return PRIORITIES.index(one.priority) < PRIORITIES.index(limit.priority)


def _is_news(before: SpendClaim, claim: SpendClaim) -> bool:
    """Whether others should know: it costs a write, so what is as before waits for a while."""
    waited = claim.tick - before.tick
    wants = claim.wanted_usd_per_hour > claim.usd_per_hour * (1 + ROUNDING)
    return (
        abs(claim.usd_per_hour - before.usd_per_hour) > ROUNDING
        or abs(claim.wanted_usd_per_hour - before.wanted_usd_per_hour) > ROUNDING
        or claim.priority != before.priority
        or waited >= (WANT_KEPT_SECONDS // 3 if wants else 20 * 60)
    )


def _matters(claim: SpendClaim, now: int) -> bool:
    """Whether a claim still stands, or was spent in this month."""
    return now - claim.tick < 2 * RESERVED_SECONDS or claim.tick >= month_of(now)[0]
