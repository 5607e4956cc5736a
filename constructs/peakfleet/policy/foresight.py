"""Foresight: whether a fleet learns its demand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """Whether a fleet learns its demand, so that it grows before a peak and not with it.

    Use `learned` or `off`.

    Args:
        learns: Whether it does.
    """

    learns: bool

    @classmethod
    def learned(cls) -> Foresight:
        """Learn from the last two weeks, every hour, in a function beside the scaler.

        The fleet starts with the reactive rule. What was learned takes over once it has proved
        itself on recent demand, and steps back as soon as it no longer does. Only a fleet with
        one live signal in periods of a minute or less, and pools that boot within 50 minutes, can
        learn; any other fleet stays with the reactive rule and gets no such function.
        """
        return cls(learns=True)

    @classmethod
    def off(cls) -> Foresight:
        """Stay with the reactive rule, without a learner and without its numpy."""
        return cls(learns=False)
