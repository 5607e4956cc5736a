"""The most that a proof may cost, before it starts and while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from peakfleet_cli.errors import CommandError
from peakfleet_cli.prove.names import MOST_INSTANCES, USD_PER_HOUR

LONGEST_HOURS: Final = 1.0
"""A proof that takes longer is given up."""
_STANDING_USD: Final = 0.30
"""Custom metrics, alarms, logs, requests and addresses of an hour, rounded up."""
_HOURS: Final = 3600.0


@dataclass(slots=True)
class Budget:
    """What was spent so far, at most.

    Args:
        limit_usd: The most that may be spent.
    """

    limit_usd: float
    spent_usd: float = field(default=_STANDING_USD, init=False)

    def __post_init__(self) -> None:
        """Refuse a limit that the longest proof would break.

        Raises:
            CommandError: It would.
        """
        if self.worst_usd > self.limit_usd:
            raise CommandError(
                f"a proof may cost up to {self.worst_usd:.2f} USD, above the limit of "
                f"{self.limit_usd:.2f}; raise it with --limit-usd"
            )

    @property
    def worst_usd(self) -> float:
        """Every instance for the longest time, and what stands beside them."""
        return _STANDING_USD + MOST_INSTANCES * LONGEST_HOURS * max(USD_PER_HOUR.values())

    def spend(self, *, instances: int, seconds: float) -> None:
        """Count instances that ran for some time.

        Raises:
            CommandError: The limit is reached.
        """
        self.spent_usd += instances * seconds / _HOURS * max(USD_PER_HOUR.values())
        if self.spent_usd > self.limit_usd:
            raise CommandError(
                f"stopped: {self.spent_usd:.2f} USD are spent, the limit is {self.limit_usd:.2f}"
            )
