"""Alarms: what is watched, when it rings, what it means and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet.findings import acknowledge
from peakfleet.runbooks import runbook_page, with_runbook
from peakfleet_planner.spec import CAPACITY_TROUBLE, DEMAND, LASTING_TROUBLE, POOL_TROUBLE

_MINUTE = Duration.minutes(1)
_LEAST_IDLE_MINUTES = 15
_MOST_ALARM_MINUTES = 24 * 60
"""CloudWatch looks no further back with periods of a minute."""
_NO_ACTION = {"CloudWatchAlarmAction": "alarm_topic= gives it one, and FleetHealth rings with it"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One alarm: what is watched, when it rings, what it means and what to do.

    With `silence_rings` a minute without values counts as 0. It is the metric that is filled, as
    an alarm looks further back for values before it takes its missing data for what it should,
    and would ring minutes late.
    """

    name: str
    metric: cloudwatch.IMetric
    minutes: int
    description: str
    threshold: float = 0
    below: bool = False
    silence_rings: bool = False


def define_alarms(
    scope: Construct,
    *,
    fleet: str,
    metric: Callable[..., cloudwatch.Metric],
    topic: sns.ITopic | None,
    drain_seconds: int,
) -> dict[str, cloudwatch.Alarm]:
    """Define the alarms of a fleet, by name.

    CloudWatch bills each of them, so one alarm stands for all troubles that last as long before
    somebody is told. Its description says what they are, the log line and `peakfleet status`
    which of them it is.

    Args:
        scope: Where to define them.
        fleet: Name of the fleet.
        metric: Returns one of the fleet's metrics by its name, and by another statistic.
        topic: Told when one goes off.
        drain_seconds: How long an instance may take to finish its work; 0 if none is waited for,
            so that none is protected.
    """
    watches = _watches(fleet, metric)
    if drain_seconds:
        watches = (*watches, _on_idle_protected(fleet, metric("IdleProtected"), drain_seconds))
    return alarms_of(scope, watches, topic)


def alarms_of(
    scope: Construct,
    watches: Iterable[Watch],
    topic: sns.ITopic | None,
    *,
    construct_id: str = "Alarms",
) -> dict[str, cloudwatch.Alarm]:
    """Define alarms below one construct in *scope*, by name."""
    branch = Construct(scope, construct_id)
    acknowledge(branch, _NO_ACTION)
    page = runbook_page(scope)
    alarms = {watch.name: _alarm(branch, watch, page) for watch in watches}
    if topic is not None:
        tell(alarms.values(), topic)
    return alarms


