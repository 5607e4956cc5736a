"""Service level and pace: what missed work costs, and how fast a fleet may move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration

from peakfleet._values import known_number, seconds
from peakfleet_planner import PaceSpec, PoolSpec, ServiceLevelSpec, SpecError

_COST_TIMES_SHARE: Final = 0.3
"""What a missed minute is worth times the share missed, about, before anything is learned."""
_MOST_FIRST_COST: Final = 300.0
_HOLD_SECONDS: Final = 5 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """What a missed unit of work is worth, instead of a target utilisation.

    Use `miss_at_most` to say how much may be missed, or `standard`, `premium`, `economy` or
    `custom` to say what missed work is worth.

    Args:
        spec: The level as the planner reads it.
    """

    spec: ServiceLevelSpec

    @classmethod
    def standard(cls) -> ServiceLevel:
        """A missed unit-minute is worth 10 minutes of the capacity that would have served it.

        Capacity that was needed in the last 5 minutes is kept.
        """
        return cls(spec=ServiceLevelSpec(unserved_cost=10, hold_seconds=_HOLD_SECONDS))

    @classmethod
    def premium(cls) -> ServiceLevel:
        """A missed unit-minute is worth 50 minutes of capacity; peaks are kept for 15 minutes."""
        return cls(spec=ServiceLevelSpec(unserved_cost=50, hold_seconds=15 * 60))

    @classmethod
    def economy(cls) -> ServiceLevel:
        """A missed unit-minute is worth 3 minutes of capacity; peaks are kept for 2 minutes."""
        return cls(spec=ServiceLevelSpec(unserved_cost=3, hold_seconds=2 * 60))

    @classmethod
    def miss_at_most(cls, share: float, *, hold: Duration | None = None) -> ServiceLevel:
        """Miss at most this share of the burst of the last two weeks, at the least cost.

        The learner replays two weeks every hour and sets what missed work is worth, from 1 to
        2000 minutes of capacity, so that the share is kept; `peakfleet explain` and the metrics
        `MissedShareAsked` and `MissedShareGot` tell. Less than what booting instances must miss
        cannot be kept: warm pools and known peaks help there.

        Args:
            share: Of the burst, from 0.00001 to 0.5. 0.001 is one unit in a thousand.
            hold: Capacity that was needed this recently is kept. Default: 5 minutes.

        Raises:
            SpecError: The share is out of range.

        Limitations:
            The fleet must be able to learn: one live signal in periods of a minute or less, and
            `Foresight.learned()`. A queue says by `drain_within` what is late.
        """
        known_number("service level", "miss_at_most", share)
        first = min(_MOST_FIRST_COST, max(1.0, _COST_TIMES_SHARE / share)) if share > 0 else 1.0
        return cls(
            spec=ServiceLevelSpec(
                unserved_cost=first,
                hold_seconds=seconds("service level", "hold", hold) if hold else _HOLD_SECONDS,
                miss_at_most=share,
            )
        )

    @classmethod
    def custom(cls, *, unserved_cost: float, hold: Duration) -> ServiceLevel:
        """State the worth of missed work yourself.

        Args:
            unserved_cost: Minutes of capacity that one unserved unit-minute is worth, at least 1.
            hold: Capacity that was needed this recently is kept, at most two hours.

        Raises:
            SpecError: A number is out of range.
        """
        known_number("service level", "unserved_cost", unserved_cost)
        return cls(
            spec=ServiceLevelSpec(
                unserved_cost=unserved_cost, hold_seconds=seconds("service level", "hold", hold)
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How far one tick, that is one minute, may move a whole fleet.

    Args:
        out_units: Most units added. None: half of what all pools hold at their maximum.
        in_units: Most units removed. None: a tenth of it.
    """

    out_units: float | None = None
    in_units: float | None = None

    @classmethod
    def of(cls, *, out_units: float | None = None, in_units: float | None = None) -> Pace:
        """State the bounds yourself.

        Args:
            out_units: Most units added in a minute. Default: half of all pools' maximum.
            in_units: Most units removed in a minute. Default: a tenth of all pools' maximum.
        """
        for name, value in (("out_units", out_units), ("in_units", in_units)):
            if value is not None:
                known_number("pace", name, value)
                if value <= 0:
                    raise SpecError(f"pace: {name} must be above 0, got {value:g}")
        return cls(out_units=out_units, in_units=in_units)

    def to_planner(self, pools: Sequence[PoolSpec]) -> PaceSpec:
        """Return the bounds for these pools; a default is never less than the largest point."""
        maximum = sum(pool.max_units for pool in pools)
        largest = max(pool.units_per_capacity for pool in pools)
        return PaceSpec(
            out_units=self.out_units or max(largest, maximum / 2),
            in_units=self.in_units or max(largest, maximum / 10),
        )
