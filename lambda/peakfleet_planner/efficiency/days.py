"""What a pool did in a day, hour by hour, and what that cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from peakfleet_planner.codec import Document, check_above, check_at_least, check_within

LEAST_BUSY_SHARE = 0.6
"""Machines that are less busy serve what is asked of them, not what they could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of a pool in which it served.

    Args:
        start_epoch_seconds: When it began, in seconds since 1970 (UTC).
        unit_hours: Useful units that its instances say they served, times hours.
        capacity_hours: Points of capacity in service, times hours.
        busy_share: How busy its instances say they were, on average, from 0 to 1. None: they do
            not say. Default: they do not.
    """

    start_epoch_seconds: int
    unit_hours: float
    capacity_hours: float
    busy_share: float | None = None

    def __post_init__(self) -> None:
        """Refuse an hour that cannot be."""
        check_at_least("hour", "unit_hours", self.unit_hours, 0)
        check_above("hour", "capacity_hours", self.capacity_hours, 0)
        if self.busy_share is not None:
            check_within("hour", "busy_share", self.busy_share, 0, 1)

    @property
    def is_busy(self) -> bool:
        """Whether it tells what the instances can do, and not only what was asked of them."""
        return self.busy_share is not None and self.busy_share >= LEAST_BUSY_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDay(Document):
    """One day (UTC) of a pool.

    Args:
        date: For example `2027-01-15`.
        pool: The pool.
        chip: What does its work; `unknown` where nobody knows.
        purchase: How it is bought.
        instance_types: What it launched.
        units_per_capacity: Units that one point of capacity was declared to serve.
        is_baseline: Whether the other pools are compared with it. Default: they are not.
        usd_per_capacity_hour: Price of one point for an hour on that day. None: unknown.
            Default: unknown.
        hours: The hours in which it served, oldest first. Default: none.
    """

    document_name: ClassVar[str] = "pool day"
    date: str
    pool: str
    chip: str
    purchase: str
    instance_types: tuple[str, ...]
    units_per_capacity: float
    is_baseline: bool = False
    usd_per_capacity_hour: float | None = None
    hours: tuple[Hour, ...] = ()

    @property
    def unit_hours(self) -> float:
        """Useful units times hours of the whole day."""
        return sum(hour.unit_hours for hour in self.hours)

    @property
    def capacity_hours(self) -> float:
        """Points of capacity in service times hours of the whole day."""
        return sum(hour.capacity_hours for hour in self.hours)

    @property
    def usd(self) -> float | None:
        """What they cost at the day's price; None if that is unknown."""
        price = self.usd_per_capacity_hour
        return None if price is None else price * self.capacity_hours


def measured_hours(
    *,
    useful_units: Mapping[int, float],
    in_service_capacity: Mapping[int, float],
    busy_share: Mapping[int, float],
) -> tuple[Hour, ...]:
    """Return the hours of a day from what CloudWatch has of them, by their start.

    An hour in which nothing was in service is left out. One without a report of useful units
    counts as idle: the machines were paid for.

    Args:
        useful_units: Sum of what all instances report each minute.
        in_service_capacity: Points in service, on average.
        busy_share: How busy the instances are, on average.

    >>> measured_hours(
    ...     useful_units={0: 600.0}, in_service_capacity={0: 2.0, 3600: 0.0}, busy_share={0: 0.7}
    ... )
    (Hour(start_epoch_seconds=0, unit_hours=10.0, capacity_hours=2.0, busy_share=0.7),)
    """
    return tuple(
        Hour(
            start_epoch_seconds=start,
            unit_hours=max(0.0, useful_units.get(start, 0.0)) / 60,
            capacity_hours=capacity,
            busy_share=min(max(busy_share[start], 0.0), 1.0) if start in busy_share else None,
        )
        for start, capacity in sorted(in_service_capacity.items())
        if capacity > 0
    )


def served_days(days: Iterable[PoolDay]) -> list[PoolDay]:
    """Return the days on which a pool served at all, oldest first."""
    return sorted((day for day in days if day.hours), key=lambda day: (day.date, day.pool))