def _watches(fleet: str, metric: Callable[..., cloudwatch.Metric]) -> tuple[Watch, ...]:
    which = "`peakfleet status` and the field troubles of the scaler's log say which."
    return (
        Watch(
            name="NoTicks",
            metric=metric(DEMAND, statistic="SampleCount"),
            minutes=3,
            threshold=1,
            below=True,
            silence_rings=True,
            description=(
                f"Nobody has decided for the fleet {fleet} for 3 minutes. What runs keeps running "
                f"and the groups' own policies still add capacity, but nothing follows demand. "
                f"Look for errors of this fleet in the scaler's log group, at the dead-letter "
                f"queue of its control plane and at the fleet's schedule; if a deployment brought "
                f"it, roll that back. Until it runs again, set the groups' desired capacity by "
                f"hand."
            ),
        ),
        Watch(
            name="UnservedDemand",
            metric=metric("UnservedUnits"),
            minutes=10,
            description=(
                f"Demand of the fleet {fleet} has gone unserved for 10 minutes: more is asked for "
                f"than its baseline and the instances in service carry. `peakfleet status` gives "
                f"the reason of the last decision. If capacity is on its way this ends by itself; "
                f"otherwise look at the fleet's other alarms, at its pools and at its limits."
            ),
        ),
        Watch(
            name=POOL_TROUBLE,
            metric=metric(POOL_TROUBLE),
            minutes=1,
            description=(
                f"A pool of the fleet {fleet} is not as it should be; others make up for it. "
                f"{which} PoolsBroken: it cannot be launched (bad-template, not-authorised) or "
                f"never serves (never-ready): mend its launch template or permission. "
                f"OtherWriter: a human, a script or a policy has set its size, which is left "
                f"alone for now; CloudTrail names who; to freeze a fleet use `peakfleet hold`. "
                f"ReplacementHalted: more than 45 % of it is unhealthy at once, so nothing is "
                f"replaced until it is below 20 %; look at what its instances depend on."
            ),
        ),
        Watch(
            name=CAPACITY_TROUBLE,
            metric=metric(CAPACITY_TROUBLE),
            minutes=5,
            description=(
                f"The fleet {fleet} has not got, or cannot use, the capacity it wants for 5 "
                f"minutes. {which} CapacityMissing: what was asked for "
                f"does not come; look at group activity, quotas, free addresses. IdleUnits: work "
                f"waits and instances take none; look for poison messages and at worker logs. "
                f"HeldUnservedUnits: a hold keeps it small; `peakfleet resume`. StuckDrains: an "
                f"instance told to leave has not; look at its worker, and terminate it if its "
                f"drain is unknown. FailedCalls: AWS refuses calls; the log names call and error. "
                f"SpendReached: a spend limit is used up; `peakfleet spend-override`. UnseenJump: "
                f"demand was never so high; look whether it is true."
            ),
        ),
        Watch(
            name=LASTING_TROUBLE,
            metric=metric(LASTING_TROUBLE),
            minutes=10,
            description=(
                f"The fleet {fleet} has decided with less than it needs for 10 minutes. {which} "
                f"AtMaximum: it wants more than all maxima; raise max_instances or add a pool. "
                f"StaleSignals: a signal is silent or implausible, so it lets go of nothing; mend "
                f"its publisher. BaselineUnknown: the on-premises side does not report, so it may "
                f"burst too much; mend the reporter. BaselineDegraded: capacity is bought for what "
                f"that side lacks. TargetsDead: a side has no healthy server and gets no traffic. "
                f"DownstreamLimited: what the fleet leans on bears no more. ProcessesSuspended: "
                f"somebody has suspended a process of a group; `autoscaling resume-processes`. "
                f"SpendNear: 80% of a spend limit is used. WitnessContradicts: a signal and its "
                f"witness do not agree."
            ),
        ),
    )


def _on_idle_protected(fleet: str, metric: cloudwatch.IMetric, drain_seconds: int) -> Watch:
    minutes = min(max(ceil(drain_seconds / 60), _LEAST_IDLE_MINUTES), _MOST_ALARM_MINUTES)
    return Watch(
        name="IdleProtected",
        metric=metric,
        minutes=minutes,
        description=(
            f"Instances of the fleet {fleet} have been protected from scale-in for {minutes} "
            f"minutes without work that is known, while the fleet wants fewer; they run, and "
            f"cost, until they are let go. Look at their workers: one that hangs, or that never "
            f"says that it is idle, keeps its instance busy; restart it. Without an agent that "
            f"runs, nobody takes the protection away: start it (systemctl restart "
            f"peakfleet-agent), or end it by hand (autoscaling set-instance-protection "
            f"--no-protected-from-scale-in)."
        ),
    )


def plane_alarms(
    scope: Construct,
    *,
    scaler: lambda_.IFunction,
    dead_letters: sqs.IQueue,
    has_reader: bool,
) -> dict[str, cloudwatch.Alarm]:
    """Define the alarms of a control plane's functions, by name.

    Args:
        scope: The control plane.
        scaler: What decides.
        dead_letters: Where runs go that could not be delivered or failed.
        has_reader: Whether one function reads for all fleets.
    """
    plane, readings = scope.node.path, ", readings" if has_reader else ""
    watches = (
        Watch(
            name="ScalerErrors",
            metric=scaler.metric_errors(period=_MINUTE, statistic="Sum"),
            minutes=3,
            description=(
                f"Ticks of fleets of {plane} have crashed or run out of time for 3 minutes. What "
                f"runs keeps running. NoTicks rings for each fleet that nobody decides for. Read "
                f"the error in the scaler's log group; if a deployment brought it, roll that back."
            ),
        ),
        Watch(
            name="DeadLetters",
            metric=dead_letters.metric_approximate_number_of_messages_visible(
                period=_MINUTE, statistic="Maximum"
            ),
            minutes=1,
            description=(
                f"Ticks, lessons, books{readings} or events of the fleets of {plane} could not be "
                f"delivered or failed. Each message in the dead-letter queue names fleet and "
                f"error. Purge the queue once it is mended; an old tick must not be replayed."
            ),
        ),
    )
    return alarms_of(scope, watches, None)


