"""The company's own side: how many units it carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from peakfleet_planner.codec import check_above, check_at_least, check_within
from peakfleet_planner.spec.metrics import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedBaseline:
    """A baseline that is taken to be up always.

    Args:
        units: Units it carries. 0 means that the fleet carries all demand.
        usable_fraction: Share of them that may be counted on. Default: 1.
    """

    units: float
    usable_fraction: float = 1.0
    kind: Literal["fixed"] = "fixed"

    def __post_init__(self) -> None:
        """Refuse a negative baseline."""
        check_at_least("baseline", "units", self.units, 0)
        check_within("baseline", "usable_fraction", self.usable_fraction, 0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedBaseline:
    """A baseline that reports its healthy units as a metric.

    It is healthy while it reports at least `healthy_fraction` of what is declared, degraded
    below that (the report counts), and unknown without a fresh report: then it is taken to
    carry the last report, but never more than `unknown_fraction` of what is declared. Where
    reports are summed up by CloudWatch, a fall counts a minute late: the newest may still fill.

    Args:
        metric: Healthy units, reported by the on-premises side.
        declared_units: Units when all is well; a report above it counts as this much.
        usable_fraction: Share of the healthy units that may be counted on. Default: 1.
        healthy_fraction: Degraded below this share of the declared units. Default: 0.95.
        unknown_fraction: Share of the declared units assumed at most while the baseline is
            unknown. Default: 0.5.
        fresh_seconds: A newest report older than this means unknown. Default: 300.
    """

    metric: Metric
    declared_units: float
    usable_fraction: float = 1.0
    healthy_fraction: float = 0.95
    unknown_fraction: float = 0.5
    fresh_seconds: int = 300
    kind: Literal["reported"] = "reported"

    def __post_init__(self) -> None:
        """Refuse shares outside 0 to 1."""
        check_above("baseline", "declared_units", self.declared_units, 0)
        check_within("baseline", "usable_fraction", self.usable_fraction, 0, 1)
        check_within("baseline", "healthy_fraction", self.healthy_fraction, 0, 1)
        check_within("baseline", "unknown_fraction", self.unknown_fraction, 0, 1)
        check_at_least("baseline", "fresh_seconds", self.fresh_seconds, self.metric.period_seconds)


BaselineSpec = FixedBaseline | ReportedBaseline
