"""Whether a fleet acts, or only says what it would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """Whether a fleet acts on what it decides. Use `active` or `shadow`.

    Args:
        name: As the planner calls it.
    """

    name: Literal["active", "shadow"]

    @classmethod
    def active(cls) -> Mode:
        """Decide and act."""
        return cls(name="active")

    @classmethod
    def shadow(cls) -> Mode:
        """Decide every minute and keep each decision, and change nothing.

        Groups, warm pools and traffic stay as whoever runs them has them. `peakfleet shadow
        NAME` shows what the fleet would have done beside what happened.
        """
        return cls(name="shadow")
