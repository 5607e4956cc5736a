"""From what the pools should supply to the size of each: grow, let go, or exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from peakfleet_planner.allocation.fill import (
    bounded,
    canary_points,
    falls_short,
    grow,
    resized,
    total_units,
)
from peakfleet_planner.allocation.price import too_dear
from peakfleet_planner.allocation.rebalance import QUIET_SECONDS, quiet_seconds, rebalanced
from peakfleet_planner.allocation.scale_in import shrink
from peakfleet_planner.allocation.spend import Budget, budget_of
from peakfleet_planner.plan import SpendView
from peakfleet_planner.pools import PoolHealth, PoolSize
from peakfleet_planner.reasons import Reason
from peakfleet_planner.requirement import Need
from peakfleet_planner.snapshot import Growth, OutageCause, Snapshot
from peakfleet_planner.spec import FleetSpec

PACE_SECONDS: Final = 60
"""A fleet's pace is meant for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """The ladder as the decision changes it, and why.

    Args:
        sizes: The ladder.
        reasons: What set it, the most important first.
        spend: What it costs and may cost. Default: nothing limits that.
    """

    sizes: tuple[PoolSize, ...]
    reasons: tuple[Reason, ...]
    spend: SpendView | None = None


@dataclass(slots=True, kw_only=True)
class _Ladder:
    """The pools of one decision, with what its pace leaves, and which of them are too dear."""

    need: Need
    health: Sequence[PoolHealth]
    sizes: tuple[PoolSize, ...]
    out_units: float
    in_units: float
    dear: frozenset[str]
    lacks_pools: bool
    budget: Budget | None = None
    reasons: list[Reason] = field(default_factory=list)

    def sized(self, sizes: tuple[PoolSize, ...], fallback: Reason) -> Sizing:
        also = {
            Reason.AT_RISK: any(one.notices for one in self.health),
            Reason.OTHER_WRITER: any(one.foreign for one in self.health),
            Reason.CAPACITY_MISSING: any(
                one.available.cause is OutageCause.MISSING for one in self.health
            ),
            Reason.PROCESS_SUSPENDED: any(one.is_hindered for one in self.health),
            Reason.CANARY: any(canary_points(size, self.need.grow_to) for size in sizes),
        }
        known = [Reason.KNOWN_PEAK] if self.need.known_peak else []
        reasons = [*self.reasons, *known] or [fallback]
        spending = self.budget.reasons if self.budget else ()
        return Sizing(
            sizes=sizes,
            reasons=(*reasons, *(reason for reason, holds in also.items() if holds), *spending),
            spend=self.budget.view(self.sizes, sizes, sizes) if self.budget else None,
        )

    def afforded(self, wanted: tuple[PoolSize, ...], fallback: Reason) -> Sizing:
        """Return the ladder with as much of its growth as a spend limit allows."""
        if self.budget is None:
            return self.sized(wanted, fallback)
        granted = self.budget.afford(self.sizes, wanted)
        if granted != wanted:
            self.reasons.insert(0, Reason.SPEND_LIMIT)
        spend = self.budget.view(self.sizes, wanted, granted)
        return replace(self.sized(granted, fallback), spend=spend)


def size(
    spec: FleetSpec,
    snapshot: Snapshot,
    need: Need,
    health: Sequence[PoolHealth],
    doubts: Sequence[Reason],
    *,
    serving_units: float,
) -> Sizing:
    """Return the size of each pool.

    Args:
        spec: The fleet.
        snapshot: What was seen.
        need: What the pools should supply.
        health: How each pool is.
        doubts: Why nothing may be let go; empty if it may.
        serving_units: What the pools supplied when observed.
    """
    ladder = _Ladder(
        need=need,
        health=health,
        sizes=bounded(tuple(one.size for one in health)),
        out_units=max(0.0, spec.pace.out_units - _added_units(spec, snapshot)),
        in_units=max(0.0, spec.pace.in_units - _removed_units(spec, snapshot)),
        lacks_pools=len(health) < len(spec.pools),
        dear=frozenset() if need.known_peak else too_dear(spec, health),
        budget=budget_of(spec, snapshot, health),
    )
    holds_dear = bool(doubts) or not _can_rely_on_cheap(ladder, snapshot)
    if falls_short(ladder.sizes, need.grow_to):
        grown = _grown(ladder)
        return grown if holds_dear else _without_dear(ladder, grown, serving_units=serving_units)
    if doubts:
        ladder.reasons.extend(doubts)
        return ladder.sized(ladder.sizes, Reason.DEMAND)
    sizing = _shrunk(ladder, serving_units=serving_units)
    if not holds_dear:
        sizing = _without_dear(ladder, sizing, serving_units=serving_units)
    if sizing.sizes != ladder.sizes:
        return sizing
    idle = _were_none_busy(ladder)
    elsewhere = rebalanced(
        idle,
        health,
        snapshot,
        needed_units=need.grow_to,
        keep_units=need.keep,
        at_most_units=ladder.out_units,
        in_units=spec.pace.in_units,
        never=ladder.dear,
    )
    if elsewhere == idle or (ladder.budget and ladder.budget.afford(idle, elsewhere) != elsewhere):
        return sizing
    sizes = tuple(
        resized(was, one.capacity) for was, one in zip(ladder.sizes, elsewhere, strict=True)
    )
    spend = ladder.budget.view(ladder.sizes, sizes, sizes) if ladder.budget else None
    return replace(sizing, sizes=sizes, reasons=(Reason.MOVING, *sizing.reasons), spend=spend)


def _were_none_busy(ladder: _Ladder) -> tuple[PoolSize, ...]:
    return tuple(
        size if size.floor <= one.least else replace(size, floor=one.least)
        for size, one in zip(ladder.sizes, ladder.health, strict=True)
    )


def _added_units(spec: FleetSpec, snapshot: Snapshot) -> float:
    """Return what was added within a minute's pace already: ticks of events come more often.

    What was asked for and refused was not added, so the next pool may be asked for it.
    """
    growth = snapshot.recalled.growth
    if not growth and not snapshot.granted:  # a simulation passes here very often
        return 0.0
    seen = {one.name: one for one in snapshot.pools}
    units = 0.0
    for pool in spec.pools:
        points = _lately(snapshot, growth.get(pool.name, ()))
        if points and (reading := seen.get(pool.name)):
            boots = reading.standing_capacity - reading.in_service_capacity
            points = min(points, max(0, boots))
        units += (points + snapshot.granted.get(pool.name, 0)) * pool.units_per_capacity
    return units


def _removed_units(spec: FleetSpec, snapshot: Snapshot) -> float:
    steps = snapshot.recalled.shrinkage
    if not steps:
        return 0.0
    return sum(
        _lately(snapshot, steps.get(pool.name, ())) * pool.units_per_capacity for pool in spec.pools
    )


def _lately(snapshot: Snapshot, steps: Growth) -> int:
    now = snapshot.now_epoch_seconds
    return sum(points for at, points in steps if now - PACE_SECONDS < at <= now)


def _grown(ladder: _Ladder) -> Sizing:
    need_units, sizes = ladder.need.grow_to, ladder.sizes
    unbounded = grow(sizes, need_units, at_most_units=inf)
    hoped = unbounded
    if any(one.most > size.ceiling for size, one in zip(sizes, ladder.health, strict=True)):
        could = tuple(
            replace(size, ceiling=max(size.ceiling, one.most))
            for size, one in zip(sizes, ladder.health, strict=True)
        )
        hoped = grow(could, need_units, at_most_units=inf)
    worth = _filled(ladder, at_most_units=inf) if ladder.dear else unbounded
    grown = worth if ladder.out_units == inf else _filled(ladder, at_most_units=ladder.out_units)
    if grown != worth:
        ladder.reasons.append(Reason.STEP_LIMITED)
    if falls_short(hoped, need_units) and not ladder.lacks_pools:
        ladder.reasons.append(Reason.AT_MAXIMUM)
    is_shut = any(one.available.cause for one in ladder.health)
    if is_shut and [one.capacity for one in hoped] != [one.capacity for one in unbounded]:
        ladder.reasons.append(Reason.NO_CAPACITY)
    if worth != unbounded:
        ladder.reasons.append(Reason.TOO_DEAR)
    unread = ladder.lacks_pools or any(one.reading is None for one in ladder.health)
    if falls_short(grown, need_units) and unread:
        ladder.reasons.append(Reason.POOL_UNREADABLE)
    return ladder.afforded(grown, Reason.DEMAND)


def _filled(ladder: _Ladder, *, at_most_units: float) -> tuple[PoolSize, ...]:
    """Return the ladder grown for what may come, and its dear pools for what is there."""
    need, sizes = ladder.need, ladder.sizes
    if not ladder.dear:
        return grow(sizes, need.grow_to, at_most_units=at_most_units)
    shut = tuple(
        replace(size, ceiling=size.capacity) if size.name in ladder.dear else size for size in sizes
    )
    first = grow(shut, need.grow_to, at_most_units=at_most_units)
    left = at_most_units - (total_units(first) - total_units(sizes))
    opened = tuple(
        replace(size, ceiling=was.ceiling) for size, was in zip(first, sizes, strict=True)
    )
    return grow(opened, min(need.burst, need.grow_to), at_most_units=left)


def _without_dear(ladder: _Ladder, sizing: Sizing, *, serving_units: float) -> Sizing:
    """Let go of dear pools as soon as others serve what is there; nothing of them is held."""
    need = ladder.need
    if not ladder.dear:
        return sizing
    gone_units = max(0.0, total_units(ladder.sizes) - total_units(sizing.sizes))
    spare_units = min(serving_units - need.burst, ladder.in_units) - gone_units
    only_dear = tuple(
        size if size.name in ladder.dear else replace(size, floor=size.capacity)
        for size in sizing.sizes
    )
    let_go = shrink(only_dear, need.burst, at_most_units=max(0.0, spare_units))
    sizes = tuple(
        resized(was, size.capacity) for size, was in zip(let_go, sizing.sizes, strict=True)
    )
    if sizes == sizing.sizes:
        return sizing
    return replace(sizing, sizes=sizes, reasons=(*sizing.reasons, Reason.TOO_DEAR))


def _can_rely_on_cheap(ladder: _Ladder, snapshot: Snapshot) -> bool:
    """Return whether no open pool besides the dear ones has refused lately, and may do so again."""
    return not ladder.dear or all(
        quiet_seconds(one, snapshot) >= QUIET_SECONDS
        for one in ladder.health
        if one.spec.name not in ladder.dear and one.available.cause is None
    )


def _shrunk(ladder: _Ladder, *, serving_units: float) -> Sizing:
    """Let go what is not kept; what still boots does not replace what serves.

    A group chooses its victims itself, so each of them may be one that serves.
    """
    need, sizes = ladder.need, ladder.sizes
    spare_units = max(0.0, serving_units - need.keep) if need.keep else inf
    idle = _were_none_busy(ladder)
    kept = shrink(sizes, need.keep)
    free = kept if need.keep == need.grow_to else shrink(sizes, need.grow_to)
    served = paced = kept
    gone_units = total_units(sizes) - total_units(kept)
    if gone_units > spare_units:
        served = paced = shrink(sizes, need.keep, spare_units=spare_units)
    if gone_units > ladder.in_units:
        paced = shrink(sizes, need.keep, at_most_units=ladder.in_units, spare_units=spare_units)
    if paced != served:
        ladder.reasons.append(Reason.STEP_LIMITED)
    if served != kept:
        ladder.reasons.append(Reason.STILL_BOOTING)
    if idle != sizes and total_units(shrink(idle, need.keep)) < total_units(kept):
        ladder.reasons.append(Reason.BUSY)
    if kept != free:
        ladder.reasons.append(Reason.HOLDING_PEAK)
    return ladder.sized(paced, Reason.DEMAND if need.grow_to else Reason.BASELINE_SUFFICES)
