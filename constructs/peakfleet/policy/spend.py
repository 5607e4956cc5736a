"""What a fleet may cost, alone or together with others."""

from __future__ import annotations

from dataclasses import dataclass

from peakfleet._values import check_name, known_number
from peakfleet_planner import SpecError, SpendLimitSpec
from peakfleet_planner.spec import PRIORITIES, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendLimit:
    """Most that the capacity of a fleet may cost. Use `of`, or `shared` for several fleets.

    A limit stops growth above the pools' `min_instances`, and never ends what runs. What counts is
    `usd_per_hour` of the pools, or the price file: on-demand and Spot prices of the day of the
    synth, of the dearest instance type. A month is a calendar month in UTC.

    Args:
        spec: The limit as the planner reads it.
    """

    spec: SpendLimitSpec

    @classmethod
    def of(
        cls, *, usd_per_hour: float | None = None, usd_per_month: float | None = None
    ) -> SpendLimit:
        """Limit one fleet.

        Args:
            usd_per_hour: Most in an hour. Default: no bound.
            usd_per_month: Most in a month. Default: no bound.

        Raises:
            SpecError: Neither is given, or one is below zero.
        """
        return cls(spec=_spec(usd_per_hour=usd_per_hour, usd_per_month=usd_per_month))

    @classmethod
    def shared(
        cls,
        name: str,
        *,
        usd_per_hour: float | None = None,
        usd_per_month: float | None = None,
        priority: Priority = "live",
    ) -> SpendLimit:
        """Limit several fleets of one state table together; give each the same numbers.

        Each fleet claims what it grows by before it grows. What is left is given to live fleets
        first, then to batch, then to training; what one has, nobody takes away.

        Args:
            name: What the fleets call it.
            usd_per_hour: Most in an hour. Default: no bound.
            usd_per_month: Most in a month. Default: no bound.
            priority: `live`, `batch` or `training`. Default: live.

        Raises:
            SpecError: Neither bound is given, or an argument is none of the allowed.
        """
        check_name("spend limit", name)
        if priority not in PRIORITIES:
            raise SpecError(
                f"spend limit '{name}': priority must be one of {', '.join(PRIORITIES)}, "
                f"got {priority!r}"
            )
        return cls(
            spec=_spec(
                usd_per_hour=usd_per_hour,
                usd_per_month=usd_per_month,
                shared=name,
                priority=priority,
            )
        )


def _spec(
    *,
    usd_per_hour: float | None,
    usd_per_month: float | None,
    shared: str | None = None,
    priority: Priority = "live",
) -> SpendLimitSpec:
    for name, value in (("usd_per_hour", usd_per_hour), ("usd_per_month", usd_per_month)):
        if value is not None:
            known_number("spend limit", name, value)
    return SpendLimitSpec(
        usd_per_hour=usd_per_hour, usd_per_month=usd_per_month, shared=shared, priority=priority
    )
