"""QueueFleet: workers that drain a queue by a deadline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet._values import known_number
from peakfleet.control_plane import FleetState
from peakfleet.fleet import BurstFleet, IntentFleet
from peakfleet.fleet import checks as _check
from peakfleet.policy import (
    BrokenImage,
    Drain,
    EfficiencyLedger,
    KnownPeak,
    Pace,
    SafetyNet,
    ServiceLevel,
)
from peakfleet.pools import CapacityPool
from peakfleet.signals import Baseline, DemandSignal
from peakfleet_planner import SpecError

_MOST_VISIBILITY_SECONDS = 12 * 3600
_LEAST_VISIBILITY_SECONDS = 30
_MOST_DRAIN_SECONDS = 48 * 3600
_LEAST_DRAIN_SECONDS = 900
_PATIENCE_PER_MESSAGE = 6  # a worker may be slow, or take some messages at once
_RECEIVES = 5


class QueueFleet(IntentFleet):
    """Workers that drain a queue by a deadline, above what the baseline drains.

    Defines a queue with a dead-letter queue (both encrypted, TLS only) unless one is given, a
    `BurstFleet` whose demand is its backlog, and an alarm on messages that failed. The workers
    may consume the queue. One unit works on one message at a time.

    Args:
        vpc: Where the workers run.
        pools: What to burst into, in the order in which it is filled.
        seconds_per_message: Seconds in which one unit finishes one message.
        drain_within: A message that waits longer is late.
        queue: Where the work waits. Default: a new queue; a message that failed five times goes
            to its dead-letter queue.
        visibility_timeout: How long a message is a worker's own. Default: six times
            `seconds_per_message`, at least 30 seconds, at most 12 hours.
        baseline: What the company's own side drains. Default: nothing.
        service_level: What late work is worth. Default: `ServiceLevel.standard()`.
        pace: How far one tick may move the fleet. Default: half of all pools' maximum out, a
            tenth of it in.
        user_data: What workers run at boot. Default: an empty script, to be filled through the
            attribute `user_data`, once the queue's URL is known.
        vpc_subnets: Default: the private subnets, or the isolated ones if there are none.
        signals: Further sources of demand. Default: none.
        known_peaks: Demand that is sure to come, which the fleet is ready for. Default: none.
        state: What the fleet remembers in. Default: one table for all fleets of the stack.
        safety_net: The native policy that adds capacity while no tick runs. Default: when
            messages wait longer than `drain_within`.
        drain: How workers leave. Default: when idle, after at most six times
            `seconds_per_message`, at least 15 minutes, at most 48 hours.
        broken_image: What becomes of a launch template that does not work. Default:
            `BrokenImage.take_out()`.
        efficiency: Whether it measures what each chip does for its money. Default: it does not.
        alarm_topic: Told when an alarm goes off. Default: nobody.

    Raises:
        SpecError: Something contradicts itself. The message says what and where.

    Limitations:
        See `BurstFleet`. A worker that dies leaves its message to others after the visibility
        timeout, so that work must be safe to do twice. A worker says when it is busy, with
        `peakfleet_instance`; the instance of one that never does leaves as if it were idle.

    Example:
        QueueFleet(self, "Transcode", vpc=vpc, pools=[...], seconds_per_message=90,
                   drain_within=Duration.minutes(10))
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        pools: Sequence[CapacityPool],
        seconds_per_message: float,
        drain_within: Duration,
        queue: sqs.IQueue | None = None,
        visibility_timeout: Duration | None = None,
        baseline: Baseline | None = None,
        service_level: ServiceLevel | None = None,
        pace: Pace | None = None,
        user_data: ec2.UserData | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        signals: Sequence[DemandSignal] = (),
        known_peaks: Sequence[KnownPeak] = (),
        state: FleetState | None = None,
        safety_net: SafetyNet | None = None,
        drain: Drain | None = None,
        broken_image: BrokenImage | None = None,
        efficiency: EfficiencyLedger | None = None,
        alarm_topic: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        with _check.named(self):
            known_number("queue", "seconds_per_message", seconds_per_message)
            if queue is not None and visibility_timeout is not None:
                raise SpecError(
                    "visibility_timeout is for the queue that is made here; "
                    "set it on the queue that is given"
                )
        self._dead_letter_queue: sqs.IQueue | None = None
        self._queue = queue or self._define_queue(
            visibility_timeout or _visibility_timeout(seconds_per_message)
        )
        self._fleet = BurstFleet(
            self,
            "Default",
            vpc=vpc,
            pools=pools,
            signals=[
                DemandSignal.queue_backlog(
                    self._queue,
                    seconds_per_message=seconds_per_message,
                    drain_within=drain_within,
                    name="backlog",
                ),
                *signals,
            ],
            baseline=baseline,
            service_level=service_level,
            pace=pace,
            user_data=user_data,
            vpc_subnets=vpc_subnets,
            known_peaks=known_peaks,
            state=state,
            safety_net=safety_net or SafetyNet.late_messages(self._queue, older_than=drain_within),
            drain=drain or _drain(seconds_per_message),
            broken_image=broken_image,
            efficiency=efficiency,
            alarm_topic=alarm_topic,
        )
        self._queue.grant_consume_messages(self._fleet)
        self._alarms = dict(self._fleet.alarms)
        if self._dead_letter_queue is not None:
            self._alarms["FailedMessages"] = self._watch(self._dead_letter_queue, alarm_topic)

    @property
    def queue(self) -> sqs.IQueue:
        """Where the work waits."""
        return self._queue

    @property
    def dead_letter_queue(self) -> sqs.IQueue | None:
        """Where failed messages go; None if the queue was given."""
        return self._dead_letter_queue

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The fleet's alarms, and FailedMessages if the queue was made here."""
        return MappingProxyType(self._alarms)

    def _define_queue(self, visibility_timeout: Duration) -> sqs.Queue:
        failed = sqs.Queue(
            self,
            "FailedMessages",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self._dead_letter_queue = failed
        return sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=visibility_timeout,
            receive_message_wait_time=Duration.seconds(20),
            retention_period=Duration.days(14),
            dead_letter_queue=sqs.DeadLetterQueue(queue=failed, max_receive_count=_RECEIVES),
        )

    def _watch(self, failed: sqs.IQueue, topic: sns.ITopic | None) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            "FailedMessagesAlarm",
            metric=failed.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic="Maximum"
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=(
                f"Workers of the fleet {self._fleet.fleet_name} have failed {_RECEIVES} times at "
                f"a message. Look at it in the dead-letter queue and at the workers' logs, mend "
                f"the cause, then move it back (redrive)."
            ),
        )
        if topic is not None:
            alarm.add_alarm_action(actions.SnsAction(topic))
        return alarm


def _drain(seconds_per_message: float) -> Drain:
    wanted = round(_PATIENCE_PER_MESSAGE * seconds_per_message)
    at_most = min(max(wanted, _LEAST_DRAIN_SECONDS), _MOST_DRAIN_SECONDS)
    return Drain.when_idle(at_most=Duration.seconds(at_most))


def _visibility_timeout(seconds_per_message: float) -> Duration:
    wanted = round(_PATIENCE_PER_MESSAGE * seconds_per_message)
    return Duration.seconds(min(max(wanted, _LEAST_VISIBILITY_SECONDS), _MOST_VISIBILITY_SECONDS))
