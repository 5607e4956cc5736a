"""Outages: where capacity could not be had, so that it is not asked for again at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from peakfleet_planner.spec import PurchaseOption


class OutageCause(StrEnum):
    """Why capacity could not be had; each has its own waiting time.

    `unknown`: AWS gives a reason that nobody has classed yet; it is held against no image.
    `missing`: it was asked for and never came, and nothing says why. `suspended`: somebody has
    suspended the group's launches.
    """

    NO_CAPACITY = "no-capacity"
    QUOTA = "quota"
    NO_ADDRESSES = "no-addresses"
    NOT_AUTHORISED = "not-authorised"
    THROTTLED = "throttled"
    BAD_TEMPLATE = "bad-template"
    NEVER_READY = "never-ready"
    AT_RISK = "at-risk"
    UNKNOWN = "unknown"
    MISSING = "missing"
    SUSPENDED = "suspended"


FIRST_WAIT_SECONDS: Final = {
    OutageCause.NO_CAPACITY: 180,
    OutageCause.QUOTA: 600,
    OutageCause.NO_ADDRESSES: 180,
    OutageCause.NOT_AUTHORISED: 600,
    OutageCause.THROTTLED: 60,
    OutageCause.BAD_TEMPLATE: 600,
    OutageCause.NEVER_READY: 600,
    OutageCause.AT_RISK: 600,
    OutageCause.UNKNOWN: 120,
    OutageCause.MISSING: 600,
    OutageCause.SUSPENDED: 60,
}
"""How long nothing is asked for after a first refusal; each further one doubles it.

Three minutes is what Karpenter waits after insufficient capacity.
"""
MOST_WAIT_SECONDS: Final = 1800
MOST_THROTTLED_SECONDS: Final = 120
"""AWS grants calls anew every second: a throttle that has ended must not be waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Capacity that could not be had. What is None stands for all of them.

    Args:
        cause: Why.
        asked_at_epoch_seconds: When it was last asked for.
        attempts: How often in a row it was refused. Default: 1.
        purchase: Of which purchase option. Default: all.
        zone: In which Availability Zone. Default: all.
        instance_type: Of which instance type. Default: all.
        pool: Of which pool alone. Default: every pool that the rest fits.
    """

    cause: OutageCause
    asked_at_epoch_seconds: int
    attempts: int = 1
    purchase: PurchaseOption | None = None
    zone: str | None = None
    instance_type: str | None = None
    pool: str | None = None

    @property
    def retry_at_epoch_seconds(self) -> int:
        """When it may be asked for again.

        >>> first = Outage(cause=OutageCause.NO_CAPACITY, asked_at_epoch_seconds=0)
        >>> first.retry_at_epoch_seconds
        180
        """
        doubled: int = FIRST_WAIT_SECONDS[self.cause] << min(max(0, self.attempts - 1), 10)
        throttled = self.cause is OutageCause.THROTTLED
        most = MOST_THROTTLED_SECONDS if throttled else MOST_WAIT_SECONDS
        return self.asked_at_epoch_seconds + min(doubled, most)

    @property
    def scope(self) -> tuple[str, str, str, str]:
        """What it is about; a later outage of the same scope replaces an earlier one."""
        return (
            self.pool or "*",
            self.purchase or "*",
            self.zone or "*",
            self.instance_type or "*",
        )

    def covers(
        self, *, pool: str, purchase: PurchaseOption, zone: str | None, instance_type: str | None
    ) -> bool:
        """Return whether it is about this pool, zone and type; None is any one of them."""
        return (
            self.pool in (None, pool)
            and self.purchase in (None, purchase)
            and (self.zone is None or self.zone == zone)
            and (self.instance_type is None or self.instance_type == instance_type)
        )
