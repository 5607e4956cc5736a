"""Alarms: what is watched, when it rings, what it means and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet.control_plane import FleetFunction

_MINUTE = Duration.minutes(1)
_LEAST_IDLE_MINUTES = 15
_MOST_ALARM_MINUTES = 24 * 60
"""CloudWatch looks no further back with periods of a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One alarm: what is watched, when it rings, what it means and what to do."""

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
    metric: Callable[[str], cloudwatch.Metric],
    scaler: FleetFunction,
    events: FleetFunction,
    topic: sns.ITopic | None,
    drain_seconds: int,
) -> dict[str, cloudwatch.Alarm]:
    """Define the alarms of a fleet, by name.

    Args:
        scope: Where to define them.
        fleet: Name of the fleet.
        metric: Returns one of the fleet's metrics by its name.
        scaler: What decides for it.
        events: What takes its events.
        topic: Told when one goes off.
        drain_seconds: How long an instance may take to finish its work; 0 if none is waited for,
            so that none is protected.
    """
    branch = Construct(scope, "Alarms")
    watches = (*_watches(fleet, metric, scaler), _on_events(fleet, events))
    if drain_seconds:
        watches = (*watches, _on_idle_protected(fleet, metric("IdleProtected"), drain_seconds))
    return {watch.name: alarm_of(branch, watch, topic) for watch in watches}


def _watches(
    fleet: str, metric: Callable[[str], cloudwatch.Metric], scaler: FleetFunction
) -> tuple[Watch, ...]:
    return (
        Watch(
            name="NoTicks",
            metric=metric("Ticks").with_(statistic="Sum"),
            minutes=3,
            threshold=1,
            below=True,
            silence_rings=True,
            description=(
                f"Nobody has decided for the fleet {fleet} for 3 minutes. What runs keeps running "
                f"and the groups' own policies still add capacity, but nothing follows demand. "
                f"Look at the scaler's log group and dead-letter queue and at its schedule; until "
                f"it runs again, set the groups' desired capacity by hand."
            ),
        ),
        Watch(
            name="AtMaximum",
            metric=metric("AtMaximum"),
            minutes=10,
            description=(
                f"The fleet {fleet} has wanted more than all its pools' maxima for 10 minutes; "
                f"demand goes unserved. Raise max_instances or add a pool, and check the "
                f"account's EC2 quotas. If demand looks wrong, check the signals in the "
                f"scaler's log."
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
            name="MissingCapacity",
            metric=metric("CapacityMissing"),
            minutes=5,
            description=(
                f"Capacity that the fleet {fleet} asked for has not come, long after a boot would "
                f"have been over. Its pool is left alone for a while, and the next one is asked. "
                f"`peakfleet status` names the pool; look at the activity history of its group, "
                f"at quotas and at the addresses that are left in its subnets."
            ),
        ),
        Watch(
            name="ProcessesSuspended",
            metric=metric("ProcessesSuspended"),
            minutes=10,
            description=(
                f"Somebody has suspended processes of a group of the fleet {fleet}, such as Launch "
                f"or Terminate, so that AWS does not do what the fleet asks for. `peakfleet "
                f"status` names group and process; resume it (autoscaling resume-processes) once "
                f"nobody needs it suspended."
            ),
        ),
        Watch(
            name="NoWorkTaken",
            metric=metric("IdleUnits"),
            minutes=3,
            description=(
                f"Work waits for the fleet {fleet}, and instances that serve take none of it, so "
                f"that growth has stopped. Look for messages that no worker can finish (give the "
                f"queue a dead-letter queue), for a FIFO queue with few message groups, and at the "
                f"workers' logs."
            ),
        ),
        Watch(
            name="HeldUnserved",
            metric=metric("HeldUnservedUnits"),
            minutes=5,
            description=(
                f"A hold keeps the fleet {fleet} as it is, and demand has gone unserved under it "
                f"for 5 minutes. `peakfleet status` says who has set it, why and until when; "
                f"`peakfleet release` ends it."
            ),
        ),
        Watch(
            name="BaselineUnknown",
            metric=metric("BaselineUnknown"),
            minutes=10,
            description=(
                f"The on-premises side has not reported its healthy units to the fleet {fleet} for "
                f"10 minutes. The fleet assumes that only a part of it is up, and bursts more than "
                f"it may need, which costs money. Make the reporter publish again; if the side is "
                f"really down, the fleet carries what it can."
            ),
        ),
        Watch(
            name="BrokenPool",
            metric=metric("PoolsBroken"),
            minutes=1,
            description=(
                f"A pool of the fleet {fleet} cannot be launched, or its instances never serve. "
                f"Other pools make up for it. `peakfleet status` says which pool and why: a "
                f"launch template that AWS refuses (bad-template), instances that never become "
                f"healthy (never-ready), or a missing permission (not-authorised). With "
                f"BrokenImage.roll_back() the pool goes back to the launch template version "
                f"before; the metric RolledBack counts such pools until a newer version is "
                f"deployed."
            ),
        ),
        Watch(
            name="OtherWriter",
            metric=metric("OtherWriter"),
            minutes=1,
            description=(
                f"Somebody else has set the size of a group of the fleet {fleet}: a human, a "
                f"script or a scaling policy. The size is left alone for now, and other pools "
                f"make up for it. CloudTrail and the group's activity history name who it was. "
                f"To freeze a fleet, use peakfleet hold."
            ),
        ),
        Watch(
            name="ReplacementHalted",
            metric=metric("ReplacementHalted"),
            minutes=1,
            description=(
                f"More than 45 % of a group of the fleet {fleet} is unhealthy at once, which is "
                f"rarely the instances' own fault, so they are no longer replaced. Look at what "
                f"they depend on; replacement resumes below 20 %."
            ),
        ),
        Watch(
            name="StuckDrains",
            metric=metric("StuckDrains"),
            minutes=5,
            description=(
                f"An instance of the fleet {fleet} was told to leave and has not left in its "
                f"time. It is terminated once its agent gives up; one whose drain is not known "
                f"runs, and costs, until you terminate it. Look at its worker."
            ),
        ),
        Watch(
            name="StaleSignals",
            metric=metric("StaleSignals"),
            minutes=10,
            description=(
                f"A demand signal of the fleet {fleet} has been silent or implausible for 10 "
                f"minutes. The fleet holds what it has and lets go of nothing, which costs money. "
                f"The scaler's log names the signal; make its publisher report again."
            ),
        ),
        Watch(
            name="FailedCalls",
            metric=metric("FailedCalls"),
            minutes=5,
            description=(
                f"AWS has refused calls of the scaler of the fleet {fleet} for 5 minutes, so that "
                f"it reads less than it should or its decisions have no effect. The scaler's log "
                f"names call and error; check permissions, throttling and AWS's health."
            ),
        ),
        Watch(
            name="ScalerErrors",
            metric=scaler.function.metric_errors(period=_MINUTE, statistic="Sum"),
            minutes=3,
            description=(
                f"The scaler of the fleet {fleet} has crashed or run out of time for 3 minutes. "
                f"What runs keeps running. Read the error in its log group; if a deployment "
                f"brought it, roll that back."
            ),
        ),
        Watch(
            name="DeadLetters",
            metric=scaler.dead_letters.metric_approximate_number_of_messages_visible(
                period=_MINUTE, statistic="Maximum"
            ),
            minutes=1,
            description=(
                f"Ticks of the fleet {fleet}, or its hourly lessons, could not be delivered or "
                f"failed. Each message in the scaler's dead-letter queue names the error. Purge "
                f"the queue once it is mended; an old tick must not be replayed."
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


def _on_events(fleet: str, events: FleetFunction) -> Watch:
    return Watch(
        name="EventErrors",
        metric=events.function.metric_errors(period=_MINUTE, statistic="Sum"),
        minutes=5,
        description=(
            f"Events of the fleet {fleet} could not be taken for 5 minutes, so that it learns of "
            f"failed launches and of instances that AWS takes back only by what its groups show. "
            f"It goes on deciding every minute. The log group of its events function names the "
            f"call that AWS refuses; check permissions, throttling and AWS's health."
        ),
    )


def alarm_of(scope: Construct, watch: Watch, topic: sns.ITopic | None) -> cloudwatch.Alarm:
    """Define one alarm. Its id in *scope* is its name."""
    alarm = cloudwatch.Alarm(
        scope,
        watch.name,
        metric=watch.metric,
        alarm_description=watch.description,
        evaluation_periods=watch.minutes,
        threshold=watch.threshold,
        comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        if watch.below
        else cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.BREACHING
        if watch.silence_rings
        else cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    if topic is not None:
        alarm.add_alarm_action(actions.SnsAction(topic))
    return alarm


def health_of(
    scope: Construct, fleet: str, alarms: Mapping[str, cloudwatch.Alarm]
) -> cloudwatch.CompositeAlarm:
    """Define the one alarm that rings when any of a fleet's does. Nobody is told of it.

    Its id in *scope* is FleetHealth. Whoever wants a single page adds an action to this one, and
    gives the fleet no topic.
    """
    health = cloudwatch.CompositeAlarm(
        scope,
        "FleetHealth",
        alarm_description=(
            f"At least one alarm of the fleet {fleet} rings: {', '.join(alarms)}. The alarm that "
            f"rings says what it means and what to do."
        ),
        alarm_rule=cloudwatch.AlarmRule.any_of(
            *(
                cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
                for alarm in alarms.values()
            )
        ),
    )
    resource = cast("cloudwatch.CfnCompositeAlarm", health.node.default_child)
    # The CDK's name is of the construct path, which two stacks may share.
    resource.add_property_deletion_override("AlarmName")
    return health
