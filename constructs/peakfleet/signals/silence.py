"""Freshness rules: what a signal that has gone quiet is taken to mean."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

import peakfleet_planner as planner
from peakfleet._values import known_number, seconds
from peakfleet.signals.metrics import ReadMetric, read
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
        witness: A second metric that has to agree that silence means zero. None: none.
        witness_at_most: It agrees up to this value. None: whenever it is published.
    """

    rule: SilenceRule
    after: Duration | None = None
    at_most: float = 1.5
    witness: cloudwatch.IMetric | None = None
    witness_at_most: float | None = None

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
    def means_zero(
        cls,
        *,
        after: Duration | None = None,
        witness: cloudwatch.IMetric | None = None,
        witness_at_most: float | None = None,
    ) -> WhenSilent:
        """Take silence for zero: only for a metric that is published while there is something.

        Silence means zero after values near zero, or when the witness agrees. Straight after high
        demand it is doubt: the last value stands, and nothing is scaled in. A read that failed is
        never taken for zero.

        Args:
            after: A newest datapoint older than this is silence. Default: 3 minutes.
            witness: A plain metric that is published whether or not there is demand. Default:
                none, so that only values near zero make silence mean zero.
            witness_at_most: The witness agrees only up to this value, such as of open
                connections. Default: it agrees whenever it is published.
        """
        if witness_at_most is not None:
            known_number("when_silent", "witness_at_most", witness_at_most)
        return cls(
            rule=SilenceRule.ZERO, after=after, witness=witness, witness_at_most=witness_at_most
        )

    def read_witness(self, owner: str) -> tuple[ReadMetric, ...]:
        """Return what to read of the witness; nothing without one.

        Raises:
            SpecError: It is a math or search expression.
        """
        return () if self.witness is None else (read(f"{owner}: witness", self.witness),)

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
        witness = next(iter(self.read_witness(owner)), None)
        return planner.WhenSilent(
            rule=self.rule,
            after_seconds=after_seconds,
            at_most=self.at_most,
            witness=witness.metric if witness else None,
            witness_at_most=self.witness_at_most,
        )
