"""What is remembered of a signal: its last demand, and how complete its samples are when read."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

FEWEST_SHARES: Final = 10
"""Fewer measured samples say nothing yet."""
MOST_SHARES: Final = 20
WATCHED_MINUTES: Final = 3
"""A sample is watched until so many minutes after its end."""
_SURELY: Final = 0.9
_ROUNDING: Final = 1 + 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalMemory:
    """One signal, as earlier ticks saw it.

    CloudWatch sums what many publishers send over more than a minute, so a sample may be read
    before it is whole. What was read then is compared with what it became.

    Args:
        units: The demand that the last tick took it to ask for. Default: not known.
        reads: Start of a sample, minutes since its end, and the units it had when it was read
            first, for samples that may still grow.
        shares: What a sample had when it was read first, as share of what it became, the oldest
            first: one row by whole minutes since its end.
        highest_units: The highest demand that was ever taken for true, where a second signal
            witnesses it. Default: nobody keeps that.
    """

    units: float | None = None
    reads: tuple[tuple[int, int, float], ...] = ()
    shares: tuple[tuple[float, ...], ...] = ()
    highest_units: float | None = None

    def complete_share(self, minutes: int) -> float | None:
        """Return how complete a sample usually is so many minutes after its end; None: not known.

        One sample in ten is more complete, so that no demand is made up.

        >>> SignalMemory(shares=((0.7,) * 10,)).complete_share(0)
        0.7
        """
        shares = sorted(self.shares[minutes]) if minutes < len(self.shares) else []
        if len(shares) < FEWEST_SHARES:
            return None
        return shares[ceil(_SURELY * len(shares)) - 1]

    def is_settled(self, time: int, minutes: int, units: float) -> bool:
        """Return whether a sample grows no more, so many minutes after its end.

        It does not if it was read before in an earlier minute and was as high then.

        >>> memory = SignalMemory(reads=((0, 0, 70.0),))
        >>> memory.is_settled(0, 1, 70.0), memory.is_settled(0, 1, 90.0)
        (True, False)
        """
        if minutes >= WATCHED_MINUTES:
            return True
        before = [one for one in self.reads if one[0] == time and one[1] < minutes]
        return bool(before) and units <= max(before)[2] * _ROUNDING
