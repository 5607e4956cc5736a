"""How a fleet measures what its pools do for their money, as the schedule sends it."""

from __future__ import annotations

from dataclasses import dataclass

from peakfleet_planner.codec import check_above, check_named, check_within

MOST_CHANGE = 0.5
"""Units that are further off than this were declared wrongly, and are for a human to mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencySpec:
    """What is measured, what it is compared with, and whether it feeds back.

    Args:
        baseline_pool: Name of the x86 pool that the others are compared with.
        namespace: CloudWatch namespace in which instances publish `UsefulUnits` and `BusyShare`,
            with the dimensions `Fleet` and `Pool`.
        at_most_change: How far, as share of the declared units of a pool, measured units may
            change what is planned with. None: they are only shown. Default: only shown.
    """

    baseline_pool: str
    namespace: str
    at_most_change: float | None = None

    def __post_init__(self) -> None:
        """Refuse feedback without bounds."""
        check_named("efficiency", "baseline_pool", self.baseline_pool)
        check_named("efficiency", "namespace", self.namespace)
        if self.at_most_change is not None:
            check_above("efficiency", "at_most_change", self.at_most_change, 0)
            check_within("efficiency", "at_most_change", self.at_most_change, 0, MOST_CHANGE)
