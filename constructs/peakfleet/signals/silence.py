"""Freshness rules: what a signal that has gone quiet is taken to mean."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration

import peakfleet_planner as planner
from peakfleet._values import known_number, seconds
from peakfleet_planner import SilenceRule, SpecError

_AFTER_SECONDS = 180
_AFTER_FAST_SECONDS = 60
_MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WhenSilent:
    """What missing data means. Silence is never taken for zero unless you say so.

    Use `hold`, `keep_growing` or `means_zero`.

    Args:
        rule: What silence means.
        after: A newest datapoint older than this is silence. None: 3 minutes, a minute for a
            metric that is published more often than every minute, or two periods of one that is
            published more rarely.
        at_most: A growing signal stops at this multiple of its last value.
    """

    rule: SilenceRule
    after: Duration | None = None
    at_most: float = 1.5

    @classmethod
    def hold(cls, *, after: Duration | None = None) -> WhenSilent:
        """Let the last value stand, and let go of nothing.

        Args:
            after: A newest datapoint older than this is silence. Default: 3 minutes.
        """
        return cls(rule=SilenceRule.HOLD, after=after)

    @classmethod
    def keep_growing(cls, *, at_most: float = 1.5, after: Duration | None = None) -> WhenSilent:
        """Let the last value grow on as it did, and let go of nothing.

        Args:
            at_most: It stops at this multiple of the last value, at least 1. Default: 1.5.
            after: A newest datapoint older than this is silence. Default: 3 minutes.
        """
        known_number("when_silent", "at_most", at_most)
        return cls(rule=SilenceRule.GROW, at_most=at_most, after=after)

    @classmethod
    def means_zero(cls, *, after: Duration | None = None) -> WhenSilent:
        """Take silence for zero: only for a metric that is published while there is something.

        A read that failed is still never taken for zero.

        Args:
            after: A newest datapoint older than this is silence. Default: 3 minutes.
        """
        return cls(rule=SilenceRule.ZERO, after=after)

    def to_planner(self, owner: str, period_seconds: int) -> planner.WhenSilent:
        """Return the rule for a metric with this period.

        Raises:
            SpecError: Every pause between two datapoints would be silence.
        """
        if self.after is None:
            is_fast = period_seconds < _MINUTE_SECONDS
            least = _AFTER_FAST_SECONDS if is_fast else _AFTER_SECONDS
            after_seconds = max(least, 2 * period_seconds)
        else:
            after_seconds = seconds(owner, "when_silent.after", self.after)
        if after_seconds < period_seconds:
            raise SpecError(
                f"{owner}: when_silent.after must be at least the metric's period of "
                f"{period_seconds} seconds, got {after_seconds}"
            )
        return planner.WhenSilent(rule=self.rule, after_seconds=after_seconds, at_most=self.at_most)
