"""Demand signals: where a fleet reads how much work there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_sqs as sqs

from peakfleet._values import check_kind, known_number, seconds
from peakfleet.signals.metrics import ReadMetric, read
from peakfleet.signals.silence import WhenSilent
from peakfleet_planner import (
    IN_FLIGHT,
    WAITING,
    BacklogSignal,
    RateSignal,
    SecondSignalSpec,
    Signal,
    SpecError,
)

_MINUTE = Duration.minutes(1)
_BYTES_PER_MEGABYTE = 1_000_000
_VALUE = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSignal:
    """One source of demand. Of several signals of a fleet, the largest request wins.

    Use `queue_backlog`, `metric`, `request_rate`, `throughput` or `metric_math`.

    Args:
        spec: The signal as the planner reads it.
        metrics: What it reads, and where; a witness of silence comes last.
        queue: The queue of a backlog signal.
        second: What witnesses it, and where that is read. Default: nothing.
    """

    spec: Signal
    metrics: tuple[ReadMetric, ...]
    queue: sqs.IQueue | None = None
    second: ReadMetric | None = None

    def witnessed_by(
        self,
        metric: cloudwatch.IMetric,
        *,
        units_per_value: float = 1.0,
        at_most_factor: float = 2.0,
    ) -> DemandSignal:
        """Return the signal with a second, independent measure of the same demand.

        While both contradict each other nothing is scaled in, and the fleet grows to no more than
        the witness confirms. Demand of more than twice what was ever seen is followed step by
        step, twice as far in each tick. Both are told by an alarm. A witness that is silent says
        nothing.

        Args:
            metric: A plain metric of another source: the load balancer's requests beside the
                streams that the application counts.
            units_per_value: Units for each 1 of its value. Default: 1.
            at_most_factor: Both agree as long as neither asks for more than so many times what
                the other does, above 1. Default: 2.

        Raises:
            SpecError: The signal is a queue's backlog, or an argument cannot be.
        """
        owner = f"signal '{self.name}'"
        if not isinstance(self.spec, RateSignal):
            raise SpecError(f"{owner}: only live demand can have a witness, not a backlog")
        for name, value in (("units_per_value", units_per_value), ("factor", at_most_factor)):
            known_number(f"{owner}: witness", name, value)
        second = read(f"{owner}: witness", metric)
        witness = SecondSignalSpec(
            metric=second.metric, units_per_value=units_per_value, at_most_factor=at_most_factor
        )
        return replace(self, spec=replace(self.spec, second=witness), second=second)

    @property
    def name(self) -> str:
        """Unique within the fleet."""
        return self.spec.name

    def seen_from(self, stack: Stack) -> DemandSignal:
        """Return the signal as a fleet in *stack* reads it: metrics of other accounts name them.

        Raises:
            SpecError: A metric is of another region.
        """
        owner = f"signal '{self.name}'"
        seen = [one.seen_from(owner, stack) for one in self.metrics]
        metrics = dict(zip(self.spec.metrics, seen, strict=False))
        silence = self.spec.when_silent
        if silence.witness is not None:
            silence = replace(silence, witness=seen[-1])
        spec = replace(self.spec, metrics=metrics, when_silent=silence)
        if isinstance(spec, RateSignal) and spec.second and self.second:
            second = self.second.seen_from(f"{owner}: witness", stack)
            spec = replace(spec, second=replace(spec.second, metric=second))
        return replace(self, spec=spec)

    @classmethod
    def queue_backlog(
        cls,
        queue: sqs.IQueue,
        *,
        seconds_per_message: float,
        drain_within: Duration,
        name: str | None = None,
        when_silent: WhenSilent | None = None,
        plausible_max: float | None = None,
    ) -> DemandSignal:
        """Ask for what works *queue* off in time. One unit works on one message at a time.

        Args:
            queue: Messages that wait and messages in flight both count.
            seconds_per_message: Seconds in which one unit finishes one message.
            drain_within: A message that waits longer is late. Must be longer than the time
                that new capacity needs to serve, or late work cannot be avoided.
            name: Default: the queue's construct path.
            when_silent: What missing data means. Default: an empty queue stays empty, for SQS
                publishes nothing of one that nobody has touched for six hours; while it held
                anything, the last value still stands.
            plausible_max: Message counts above it are rejected. Default: no bound.

        Raises:
            SpecError: A number is out of range.
        """
        check_kind(f"signal '{name or 'backlog'}'", "queue", queue, sqs.IQueue)
        owner = f"signal '{name or queue.node.path}'"
        _known(owner, seconds_per_message=seconds_per_message, plausible_max=plausible_max)
        if seconds_per_message <= 0:
            raise SpecError(
                f"{owner}: seconds_per_message must be above 0, got {seconds_per_message:g}"
            )
        waiting = queue.metric_approximate_number_of_messages_visible(
            period=_MINUTE, statistic="Maximum"
        )
        in_flight = queue.metric_approximate_number_of_messages_not_visible(
            period=_MINUTE, statistic="Maximum"
        )
        silence = when_silent or WhenSilent.means_zero()
        metrics = {
            WAITING: read(owner, waiting, of=queue),
            IN_FLIGHT: read(owner, in_flight, of=queue),
        }
        return cls(
            spec=BacklogSignal(
                name=name or queue.node.path,
                metrics={key: metric.metric for key, metric in metrics.items()},
                seconds_per_item=seconds_per_message,
                drain_within_seconds=seconds(owner, "drain_within", drain_within),
                when_silent=silence.to_planner(owner, 60),
                plausible_max=plausible_max,
            ),
            metrics=(*metrics.values(), *silence.read_witness(owner)),
            queue=queue,
        )

    @classmethod
    def metric(
        cls,
        metric: cloudwatch.IMetric,
        *,
        units_per_value: float = 1,
        name: str | None = None,
        when_silent: WhenSilent | None = None,
        plausible_max: float | None = None,
    ) -> DemandSignal:
        """Ask for units in proportion to a CloudWatch metric.

        Args:
            metric: Read with its own statistic and period; note that the CDK's default period
                is 5 minutes. With a period of 10, 20 or 30 seconds, of a metric that is
                published with high resolution, the fleet sees a peak within seconds and does not
                wait for the next minute, see `PressureAlarm`. Must be of the fleet's region; one of
                another account is read there, if that shares its metrics.
            units_per_value: Units needed for each 1 of its value. Default: 1.
            name: Default: the metric's name.
            when_silent: What missing data means. Default: the last value still stands.
            plausible_max: Values above it are rejected. Default: no bound.

        Raises:
            SpecError: The metric is a math expression, or a number is out of range.
        """
        one = read(f"signal '{name or 'metric'}'", metric)
        return cls._rate(
            name=name or one.metric.metric_name,
            metrics={_VALUE: one},
            expression=_VALUE,
            units_per_value=units_per_value,
            when_silent=when_silent,
            plausible_max=plausible_max,
        )

    @classmethod
    def request_rate(
        cls,
        load_balancer: elbv2.IApplicationLoadBalancer,
        *,
        units_per_request_per_second: float = 1,
        name: str | None = None,
        when_silent: WhenSilent | None = None,
        plausible_max: float | None = None,
    ) -> DemandSignal:
        """Ask for units in proportion to the requests that a load balancer gets per second.

        Args:
            load_balancer: The one that all requests pass, also those for the baseline.
            units_per_request_per_second: Units needed for each request per second. Default: 1.
            name: Default: the load balancer's construct path.
            when_silent: What missing data means. Default: nothing to serve, because a load
                balancer without traffic publishes nothing.
            plausible_max: Requests per second above it are rejected. Default: no bound.

        Raises:
            SpecError: A number is out of range.
        """
        balancer = elbv2.IApplicationLoadBalancer
        check_kind(f"signal '{name or 'requests'}'", "load_balancer", load_balancer, balancer)
        name = name or load_balancer.node.path
        requests = load_balancer.metrics.request_count(period=_MINUTE, statistic="Sum")
        return cls._rate(
            name=name,
            metrics={_VALUE: read(f"signal '{name}'", requests, of=load_balancer)},
            expression=f"{_VALUE} / 60",
            units_per_value=units_per_request_per_second,
            when_silent=when_silent or WhenSilent.means_zero(),
            plausible_max=plausible_max,
        )

    @classmethod
    def throughput(
        cls,
        bytes_metric: cloudwatch.IMetric,
        *,
        units_per_megabyte_per_second: float = 1,
        name: str | None = None,
        when_silent: WhenSilent | None = None,
        plausible_max: float | None = None,
    ) -> DemandSignal:
        """Ask for units in proportion to megabytes (10^6 bytes) per second.

        Args:
            bytes_metric: Bytes moved; read as the sum over its own period.
            units_per_megabyte_per_second: Units needed for each MB/s. Default: 1.
            name: Default: the metric's name.
            when_silent: What missing data means. Default: the last value still stands.
            plausible_max: MB/s above it are rejected. Default: no bound.

        Raises:
            SpecError: The metric is a math expression, or a number is out of range.
        """
        one = read(f"signal '{name or 'throughput'}'", bytes_metric, statistic="Sum")
        return cls._rate(
            name=name or one.metric.metric_name,
            metrics={_VALUE: one},
            expression=f"{_VALUE} / {one.metric.period_seconds * _BYTES_PER_MEGABYTE}",
            units_per_value=units_per_megabyte_per_second,
            when_silent=when_silent,
            plausible_max=plausible_max,
        )

    @classmethod
    def metric_math(
        cls,
        expression: str,
        *,
        metrics: Mapping[str, cloudwatch.IMetric],
        name: str,
        units_per_value: float = 1,
        when_silent: WhenSilent | None = None,
        plausible_max: float | None = None,
    ) -> DemandSignal:
        """Ask for units in proportion to arithmetic over several metrics.

        The fleet evaluates it, not CloudWatch, so that a missing operand is noticed.

        Args:
            expression: Numbers, metric ids, `+ - * /`, brackets, `MIN`, `MAX`, `ABS` and
                `FILL(id, number)`. A minute without one of its operands has no value.
            metrics: The metrics by id. They must share one period.
            name: Unique within the fleet.
            units_per_value: Units needed for each 1 of its value. Default: 1.
            when_silent: What missing data means. Default: the last value still stands.
            plausible_max: Values above it are rejected. Default: no bound.

        Raises:
            SpecError: The expression cannot be read, or a number is out of range.
        """
        owner = f"signal '{name}'"
        return cls._rate(
            name=name,
            metrics={key: read(f"{owner}, metric {key}", one) for key, one in metrics.items()},
            expression=expression,
            units_per_value=units_per_value,
            when_silent=when_silent,
            plausible_max=plausible_max,
        )

    @classmethod
    def _rate(
        cls,
        *,
        name: str,
        metrics: Mapping[str, ReadMetric],
        expression: str,
        units_per_value: float,
        when_silent: WhenSilent | None,
        plausible_max: float | None,
    ) -> DemandSignal:
        owner = f"signal '{name}'"
        _known(owner, units_per_value=units_per_value, plausible_max=plausible_max)
        period_seconds = max((one.metric.period_seconds for one in metrics.values()), default=60)
        silence = when_silent or WhenSilent.hold()
        return cls(
            spec=RateSignal(
                name=name,
                metrics={key: one.metric for key, one in metrics.items()},
                expression=expression,
                units_per_value=units_per_value,
                when_silent=silence.to_planner(owner, period_seconds),
                plausible_max=plausible_max,
            ),
            metrics=(*metrics.values(), *silence.read_witness(owner)),
        )


def _known(owner: str, **numbers: float | None) -> None:
    for field, value in numbers.items():
        if value is not None:
            known_number(owner, field, value)
