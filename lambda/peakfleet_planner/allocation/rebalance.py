"""Rebalance: cheaper points for dearer ones, where the exchange pays for its boots."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from peakfleet_planner.allocation.fill import (
    besides_canaries,
    points_for,
    resized,
    total_units,
    whole_points,
)
from peakfleet_planner.allocation.price import ordered_prices
from peakfleet_planner.allocation.scale_in import shrink
from peakfleet_planner.pools import PoolHealth, PoolSize
from peakfleet_planner.snapshot import Snapshot

QUIET_SECONDS: Final = 1800
"""A pool that was refused or reclaimed from within this time is not moved to."""
MOST_QUIET_SECONDS: Final = 3600
"""A trouble is forgotten after about so long, so a pool without one has been quiet for longer."""
STEP_SHARE: Final = 0.25
"""Share of the dearer points that one tick exchanges at most, at least one of the cheaper pool."""
MOST_POINTS_EXCHANGED: Final = 12
"""Where no step of this share is cheaper, so many points of one pool are tried to go at once."""
_MOST_TICKS: Final = 100
"""Ticks of a bounded pace that an exchange is looked ahead for."""


def rebalanced(
    sizes: tuple[PoolSize, ...],
    health: Sequence[PoolHealth],
    snapshot: Snapshot,
    *,
    needed_units: float,
    keep_units: float,
    at_most_units: float,
    in_units: float,
    never: Collection[str] = (),
) -> tuple[PoolSize, ...]:
    """Return the pools after one of them grew in the place of dearer points.

    Those are let go afterwards, by the same rule as everything that is too much: so a pool grows
    by no number that this rule would not answer with a cheaper fleet. Each exchange makes the
    fleet cheaper, so exchanges come to an end. It costs the boot of the new points, which is paid
    while the old ones still serve; it earns the difference in price for as long as the new pool
    has been quiet, for what has been so is taken to stay so for as long again. What is busy will
    be let go when its work is done, and no other exchange begins before.

    Args:
        sizes: The pools as they would stay, were none of their points busy.
        health: How each is, in the same order.
        snapshot: What was seen.
        needed_units: What demand needs; what is only kept for a while is not moved to a cheaper
            pool.
        keep_units: More than this is let go.
        at_most_units: Most units that this tick may add.
        in_units: Most units that a later tick may let go.
        never: Pools that may not grow for this. Default: none.
    """
    free = [place for place, one in enumerate(sizes) if one.capacity > one.floor]
    if not free or any(_is_unsettled(one) for one in health):
        return sizes
    if shrink(sizes, keep_units) != sizes:
        return sizes
    equal = len({one.units_per_capacity for one in sizes}) == 1
    exchange = _Exchange(
        sizes=sizes,
        rest=besides_canaries(sizes, keep_units)[0],
        prices=ordered_prices(sizes),
        needed_units=needed_units,
        keep_units=keep_units,
        at_most_units=at_most_units,
        in_units=in_units,
        equal=equal,
    )
    best, best_gain = sizes, 0.0
    for place, one in enumerate(health):
        others = free[-1] > place if equal else free != [place]
        if not others or exchange.prices[place] is None or one.spec.name in never:
            continue
        quiet = quiet_seconds(one, snapshot)
        if quiet < QUIET_SECONDS:
            continue
        found, gain = exchange.best(place, one.spec.boot_seconds / quiet)
        if gain > best_gain * (1 + 1e-9):
            best, best_gain = found, gain
    return best


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """What can be exchanged for points of one pool."""

    sizes: tuple[PoolSize, ...]
    rest: tuple[PoolSize, ...]
    prices: tuple[float | None, ...]
    needed_units: float
    keep_units: float
    at_most_units: float
    in_units: float
    equal: bool

    def best(self, place: int, boot_share: float) -> tuple[tuple[PoolSize, ...], float]:
        """Return the pools with the growth of one that earns most, and what it earns in an hour.

        Args:
            place: Which pool may grow.
            boot_share: Its boot, as share of the time in which it has to pay.
        """
        best, best_gain = self.sizes, 0.0
        tried: set[int] = set()
        for points in self._steps(place):
            if points is None:
                if best_gain:
                    break
                continue
            if points in tried or not 0 < points <= self._room(place):
                continue
            tried.add(points)
            if self._most_gain(place, points, boot_share) <= best_gain:
                continue
            gain = self._gain(place, points, boot_share)
            if gain > best_gain * (1 + 1e-9):
                best, best_gain = self._grown(place, points), gain
        return best, best_gain

    def _steps(self, place: int) -> Iterator[int | None]:
        """Yield the points that a pool may grow by; None before those beyond the usual step."""
        own = self.rest[place]
        each = own.units_per_capacity
        below = sum(one.units for one in self.rest[: place + 1])
        needed = max(0.0, self.needed_units - below)
        above = sum(
            one.units
            for other, one in enumerate(self.rest)
            if other > place and self._is_free(other)
        )
        dear = min(above, needed)
        step = max(each, STEP_SHARE * dear)
        yield min(whole_points(step, each), points_for(dear, each), self._room(place))
        if self.equal:
            return
        excess = total_units(self.sizes) - self.keep_units
        for beyond in (False, True):
            for other, one in enumerate(self.rest):
                if other == place or not self._is_free(other):
                    continue
                most = min(one.capacity - one.floor, MOST_POINTS_EXCHANGED)
                usual = max(1, whole_points(step, one.units_per_capacity))
                limit = points_for(needed, each) if other > place else points_for(1e18, each)
                for gone in range(1, most + 1):
                    if (gone > usual) is beyond:
                        points = points_for(gone * one.units_per_capacity - excess, each)
                        yield min(points, limit)
            yield None

    def _room(self, place: int) -> int:
        size = self.sizes[place]
        return min(
            size.ceiling - size.capacity,
            whole_points(self.at_most_units, size.units_per_capacity),
        )

    def _is_free(self, place: int) -> bool:
        one = self.rest[place]
        return self.prices[place] is not None and one.capacity > one.floor

    def _grown(self, place: int, points: int) -> tuple[PoolSize, ...]:
        return tuple(
            resized(one, one.capacity + points) if here == place else one
            for here, one in enumerate(self.sizes)
        )

    def _most_gain(self, place: int, points: int, boot_share: float) -> float:
        """Return at least what an exchange can earn: as if points could be let go in parts."""
        left = points * self.sizes[place].units_per_capacity
        left += max(0.0, total_units(self.sizes) - self.keep_units)
        saved = 0.0
        for other, one in reversed(tuple(enumerate(self.rest))):  # the dearest by the unit first
            if other != place and (usd := self.prices[other]) is not None:
                gone = min(left, max(0, one.capacity - one.floor) * one.units_per_capacity)
                saved += gone * usd / one.units_per_capacity
                left -= gone
        return self._earned(saved, place, points, boot_share)

    def _gain(self, place: int, points: int, boot_share: float) -> float:
        """Return what an exchange earns, once all that it makes superfluous is let go."""
        after = self._grown(place, points)
        for _ in range(_MOST_TICKS):
            before, after = (
                after,
                shrink(after, self.keep_units, at_most_units=self.in_units),
            )
            if after == before:
                break
        saved = 0.0
        for was, now, usd in zip(self._grown(place, points), after, self.prices, strict=True):
            if usd is not None:
                saved += (was.capacity - now.capacity) * usd
            elif was.capacity != now.capacity:
                return 0.0
        return self._earned(saved, place, points, boot_share)

    def _earned(self, saved_usd: float, place: int, points: int, boot_share: float) -> float:
        return saved_usd - points * (self.prices[place] or 0.0) * (1 + boot_share)


def _is_unsettled(one: PoolHealth) -> bool:
    """Return whether something of a pool still boots, or is not what it should be."""
    reading = one.reading
    if reading is None or one.besides or one.unmet or one.foreign:
        return True
    return reading.in_service_capacity < reading.desired_capacity


def quiet_seconds(one: PoolHealth, snapshot: Snapshot) -> int:
    """Return for how long a pool was neither refused nor reclaimed from, an hour at most."""
    if one.available.cause is not None:
        return 0
    pool = one.spec
    troubles = (
        outage.asked_at_epoch_seconds
        for outage in snapshot.outages
        for kind in pool.instance_types or (None,)
        for zone in (one.reading.zones if one.reading else ()) or (None,)
        if outage.covers(pool=pool.name, purchase=pool.purchase, zone=zone, instance_type=kind)
    )
    quiet = snapshot.now_epoch_seconds - max(troubles, default=0)
    return min(max(0, quiet), MOST_QUIET_SECONDS)
