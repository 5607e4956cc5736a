"""Peaks that were found to repeat: what the learner proposes, and nothing applies by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from peakfleet_planner.codec import Document
from peakfleet_planner.spec import KnownPeakSpec, Repetition


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedPeak:
    """A step of demand that comes back.

    Args:
        repeats: How often.
        next_epoch_seconds: When it comes next.
        lasts_seconds: How long, in most cases.
        units: Demand to be ready for, what the baseline carries included.
        seen_epoch_seconds: When it came, oldest first.
        possible: How often it could have come.
        saved_minutes: Instance-minutes that would have been saved had it been known, missed work
            at its price.
        served_units: Unit-minutes that would have been served besides.
    """

    repeats: Repetition
    next_epoch_seconds: int
    lasts_seconds: int
    units: float
    seen_epoch_seconds: tuple[int, ...]
    possible: int
    saved_minutes: float
    served_units: float

    def known(self, name: str) -> KnownPeakSpec:
        """Return it as a known peak from its next time on."""
        return KnownPeakSpec(
            name=name,
            start_epoch_seconds=self.next_epoch_seconds,
            end_epoch_seconds=self.next_epoch_seconds + self.lasts_seconds,
            repeats=self.repeats,
            units=self.units,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedPeaks(Document):
    """What one lesson proposes.

    Args:
        learned_at_epoch_seconds: When.
        minutes: Over how many minutes was replayed what each would have saved.
        cost_minutes: Instance-minutes that these cost without, missed work at its price.
        peaks: What was found, that which saves most first.
    """

    document_name: ClassVar[str] = "proposed peaks"
    learned_at_epoch_seconds: int
    minutes: int
    cost_minutes: float
    peaks: tuple[ProposedPeak, ...] = ()
