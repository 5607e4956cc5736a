"""Units per dollar of each chip, against the x86 pool, with how sure that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from peakfleet_planner.efficiency.confidence import Bounds, geometric_bounds
from peakfleet_planner.efficiency.days import PoolDay, served_days
from peakfleet_planner.snapshot import MeasuredUnits

TARGET_GAIN: Final = 0.4
"""What users quote for Graviton and Inferentia, as a claim without a method."""
TARGET_GAINS: Final = {"trainium2": 0.5}
"""Where another figure is quoted."""


class Verdict(StrEnum):
    """Whether a chip's gain over x86 reaches what is quoted."""

    BASELINE = "baseline"
    REACHED = "reached"
    NOT_REACHED = "not reached"
    CANNOT_TELL = "cannot tell yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipEfficiency:
    """What the pools of one chip did, bought in one way.

    Args:
        chip: The chip.
        purchase: How they were bought.
        pools: Which pools, in the order of their names.
        is_baseline: Whether the others are compared with it.
        unit_hours: Useful units times hours.
        capacity_hours: Points of capacity in service times hours.
        usd: What they cost; None if a price is unknown.
        units_per_usd: Useful unit-hours for a dollar, in hours in which the instances were busy;
            None without enough of them.
        gain: Units per dollar over those of the baseline in the same hours, less 1; None without
            enough days on which both were busy.
        paired_days: Days on which both were busy.
        target_gain: The gain that is quoted.
        same_purchase: Whether the baseline is bought in the same way; if not, the gain holds
            the difference in price too.
    """

    chip: str
    purchase: str
    pools: tuple[str, ...]
    is_baseline: bool
    unit_hours: float
    capacity_hours: float
    usd: float | None
    units_per_usd: Bounds | None
    gain: Bounds | None
    paired_days: int
    target_gain: float
    same_purchase: bool

    @property
    def verdict(self) -> Verdict:
        """Whether the gain is sure to reach the target, sure not to, or neither."""
        if self.is_baseline:
            return Verdict.BASELINE
        if self.gain is None or self.gain.low < self.target_gain <= self.gain.high:
            return Verdict.CANNOT_TELL
        return Verdict.REACHED if self.gain.low >= self.target_gain else Verdict.NOT_REACHED


def chip_efficiencies(days: Iterable[PoolDay]) -> tuple[ChipEfficiency, ...]:
    """Return what each chip did, the baseline first.

    Args:
        days: Of all pools of one fleet, in any order.
    """
    chips: defaultdict[tuple[bool, str, str], list[PoolDay]] = defaultdict(list)
    for day in served_days(days):
        chips[not day.is_baseline, day.chip, day.purchase].append(day)
    baseline = [day for (other, *_), found in chips.items() if not other for day in found]
    return tuple(_chip(found, baseline) for _, found in sorted(chips.items()))


def measured_units(days: Iterable[PoolDay]) -> MeasuredUnits | None:
    """Return what one point of a pool's capacity serves at full use; None if too little is known.

    What was served by busy instances is divided by how busy they were. That is exact where a
    busy share counts slots, and too high where processors slow down as they fill.

    Args:
        days: Of one pool.
    """
    values = []
    for day in served_days(days):
        busy = [(hour, hour.busy_share) for hour in day.hours if hour.is_busy and hour.busy_share]
        full_hours = sum(hour.capacity_hours * share for hour, share in busy)
        unit_hours = sum(hour.unit_hours for hour, _ in busy)
        if full_hours and unit_hours:
            values.append(unit_hours / full_hours)
    bounds = geometric_bounds(values)
    if bounds is None:
        return None
    return MeasuredUnits(units=bounds.mean, low=bounds.low, high=bounds.high, days=bounds.values)


@dataclass(slots=True)
class _Sum:
    """What some pools did in one hour."""

    unit_hours: float = 0.0
    usd: float = 0.0
    is_busy: bool = True


_Hours = dict[int, _Sum]


def _chip(days: Sequence[PoolDay], baseline: Sequence[PoolDay]) -> ChipEfficiency:
    first = days[-1]
    own, other = _by_date(days), _by_date(baseline)
    gains = [] if first.is_baseline else _gains(own, other)
    ratios = geometric_bounds(gains)
    priced = [day.usd for day in days if day.usd is not None]
    return ChipEfficiency(
        chip=first.chip,
        purchase=first.purchase,
        pools=tuple(sorted({day.pool for day in days})),
        is_baseline=first.is_baseline,
        unit_hours=sum(day.unit_hours for day in days),
        capacity_hours=sum(day.capacity_hours for day in days),
        usd=sum(priced) if len(priced) == len(days) else None,
        units_per_usd=geometric_bounds(
            [ratio for hours in own.values() if (ratio := _units_per_usd(hours, hours))]
        ),
        gain=None
        if ratios is None
        else Bounds(
            mean=ratios.mean - 1, low=ratios.low - 1, high=ratios.high - 1, values=ratios.values
        ),
        paired_days=len(gains),
        target_gain=TARGET_GAINS.get(first.chip, TARGET_GAIN),
        same_purchase=first.purchase in {day.purchase for day in baseline},
    )


def _by_date(days: Iterable[PoolDay]) -> dict[str, _Hours]:
    """Return the sums of the hours that have a price, by date and start.

    An hour counts as busy only if all that is summed was.
    """
    found: defaultdict[str, _Hours] = defaultdict(dict)
    for day in days:
        if day.usd_per_capacity_hour is None:
            continue
        for hour in day.hours:
            one = found[day.date].setdefault(hour.start_epoch_seconds, _Sum())
            one.unit_hours += hour.unit_hours
            one.usd += hour.capacity_hours * day.usd_per_capacity_hour
            one.is_busy = one.is_busy and hour.is_busy
    return dict(found)


def _gains(own: dict[str, _Hours], other: dict[str, _Hours]) -> list[float]:
    """Return one ratio for each day on which both were busy in the same hours."""
    gains = []
    for date, hours in own.items():
        beside = other.get(date, {})
        ratio, base = _units_per_usd(hours, beside), _units_per_usd(beside, hours)
        if ratio and base:
            gains.append(ratio / base)
    return gains


def _units_per_usd(hours: _Hours, beside: _Hours) -> float | None:
    """Return the units per dollar in the hours in which both were busy; None if there are none."""
    both = [
        one
        for start, one in hours.items()
        if one.is_busy and start in beside and beside[start].is_busy
    ]
    usd = sum(one.usd for one in both)
    return sum(one.unit_hours for one in both) / usd if usd else None
