"""Signals: what demand is read from, and how a value becomes units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import nan
from typing import Final, Literal

from peakfleet_planner.codec import SpecError, check_above, check_at_least, check_named
from peakfleet_planner.spec import arithmetic
from peakfleet_planner.spec.metrics import MINUTE_SECONDS, Metric

WAITING, IN_FLIGHT = "waiting", "in_flight"
"""Metric ids of a backlog signal."""
WITNESS: Final = "witness"
"""Metric id of what is read to tell silence that means zero from a failure."""

SECOND: Final = "second"
"""Metric id of the second signal that witnesses the first."""


class SilenceRule(StrEnum):
    """What a signal that has gone quiet is taken to mean."""

    HOLD = "hold"
    GROW = "grow"
    ZERO = "zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhenSilent:
    """The freshness rule of one signal.

    Args:
        rule: `hold`: the last value still stands. `grow`: the last value keeps growing as it
            did. `zero`: the metric is only published while there is something to count, so
            no datapoint means nothing, if the last values were near zero or the witness agrees;
            otherwise the last value stands. A read that failed is never zero.
        after_seconds: A newest datapoint older than this is silence. Default: 180.
        at_most: `grow` stops at this multiple of the last value. Default: 1.5.
        witness: For `zero`: a metric that is published whether or not there is demand, such as
            the load balancer's healthy hosts. While it is fresh, silence means zero. Default: none.
        witness_at_most: The witness agrees only up to this value, as of active connections.
            Default: whatever its value.
    """

    rule: SilenceRule = SilenceRule.HOLD
    after_seconds: int = 180
    at_most: float = 1.5
    witness: Metric | None = None
    witness_at_most: float | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be meant."""
        check_at_least("when_silent", "after_seconds", self.after_seconds, 1)
        check_at_least("when_silent", "at_most", self.at_most, 1)
        if self.witness and self.rule is not SilenceRule.ZERO:
            raise SpecError(f"when_silent: a witness needs rule 'zero', got '{self.rule}'")
        if self.witness_at_most is not None:
            check_at_least("when_silent", "witness_at_most", self.witness_at_most, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondSignalSpec:
    """Another measure of the same demand, of another source.

    Args:
        metric: What it is read from.
        units_per_value: Units for each 1 of its value. Default: 1.
        at_most_factor: Both agree as long as neither asks for more than so many times what the
            other does. Default: 2.
    """

    metric: Metric
    units_per_value: float = 1.0
    at_most_factor: float = 2.0

    def __post_init__(self) -> None:
        """Refuse a witness that would always contradict."""
        check_above("witness", "units_per_value", self.units_per_value, 0)
        check_above("witness", "at_most_factor", self.at_most_factor, 1)


class _Sampled:
    """What is read in periods: all metrics of a signal share theirs."""

    __slots__ = ()
    metrics: Mapping[str, Metric]
    when_silent: WhenSilent

    @property
    def reads(self) -> Mapping[str, Metric]:
        """All that is read for it: its metrics, and the witness of its silence."""
        witness = self.when_silent.witness
        return self.metrics if witness is None else {**self.metrics, WITNESS: witness}

    @property
    def period_seconds(self) -> int:
        """Length of one sample."""
        return next(iter(self.metrics.values())).period_seconds

    @property
    def is_fast(self) -> bool:
        """Whether samples are shorter than a minute."""
        return next(iter(self.metrics.values())).is_fast

    @property
    def delay_seconds(self) -> int:
        """How late the newest sample is seen."""
        return next(iter(self.metrics.values())).delay_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSignal(_Sampled):
    """Live demand: work that must be served in the minute it arrives.

    Args:
        name: Unique within the fleet.
        metrics: The metrics that the expression names, by id.
        expression: Arithmetic over the metric ids, see `arithmetic`.
        units_per_value: Units needed for each 1 of the expression's value.
        when_silent: What missing data means. Default: hold.
        plausible_max: Values above it are rejected and counted. Default: no bound.
        second: Another measure of the same demand: where both contradict each other, nothing is
            scaled in, and growth is bounded. Default: none.
    """

    name: str
    metrics: Mapping[str, Metric]
    expression: str
    units_per_value: float = 1.0
    when_silent: WhenSilent = field(default_factory=WhenSilent)
    plausible_max: float | None = None
    second: SecondSignalSpec | None = None
    kind: Literal["rate"] = "rate"

    @property
    def reads(self) -> Mapping[str, Metric]:
        """All that is read for it: its metrics, its second signal, the witness of its silence."""
        read = _Sampled.reads.__get__(self)
        return read if self.second is None else {**read, SECOND: self.second.metric}

    def __post_init__(self) -> None:
        """Refuse a signal that could never be read."""
        owner = f"signal '{self.name}'"
        check_named("signal", "name", self.name)
        check_above(owner, "units_per_value", self.units_per_value, 0)
        for taken in (WITNESS, SECOND):
            if taken in self.metrics:
                raise SpecError(f"{owner}: no metric may have the id '{taken}', that is taken")
        arithmetic.check(self.expression, frozenset(self.metrics), owner)
        periods = sorted({metric.period_seconds for metric in self.metrics.values()})
        if len(periods) > 1:
            raise SpecError(f"{owner}: its metrics must share one period_seconds, got {periods}")
        if self.plausible_max is not None:
            check_above(owner, "plausible_max", self.plausible_max, 0)

    def units(self, values: Mapping[str, float], lead_seconds: float) -> float | None:
        """Return the units that these metric values ask for.

        None where there is no value, not-a-number where the value cannot be true.

        >>> metric = Metric(namespace="Live", metric_name="Streams")
        >>> signal = RateSignal(name="s", metrics={"m": metric}, expression="m", units_per_value=2)
        >>> signal.units({"m": 30.0}, lead_seconds=180)
        60.0
        """
        del lead_seconds  # live demand cannot wait for capacity
        value = arithmetic.evaluate(self.expression, values)
        if value is None:
            return None
        if self.plausible_max is not None and value > self.plausible_max:
            return nan
        return value * self.units_per_value


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogSignal(_Sampled):
    """Work that waits in a queue and must be finished by a deadline.

    Units needed = what is waiting, times its seconds, over the time that is left once new
    capacity serves; at least one unit for each item being worked on, and never more units than
    items, for a unit works on one item at a time. The
    steady state is the backlog-per-instance rule of the EC2 Auto Scaling user guide,
    "Scaling policy based on Amazon SQS": acceptable latency over processing time.

    Args:
        name: Unique within the fleet.
        metrics: `waiting` and, where it is known, `in_flight`: both in items.
        seconds_per_item: Seconds in which one unit finishes one item.
        drain_within_seconds: An item that waits longer is late.
        when_silent: What missing data means. Default: hold.
        plausible_max: Item counts above it are rejected and counted. Default: no bound.
    """

    name: str
    metrics: Mapping[str, Metric]
    seconds_per_item: float
    drain_within_seconds: float
    when_silent: WhenSilent = field(default_factory=WhenSilent)
    plausible_max: float | None = None
    kind: Literal["backlog"] = "backlog"

    @property
    def has_long_items(self) -> bool:
        """Whether an item takes more than half of the time that it may wait."""
        return self.finish_within_seconds > self.drain_within_seconds

    @property
    def averaged_minutes(self) -> int:
        """Over how long a forecast averages what arrives: half of the time that it may take."""
        return max(1, int(self.drain_within_seconds // MINUTE_SECONDS) // 2)

    @property
    def waits_minutes(self) -> int:
        """For how long that average may wait: the other half."""
        return max(0, int(self.drain_within_seconds // MINUTE_SECONDS) - self.averaged_minutes)

    @property
    def finish_within_seconds(self) -> float:
        """How long after it came an item must be finished."""
        return finish_within_seconds(self.seconds_per_item, self.drain_within_seconds)

    def __post_init__(self) -> None:
        """Refuse a backlog that could never be drained."""
        owner = f"signal '{self.name}'"
        check_named("signal", "name", self.name)
        check_above(owner, "seconds_per_item", self.seconds_per_item, 0)
        check_at_least(owner, "drain_within_seconds", self.drain_within_seconds, 1)
        if WAITING not in self.metrics or set(self.metrics) - {WAITING, IN_FLIGHT}:
            raise SpecError(
                f"{owner}: metrics must be {WAITING} and perhaps {IN_FLIGHT}, "
                f"got {', '.join(sorted(self.metrics))}"
            )
        if self.plausible_max is not None:
            check_above(owner, "plausible_max", self.plausible_max, 0)

    def units(self, values: Mapping[str, float], lead_seconds: float) -> float | None:
        """Return the units that these item counts ask for.

        None where there is no count, not-a-number where a count cannot be true.

        >>> sqs = Metric(namespace="AWS/SQS", metric_name="ApproximateNumberOfMessagesVisible")
        >>> signal = BacklogSignal(
        ...     name="jobs", metrics={"waiting": sqs}, seconds_per_item=90, drain_within_seconds=600
        ... )
        >>> signal.units({"waiting": 40.0}, lead_seconds=240)
        10.0
        """
        if WAITING not in values:
            return None
        if self.plausible_max is not None and max(values.values()) > self.plausible_max:
            return nan
        waiting, in_flight = values[WAITING], values.get(IN_FLIGHT, 0.0)
        if min(waiting, in_flight) < 0:
            return nan
        within_seconds = self.finish_within_seconds
        usable_seconds = max(within_seconds - lead_seconds, within_seconds / 4)
        needed = max(waiting * self.seconds_per_item / usable_seconds, in_flight)
        return min(needed, waiting + in_flight)


def finish_within_seconds(seconds_per_item: float, drain_within_seconds: float) -> float:
    """Return how long after it came an item must be finished.

    That is the time that it may wait; but nobody finishes an item sooner than in its own
    seconds, so a long one may wait for half of that time, and then be worked on. Items of up to
    a minute are never long: counts by the minute do not tell them apart.

    >>> finish_within_seconds(90, 900), finish_within_seconds(3600, 900)
    (900, 4050.0)
    """
    if seconds_per_item <= MINUTE_SECONDS:
        return drain_within_seconds
    return max(drain_within_seconds, seconds_per_item + drain_within_seconds / 2)


Signal = RateSignal | BacklogSignal
