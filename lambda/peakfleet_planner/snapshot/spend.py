"""What Spot costs, what was spent, what is claimed of shared limits, and who has lifted one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from peakfleet_planner.spec import DAY_SECONDS, FleetSpec, Priority

CLAIM_KEPT_SECONDS: Final = DAY_SECONDS
"""A fleet that is not heard of may still run for so long: its claim stands."""
WANT_KEPT_SECONDS: Final = 180
"""What a fleet would have is heeded by those behind it for so long."""
GATHERING_SECONDS: Final = 180
"""A shared limit that is new is not drawn on for so long: every fleet claims first what it runs."""


SPOT_PRICES_LAST_SECONDS: Final = 6 * 3600
"""Older prices of Spot say nothing. They change a few times a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotPrices:
    """What Spot costs, as it was read.

    Args:
        at_epoch_seconds: When.
        usd_by_type: Price of an instance of each type for an hour, in the dearest zone that the
            fleet uses.
    """

    at_epoch_seconds: int
    usd_by_type: Mapping[str, float]

    def of(self, instance_types: Collection[str], now: int) -> dict[str, float] | None:
        """Return the price of each type; None unless all are known, and not too old.

        >>> prices = SpotPrices(at_epoch_seconds=0, usd_by_type={"c8g.large": 0.03})
        >>> prices.of(["c8g.large"], 60), prices.of(["c7g.large"], 60)
        ({'c8g.large': 0.03}, None)
        """
        if not 0 <= now - self.at_epoch_seconds < SPOT_PRICES_LAST_SECONDS:
            return None
        if not instance_types or not self.usd_by_type.keys() >= set(instance_types):
            return None
        return {kind: self.usd_by_type[kind] for kind in instance_types}

    @classmethod
    def declared(cls, spec: FleetSpec, now: int) -> SpotPrices:
        """Return the declared prices as those of now, where nobody sells Spot at others."""
        return cls(
            at_epoch_seconds=now,
            usd_by_type={
                kind: pool.known_usd_per_capacity_hour or 0.0
                for pool in spec.pools
                if pool.purchase == "spot"
                for kind in pool.instance_types
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a fleet has spent in a calendar month (UTC).

    Args:
        month_epoch_seconds: When the month began.
        usd: What was spent in it up to `at_epoch_seconds`.
        at_epoch_seconds: When that was.
        usd_per_hour: What capacity cost from then on.
        is_assumed: Whether a part of it is not known, but assumed at the limit's own pace.
    """

    month_epoch_seconds: int
    usd: float
    at_epoch_seconds: int
    usd_per_hour: float = 0.0
    is_assumed: bool = False

    def until(self, now: int, *, at_least_usd_per_hour: float = 0.0) -> Spent:
        """Return what was spent up to a later time, at the higher of two paces.

        >>> Spent(month_epoch_seconds=0, usd=5, at_epoch_seconds=0, usd_per_hour=2).until(7200).usd
        9.0
        """
        month, _ = month_of(now)
        since = max(self.at_epoch_seconds, month)
        pace = max(self.usd_per_hour, at_least_usd_per_hour)
        same = month == self.month_epoch_seconds
        usd = (self.usd if same else 0.0) + pace * max(0, now - since) / 3600
        return Spent(
            month_epoch_seconds=month,
            usd=usd,
            at_epoch_seconds=now,
            usd_per_hour=pace,
            is_assumed=same and self.is_assumed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendClaim:
    """What one fleet has of a shared limit.

    Args:
        priority: Its class.
        spent: What its claims have cost, and what it claims from then on.
        wanted_usd_per_hour: What it would cost if the fleet had all that it wants.
    """

    priority: Priority
    spent: Spent
    wanted_usd_per_hour: float = 0.0

    @property
    def usd_per_hour(self) -> float:
        """What its capacity may cost."""
        return self.spent.usd_per_hour

    @property
    def tick(self) -> int:
        """Time of the tick that claimed it."""
        return self.spent.at_epoch_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSpend:
    """A shared limit as the state table has it.

    Args:
        claims: What each fleet has of it. Default: nobody has claimed anything yet.
        version: How often it was written; a write names the one that it has read. Default: never.
        since_epoch_seconds: When it was written first; None: never.
        unknown_usd: What was assumed to have been spent in the month in which it began, before.
    """

    claims: Mapping[str, SpendClaim] = field(default_factory=dict)
    version: int = 0
    since_epoch_seconds: int | None = None
    unknown_usd: float = 0.0

    def is_gathering(self, now: int) -> bool:
        """Whether it is too new to be drawn on."""
        since = self.since_epoch_seconds
        return since is None or now - since < GATHERING_SECONDS

    def stands(self, fleet: str, now: int) -> bool:
        """Whether the claim of a fleet still counts."""
        return fleet in self.claims and now - self.claims[fleet].tick < CLAIM_KEPT_SECONDS

    def is_assumed(self, now: int) -> bool:
        """Whether it is not known what was spent of it in this month before it began."""
        since = self.since_epoch_seconds
        return since is None or since > month_of(now)[0]

    def spent_usd(self, now: int) -> float:
        """Return what all fleets have spent this month."""
        month, _ = month_of(now)
        usd = self.unknown_usd if self.is_assumed(now) else 0.0
        for one in self.claims.values():
            last = min(now, one.tick + CLAIM_KEPT_SECONDS)
            if last >= month:
                usd += one.spent.until(last).usd
        return usd


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendOverride:
    """A human's leave to spend more than the limits of a fleet allow.

    Args:
        owner: Who gives it.
        reason: Why.
        until_epoch_seconds: When it ends by itself, in seconds since 1970 (UTC).
    """

    owner: str
    reason: str
    until_epoch_seconds: int

    def stands(self, now: int) -> bool:
        """Return whether it has not ended yet."""
        return now < self.until_epoch_seconds


def month_of(epoch_seconds: int) -> tuple[int, int]:
    """Return when a calendar month (UTC) begins and ends, in seconds since 1970.

    Days are counted as in the proleptic Gregorian calendar, in years that begin in March.

    >>> month_of(951782400)  # 29 February 2000
    (949363200, 951868800)
    """
    days = epoch_seconds // DAY_SECONDS + 719_468
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    first = days - of_year + (153 * month + 2) // 5
    last_of_year = 365 + _is_leap(400 * era + year + 1)
    following = (153 * (month + 1) + 2) // 5 if month < 11 else last_of_year  # noqa: PLR2004  February
    length = following - (153 * month + 2) // 5
    start = (first - 719_468) * DAY_SECONDS
    return start, start + length * DAY_SECONDS


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
