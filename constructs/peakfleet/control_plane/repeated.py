from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, IStableAnyProducer, Lazy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet.control_plane.function import FleetFunction
from peakfleet.control_plane.payload import payload

_MOST_EVENT_AGE_SECONDS = 6 * 3600  # of Lambda; EventBridge Scheduler keeps an event for a day


class RepeatedFunction(FleetFunction):
    """A function that does one thing for one fleet, again and again: as it is, and its schedule.

    Args:
        purpose: What it does for the fleet, for descriptions.
        handler: Where its code begins.
        every: How often it runs; what is older than this is not delivered any more.
        timeout: How long it may take.
        memory_mib: How much memory it has, and with it how much of a processor.
        spec: Produces the specification in JSON form at the end of the synth.
        dead_letters: Where runs go that could not be delivered or failed. Default: a new queue.
        layers: What its code needs besides.
        field: Where the schedule's payload has the specification.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        purpose: str,
        handler: str,
        every: Duration,
        timeout: Duration,
        memory_mib: int,
        spec: IStableAnyProducer,
        dead_letters: sqs.IQueue | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
        field: str = "spec",
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            purpose=purpose,
            handler=handler,
            timeout=timeout,
            memory_mib=memory_mib,
            # The next run is the retry: an old one would only see old time.
            retry_attempts=0,
            max_event_age=Duration.seconds(min(every.to_seconds(), _MOST_EVENT_AGE_SECONDS)),
            dead_letters=dead_letters,
            layers=layers,
        )
        self.schedule = scheduler.Schedule(
            self,
            "Schedule",
            description=purpose,
            schedule=scheduler.ScheduleExpression.rate(every),
            time_window=scheduler.TimeWindow.off(),
            target=targets.LambdaInvoke(
                self.function,
                input=scheduler.ScheduleTargetInput.from_object(
                    payload(Lazy.any(spec), field=field)
                ),
                max_event_age=every,
                retry_attempts=1,
                dead_letter_queue=self.dead_letters,
            ),
        )


def may_read_metrics() -> iam.PolicyStatement:
    """Return the permission to read CloudWatch, for which AWS knows no narrower resource."""
    return iam.PolicyStatement(actions=["cloudwatch:GetMetricData"], resources=["*"])
