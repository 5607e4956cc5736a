"""What spend limits allow whoever spends: bounds of hour and month, and claims of shared limits.

A month's limit becomes one of the hour: whatever runs must be paid for as long as it may be needed,
for which a day is reserved, and the floor until the end of the month. So a month is not exceeded as
long as nobody needs the same capacity for more than a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from peakfleet_planner.snapshot import (
    WANT_KEPT_SECONDS,
    SharedSpend,
    SpendClaim,
    Spent,
    month_of,
)
from peakfleet_planner.spec import DAY_SECONDS, PRIORITIES, SpendLimitSpec

RESERVED_SECONDS: Final = DAY_SECONDS
"""What is granted must be paid for so long, from what a month's limit leaves."""
ROUNDING: Final = 1e-9
"""What arithmetic may lose, as a share."""
_HOUR: Final = 3600
_LAST_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendBound:
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
        """Return how much of the limit is used: 1 is all of it."""
        used = self.used if self.by_month else self.used + usd_per_hour
        return used / self.of if self.of else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """A fleet or a training group that may not spend more than its limits.

    Args:
        name: Its name, by which it claims.
        limits: Its limits.
        now_epoch_seconds: The tick's time.
        shared: The limits that it shares, by name; one that is missing could not be read, and
            nothing is drawn on it.
    """

    name: str
    limits: Sequence[SpendLimitSpec]
    now_epoch_seconds: int
    shared: Mapping[str, SharedSpend]

    @property
    def assumed_usd(self) -> float:
        """What it has spent this month, if that is as much as its own limit's pace."""
        return self.assumed_usd_at(self.now_epoch_seconds)

    def assumed_usd_at(self, epoch_seconds: int) -> float:
        """Return the same for another time of the month."""
        own = (one for one in self.limits if one.shared is None)
        return sum(_at_its_pace(one, epoch_seconds) for one in own)

    def spent(self, known: Spent | None, *, running: float) -> Spent:
        """Return what was spent this month up to now.

        Args:
            known: What is remembered; None: nothing, so the limit's own pace is assumed.
            running: What runs costs, in dollars an hour.
        """
        now = self.now_epoch_seconds
        if known is not None and known.at_epoch_seconds <= now:
            return known.until(now, at_least_usd_per_hour=running)
        if known is not None:  # a later tick has counted already
            return known
        return Spent(
            month_epoch_seconds=month_of(now)[0],
            usd=self.assumed_usd,
            at_epoch_seconds=now,
            usd_per_hour=running,
            is_assumed=True,
        )

    def bounds(self, spent: Spent, *, running: float, floor: float) -> tuple[SpendBound, ...]:
        """Return what each limit allows.

        Args:
            spent: What was spent this month.
            running: What runs costs, in dollars an hour.
            floor: What has to run until the end of the month costs, in dollars an hour.
        """
        return tuple(
            bound
            for limit in self.limits
            for bound in self._bounds(limit, spent, running=running, floor=floor)
        )

    def claims(self, usd_per_hour: float, *, wanted_usd_per_hour: float) -> dict[str, SharedSpend]:
        """Return the shared limits with what is claimed of them; those that change only.

        Args:
            usd_per_hour: What is claimed.
            wanted_usd_per_hour: What would be, if nothing limited it.
        """
        now, changed = self.now_epoch_seconds, {}
        for limit in self.limits:
            shared = self.shared.get(limit.shared or "")
            if limit.shared is None or shared is None:
                continue
            before = shared.claims.get(self.name)
            if before and before.tick > now:  # a later tick has claimed
                continue
            spent = before.spent if before else _nothing_spent(now)
            claim = SpendClaim(
                priority=limit.priority,
                spent=replace(spent.until(now), usd_per_hour=usd_per_hour),
                wanted_usd_per_hour=wanted_usd_per_hour,
            )
            if before and not _is_news(before, claim):
                continue
            claims = {name: one for name, one in shared.claims.items() if _matters(one, now)}
            is_new = shared.since_epoch_seconds is None
            changed[limit.shared] = SharedSpend(
                claims={**claims, self.name: claim},
                version=shared.version + 1,
                since_epoch_seconds=now if is_new else shared.since_epoch_seconds,
                unknown_usd=_at_its_pace(limit, now) if is_new else shared.unknown_usd,
            )
        return changed

    def _bounds(
        self, limit: SpendLimitSpec, spent: Spent, *, running: float, floor: float
    ) -> Iterator[SpendBound]:
        now, name = self.now_epoch_seconds, limit.shared
        words = "its own limit" if name is None else f"the limit '{name}'"
        others: dict[str, SpendClaim] = {}
        spent_usd, is_assumed, shut = spent.usd, spent.is_assumed, False
        if name is not None:
            shared = self.shared.get(name)
            shut = shared is None or shared.is_gathering(now)
            shared = shared or SharedSpend()
            spent_usd, is_assumed = shared.spent_usd(now), shared.is_assumed(now)
            others = {
                fleet: one
                for fleet, one in shared.claims.items()
                if fleet != self.name and shared.stands(fleet, now)
            }
        taken = sum(one.usd_per_hour for one in others.values())
        before = sum(
            max(0.0, one.wanted_usd_per_hour - one.usd_per_hour)
            for one in others.values()
            if _is_before(one, limit) and now - one.tick < WANT_KEPT_SECONDS
        )
        if limit.usd_per_hour is not None:
            yield SpendBound(
                words=f"{words} of {limit.usd_per_hour:g} USD an hour",
                allowed=running if shut else limit.usd_per_hour - taken - before,
                of=limit.usd_per_hour,
                used=taken,
            )
        if limit.usd_per_month is not None:
            rest = max(_LAST_SECONDS, month_of(now)[1] - now) / _HOUR
            left = limit.usd_per_month - spent_usd - floor * rest
            pace = floor + left / min(rest, RESERVED_SECONDS / _HOUR)
            yield SpendBound(
                words=f"{words} of {limit.usd_per_month:g} USD a month",
                allowed=running if shut else pace - taken - before,
                of=limit.usd_per_month,
                used=spent_usd,
                by_month=True,
                is_assumed=is_assumed,
            )


def rebuilt_spend(spender: Spender, changes: Sequence[tuple[int, float]]) -> Spent | None:
    """Return what was spent this month by what was decided in it; None if nothing is known.

    Up to the first decision that is known, the limit's own pace is assumed.

    Args:
        spender: Who has spent it.
        changes: When each decision was made, in epoch seconds, and what the fleet cost from then
            on, in dollars an hour, oldest first.
    """
    now = spender.now_epoch_seconds
    month, _ = month_of(now)
    if not changes:
        return None
    first = max(month, changes[0][0])
    spent = Spent(
        month_epoch_seconds=month,
        usd=spender.assumed_usd_at(first),
        at_epoch_seconds=first,
        is_assumed=first > month,
    )
    for at, pace in changes:
        spent = replace(spent.until(at) if at > first else spent, usd_per_hour=pace)
    return spent.until(now)


def _nothing_spent(now: int) -> Spent:
    return Spent(month_epoch_seconds=month_of(now)[0], usd=0.0, at_epoch_seconds=now)


def _at_its_pace(limit: SpendLimitSpec, now: int) -> float:
    """Return what is spent of a limit by now, if it is spent evenly over the month."""
    begin, end = month_of(now)
    return (limit.usd_per_month or 0.0) * (now - begin) / (end - begin)


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
