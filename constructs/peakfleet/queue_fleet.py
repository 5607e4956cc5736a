"""QueueFleet: workers that drain a queue by a deadline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Unpack

from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet._values import check_own, known_number
from peakfleet.alarms import Watch, alarm_of
from peakfleet.control_plane import Encryption
from peakfleet.fleet import BurstFleet, FleetOptions, IntentFleet, check_fleet_options, named
from peakfleet.policy import Drain, SafetyNet
from peakfleet.pools import CapacityPool
from peakfleet.signals import DemandSignal
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
        queue: Where the work waits, in the fleet's account and region. Default: a new queue; a
            message that failed five times goes to its dead-letter queue.
        visibility_timeout: How long a message is a worker's own. Default: six times
            `seconds_per_message`, at least 30 seconds, at most 12 hours.
        signals: Further sources of demand. Default: none.
        options: See `FleetOptions`. Defaults that differ: workers leave when they are idle, after
            at most six times `seconds_per_message`, at least 15 minutes, at most 48 hours; the
            safety net adds capacity when messages wait longer than `drain_within`.

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
        signals: Sequence[DemandSignal] = (),
        **options: Unpack[FleetOptions],
    ) -> None:
        super().__init__(scope, construct_id)
        with named(self):
            check_fleet_options(
                self,
                options,
                FleetOptions,
                vpc=vpc,
                queue=queue,
                visibility_timeout=visibility_timeout,
            )
            known_number("queue", "seconds_per_message", seconds_per_message)
            if queue is not None and visibility_timeout is not None:
                raise SpecError(
                    "visibility_timeout is for the queue that is made here; "
                    "set it on the queue that is given"
                )
            if queue is not None:
                check_own(
                    "queue",
                    queue,
                    Stack.of(self),
                    otherwise="read its demand alone with a BurstFleet and "
                    "DemandSignal.queue_backlog, and admit the fleet's role in the queue's own "
                    "policy",
                )
        self._dead_letter_queue: sqs.IQueue | None = None
        self._queue = queue or self._define_queue(
            visibility_timeout or _visibility_timeout(seconds_per_message),
            options.get("encryption") or Encryption(),
        )
        if isinstance(queue, sqs.Queue) and queue.dead_letter_queue is None:
            Annotations.of(self).add_warning_v2(
                "peakfleet:QueueFleet.noDeadLetterQueue",
                f"the queue {queue.node.path} has no dead-letter queue, so that a message that no "
                f"worker can finish comes back for ever and keeps the fleet large; give it one",
            )
        backlog = DemandSignal.queue_backlog(
            self._queue,
            seconds_per_message=seconds_per_message,
            drain_within=drain_within,
            name="backlog",
        )
        options["drain"] = options.get("drain") or _drain(seconds_per_message)
        options["safety_net"] = options.get("safety_net") or SafetyNet.late_messages(
            self._queue, older_than=drain_within
        )
        self._fleet = BurstFleet(
            self, "Default", vpc=vpc, pools=pools, signals=[backlog, *signals], **options
        )
        self._queue.grant_consume_messages(self._fleet)
        self._alarms = dict(self._fleet.alarms)
        if self._dead_letter_queue is not None:
            self._alarms["FailedMessages"] = alarm_of(
                self,
                Watch(
                    name="FailedMessagesAlarm",
                    metric=self._dead_letter_queue.metric_approximate_number_of_messages_visible(
                        period=Duration.minutes(1), statistic="Maximum"
                    ),
                    minutes=1,
                    description=(
                        f"Workers of the fleet {self.fleet_name} have failed {_RECEIVES} times at "
                        f"a message. Look at it in the dead-letter queue and at the workers' logs, "
                        f"mend the cause, then move it back (redrive)."
                    ),
                ),
                options.get("alarm_topic"),
            )

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

    def _define_queue(self, visibility_timeout: Duration, encryption: Encryption) -> sqs.Queue:
        failed = encryption.queue(self, "FailedMessages")
        self._dead_letter_queue = failed
        return encryption.queue(
            self,
            "Queue",
            visibility_timeout=visibility_timeout,
            receive_message_wait_time=Duration.seconds(20),
            dead_letter_queue=sqs.DeadLetterQueue(queue=failed, max_receive_count=_RECEIVES),
        )


def _drain(seconds_per_message: float) -> Drain:
    wanted = round(_PATIENCE_PER_MESSAGE * seconds_per_message)
    at_most = min(max(wanted, _LEAST_DRAIN_SECONDS), _MOST_DRAIN_SECONDS)
    return Drain.when_idle(at_most=Duration.seconds(at_most))


def _visibility_timeout(seconds_per_message: float) -> Duration:
    wanted = round(_PATIENCE_PER_MESSAGE * seconds_per_message)
    return Duration.seconds(min(max(wanted, _LEAST_VISIBILITY_SECONDS), _MOST_VISIBILITY_SECONDS))
