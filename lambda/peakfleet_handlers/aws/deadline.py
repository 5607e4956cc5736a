"""How much time a tick has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Self

from peakfleet_handlers.aws.clients import CALL_SECONDS

REPORT_SECONDS = 1
"""Kept back so that a tick always ends with its log line and metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The end of an invocation.

    Args:
        remaining_milliseconds: Says how long the function may still run.
    """

    remaining_milliseconds: Callable[[], float]

    @classmethod
    def of(cls, context: object) -> Self:
        """Return the deadline of a Lambda context; anything else never ends."""
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return cls(remaining_milliseconds=remaining if callable(remaining) else lambda: inf)

    @property
    def allows_a_call(self) -> bool:
        """Whether even the slowest call would leave time to report."""
        return self.remaining_milliseconds() >= 1000 * (CALL_SECONDS + REPORT_SECONDS)
