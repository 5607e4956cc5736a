"""Spend limits: how much a fleet may cost, alone or together with others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from peakfleet_planner.codec import SpecError, check_at_least, check_named

Priority = Literal["live", "batch", "training"]
PRIORITIES: Final[tuple[Priority, ...]] = ("live", "batch", "training")
"""Who is served first from a shared limit, the first before the others."""

SHARED_LIMIT: Final = "spend-limit/"
"""What the state table's partition of a shared limit begins with, where a fleet has its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendLimitSpec:
    """What the capacity of a fleet may cost. It stops growth, and never ends what runs.

    Args:
        usd_per_hour: Most that all that runs, boots or drains may cost in an hour. Default: no
            bound.
        usd_per_month: Most in a calendar month (UTC). Default: no bound.
        shared: Name of a limit that other fleets of the same state table share. Default: the
            limit is the fleet's own.
        priority: Its class among those that share the limit. Default: live.
    """

    usd_per_hour: float | None = None
    usd_per_month: float | None = None
    shared: str | None = None
    priority: Priority = "live"

    def __post_init__(self) -> None:
        """Refuse a limit that limits nothing."""
        owner = "spend limit" if self.shared is None else f"spend limit '{self.shared}'"
        if self.shared is not None:
            check_named("spend limit", "shared", self.shared)
        if self.usd_per_hour is None and self.usd_per_month is None:
            raise SpecError(f"{owner}: usd_per_hour or usd_per_month is needed, got neither")
        for name in ("usd_per_hour", "usd_per_month"):
            value = getattr(self, name)
            if value is not None:
                check_at_least(owner, name, value, 0)
