"""How much a fleet publishes in CloudWatch, which is most of what its control plane costs."""

from __future__ import annotations

from dataclasses import dataclass

from peakfleet_planner.spec import Detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How much a fleet publishes. Use `least`, `essential` or `every`; docs/bill.md has prices.

    With each of them every alarm works. Trouble, and demand that goes unserved, is published while
    there is any: a metric is billed for the hours in which it has a value.

    Args:
        detail: As the planner calls it.
    """

    detail: Detail

    @classmethod
    def least(cls) -> Metrics:
        """Publish demand, and what alarms watch; no alarm that sums up all others is defined."""
        return cls(detail="least")

    @classmethod
    def essential(cls) -> Metrics:
        """Publish demand, baseline, what is wanted and what serves, and what alarms watch."""
        return cls(detail="essential")

    @classmethod
    def every(cls) -> Metrics:
        """Publish all that a tick counts, each trouble by itself, boots and models as they come."""
        return cls(detail="every")