def events_alarm(scope: Construct, *, plane: str, events: lambda_.IFunction) -> cloudwatch.Alarm:
    """Define the alarm of what takes events. Its id in *scope* is EventErrors.

    Args:
        scope: Where to define it.
        plane: The control plane.
        events: What takes events.
    """
    watch = Watch(
        name="EventErrors",
        metric=events.metric_errors(period=_MINUTE, statistic="Sum"),
        minutes=5,
        description=(
            f"Events of the fleets of {plane} could not be taken for 5 minutes, so that they "
            f"learn of failed launches and of instances that AWS takes back only by what their "
            f"groups show. They go on deciding every minute. The log group of the events "
            f"function names the call that AWS refuses; check permissions, throttling and "
            f"AWS's health."
        ),
    )
    return alarm_of(scope, watch, None)


def reader_alarm(scope: Construct, *, plane: str, reader: lambda_.IFunction) -> cloudwatch.Alarm:
    """Define the alarm of what reads for all fleets. Its id in *scope* is ReaderErrors.

    Args:
        scope: Where to define it.
        plane: The control plane.
        reader: What reads.
    """
    watch = Watch(
        name="ReaderErrors",
        metric=reader.metric_errors(period=_MINUTE, statistic="Sum"),
        minutes=5,
        description=(
            f"The shared reader of {plane} has failed for 5 minutes. Its fleets read for "
            f"themselves and go on deciding, so that GetMetricData is called once for each of "
            f"them: FailedCalls says if that is more than its quota. The log group of the reader "
            f"names the call that AWS refuses, and the fleets without a reading; check "
            f"permissions, throttling and AWS's health."
        ),
    )
    return alarm_of(scope, watch, None)


def tell(alarms: Iterable[cloudwatch.Alarm], topic: sns.ITopic) -> None:
    """Tell a topic when one of these goes off."""
    for alarm in alarms:
        alarm.add_alarm_action(actions.SnsAction(topic))


def alarm_of(scope: Construct, watch: Watch, topic: sns.ITopic | None) -> cloudwatch.Alarm:
    """Define one alarm. Its id in *scope* is its name, and its text ends with its runbook."""
    alarm = _alarm(scope, watch, runbook_page(scope))
    if topic is not None:
        tell([alarm], topic)
    acknowledge(alarm, _NO_ACTION)
    return alarm


def _alarm(scope: Construct, watch: Watch, page: str) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        scope,
        watch.name,
        metric=cloudwatch.MathExpression(
            expression="FILL(m, 0)", using_metrics={"m": watch.metric}, period=_MINUTE
        )
        if watch.silence_rings
        else watch.metric,
        alarm_description=with_runbook(page, watch.name.removesuffix("Alarm"), watch.description),
        evaluation_periods=watch.minutes,
        threshold=watch.threshold,
        comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        if watch.below
        else cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.BREACHING
        if watch.silence_rings
        else cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def in_alarm(alarm: cloudwatch.IAlarm) -> cloudwatch.IAlarmRule:
    """Return the rule that an alarm is in the state ALARM."""
    return cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)


def health_of(
    scope: Construct,
    fleet: str,
    alarms: Mapping[str, cloudwatch.Alarm],
    plane: Mapping[str, cloudwatch.IAlarmRule],
) -> cloudwatch.CompositeAlarm:
    """Define the one alarm that rings when any of a fleet's does. Nobody is told of it.

    Its id in *scope* is FleetHealth. Whoever wants a single page adds an action to this one, and
    gives the fleet no topic.

    Args:
        scope: The fleet.
        fleet: Its name.
        alarms: Its own alarms.
        plane: That those of its control plane ring, by name, which counts too.
    """
    health = cloudwatch.CompositeAlarm(
        scope,
        "FleetHealth",
        alarm_description=with_runbook(
            runbook_page(scope),
            "FleetHealth",
            f"At least one alarm of the fleet {fleet} or its control plane rings: "
            f"{', '.join((*alarms, *plane))}. The alarm that rings says what it means and what "
            f"to do.",
        ),
        alarm_rule=cloudwatch.AlarmRule.any_of(*map(in_alarm, alarms.values()), *plane.values()),
    )
    resource = cast("cloudwatch.CfnCompositeAlarm", health.node.default_child)
    # The CDK's name is of the construct path, which two stacks may share.
    resource.add_property_deletion_override("AlarmName")
    return health
