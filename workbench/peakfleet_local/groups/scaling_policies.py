"""Native scaling policies of groups: target tracking, and steps that alarms trigger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.cloudwatch.models import cloudwatch_backends

from peakfleet_local.groups.activities import place_of
from peakfleet_local.groups.configuration import Group, suspended
from peakfleet_local.groups.reconciler import Reconciler
from peakfleet_local.metrics import MINUTE_SECONDS, MetricStore, Watch
from peakfleet_local.moto import MotoObject
from peakfleet_local.world import World, alarm_state_change, timestamp

HIGH_MINUTES = 3
LOW_MINUTES = 15
LOW_SHARE = 0.9
"""Target tracking takes capacity away when the metric is a tenth below its target."""
_PREDEFINED: Mapping[str, str] = {
    "ASGAverageCPUUtilization": "CPUUtilization",
    "ASGAverageNetworkIn": "NetworkIn",
    "ASGAverageNetworkOut": "NetworkOut",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposal:
    """What one policy proposes.

    Args:
        capacity: The desired capacity.
        shrinks: Whether it takes capacity away.
        alarm: What triggered it.
        policy: Its name.
    """

    capacity: int
    shrinks: bool
    alarm: str
    policy: str


class ScalingPolicies:
    """Lets the policies of every group act once a minute, as their metrics say.

    Of several policies that want more the greatest capacity wins; target tracking takes away
    only if each policy that may does. Machines that warm up count as capacity that was added
    already, and nothing is taken away meanwhile.

    Args:
        world: Its clock.
        store: Where metrics are read.
        reconciler: Moves the groups.

    Limitations:
        Simple and predictive policies never act, nor do metrics that are expressions. The two
        alarms of target tracking are not shown. Metrics of instances appear only if somebody
        publishes them.
    """

    def __init__(self, *, world: World, store: MetricStore, reconciler: Reconciler) -> None:
        self._world = world
        self._store = store
        self._reconciler = reconciler
        self._running = False

    def start(self) -> None:
        """Act at every whole minute from now on."""
        self._running = True
        self._wait()

    def stop(self) -> None:
        """Act no more."""
        self._running = False

    def _wait(self) -> None:
        now = self._world.now_epoch_seconds
        self._world.after(MINUTE_SECONDS - now % MINUTE_SECONDS, self._act)

    def _act(self) -> None:
        if not self._running:
            return
        for backends in list(autoscaling_backends.values()):
            for backend in list(backends.values()):
                for group in list(backend.autoscaling_groups.values()):
                    self._scale(group)
        self._wait()

    def _scale(self, group: Group) -> None:
        policies = group.autoscaling_backend.describe_policies(group.name)
        stopped = suspended(group)
        if not policies or "AlarmNotification" in stopped:
            return
        proposals = [proposal for policy in policies for proposal in self._proposals(group, policy)]
        growing = [proposal for proposal in proposals if not proposal.shrinks]
        if growing:
            proposal = max(growing, key=lambda proposal: proposal.capacity)
            if proposal.capacity > group.desired_capacity and "Launch" not in stopped:
                self._resize(group, proposal)
        elif proposals and "Terminate" not in stopped:
            agreed = len(proposals) >= sum(_may_shrink(policy) for policy in policies)
            if agreed and not self._warming(group, float(group.default_cooldown)):
                self._resize(group, max(proposals, key=lambda proposal: proposal.capacity))

    def _proposals(self, group: Group, policy: MotoObject) -> Iterator[_Proposal]:
        if policy.policy_type == "TargetTrackingScaling":
            yield from self._track(group, policy)
        elif policy.policy_type == "StepScaling":
            yield from self._step(group, policy)

    def _track(self, group: Group, policy: MotoObject) -> Iterator[_Proposal]:
        config = policy.target_tracking_configuration
        metric = _tracked(group, config)
        if metric is None:
            return
        target = float(config.TargetValue)
        high = _watch(metric, "GreaterThanThreshold", threshold=target, minutes=HIGH_MINUTES)
        low = _watch(metric, "LessThanThreshold", threshold=target * LOW_SHARE, minutes=LOW_MINUTES)
        base = int(group.desired_capacity) - self._warming(group, _warm_up_seconds(group, policy))
        for watch, name, acts in (
            (high, "AlarmHigh", True),
            (low, "AlarmLow", _may_shrink(policy)),
        ):
            now = self._world.now_epoch_seconds
            if acts and watch.state(self._store, now_epoch_seconds=now, before="OK") == "ALARM":
                value = watch.newest(self._store, now_epoch_seconds=now)[-1]
                yield _Proposal(
                    capacity=ceil(base * value / target),
                    shrinks=watch is low,
                    alarm=f"TargetTracking-{group.name}-{name}",
                    policy=policy.name,
                )

    def _step(self, group: Group, policy: MotoObject) -> Iterator[_Proposal]:
        backend = group.autoscaling_backend
        alarms = cloudwatch_backends[backend.account_id][backend.region_name].alarms.values()
        for alarm in alarms:
            watch = Watch.of_alarm(alarm) if policy.arn in alarm.alarm_actions else None
            if watch is None:
                continue
            now = self._world.now_epoch_seconds
            self._change(
                group,
                alarm,
                watch.state(self._store, now_epoch_seconds=now, before=alarm.state_value),
            )
            values = watch.newest(self._store, now_epoch_seconds=now)
            if alarm.state_value != "ALARM" or not alarm.actions_enabled or not values:
                continue
            adjustment = _adjustment(policy.step_adjustments, values[-1] - watch.threshold)
            if adjustment is not None:
                warming = self._warming(group, _warm_up_seconds(group, policy))
                base = int(group.desired_capacity) - warming
                capacity = _adjusted(policy, base, adjustment)
                yield _Proposal(
                    capacity=capacity,
                    shrinks=capacity < base,
                    alarm=alarm.name,
                    policy=policy.name,
                )

    def _change(self, group: Group, alarm: MotoObject, state: str) -> None:
        """Change the state of an alarm, which is an event."""
        if alarm.state_value == state:
            return
        reason = f"Threshold Crossed: the newest periods say {state}"
        event = alarm_state_change(
            name=alarm.name,
            arn=alarm.alarm_arn,
            before=alarm.state_value,
            state=state,
            reason=reason,
            place=place_of(group),
            at=self._world.now_epoch_seconds,
        )
        alarm.update_state(reason, "{}", state)
        self._world.events.append(event)

    def _warming(self, group: Group, seconds: float) -> int:
        """Return the points of capacity that were launched in the last seconds or still boot."""
        now = self._world.now_epoch_seconds
        return sum(
            m.weight
            for m in self._world.machines_of(group.name)
            if not (m.warm or m.leaving) and (m.launched_at > now - seconds or m.ready_at > now)
        )

    def _resize(self, group: Group, proposal: _Proposal) -> None:
        before = int(group.desired_capacity)
        after = min(max(proposal.capacity, int(group.min_size)), int(group.max_size))
        if after == before:
            return
        group.desired_capacity = after
        self._reconciler.reconcile(
            group,
            cause=f"At {timestamp(self._world.now_epoch_seconds)} a monitor alarm "
            f"{proposal.alarm} in state ALARM triggered policy {proposal.policy} changing the "
            f"desired capacity from {before} to {after}.",
        )


def _may_shrink(policy: MotoObject) -> bool:
    """Whether a policy is a target tracking one that takes capacity away."""
    config = policy.target_tracking_configuration
    disabled = str(getattr(config, "DisableScaleIn", False)).lower() == "true"
    return policy.policy_type == "TargetTrackingScaling" and not disabled


def _warm_up_seconds(group: Group, policy: MotoObject) -> float:
    own = policy.estimated_instance_warmup
    return float(own if own is not None else group.default_cooldown)


def _tracked(group: Group, config: MotoObject) -> Mapping[str, Any] | None:
    """Return namespace, name, dimensions and statistic of a tracked metric."""
    if predefined := getattr(config, "PredefinedMetricSpecification", None):
        name = _PREDEFINED.get(predefined["PredefinedMetricType"])
        dimensions = {"AutoScalingGroupName": group.name}
        found = {"namespace": "AWS/EC2", "name": name, "dimensions": dimensions}
        return {**found, "statistic": "Average"} if name else None
    custom = getattr(config, "CustomizedMetricSpecification", None) or {}
    if "MetricName" not in custom:
        return None
    return {
        "namespace": custom["Namespace"],
        "name": custom["MetricName"],
        "dimensions": {one["Name"]: one["Value"] for one in custom.get("Dimensions") or ()},
        "statistic": custom["Statistic"],
    }


def _watch(metric: Mapping[str, Any], comparison: str, *, threshold: float, minutes: int) -> Watch:
    return Watch(
        **metric,
        period_seconds=MINUTE_SECONDS,
        periods=minutes,
        breaching_periods=minutes,
        threshold=threshold,
        comparison=comparison,
    )


def _adjustment(steps: Sequence[Mapping[str, Any]], beyond: float) -> int | None:
    """Return the adjustment of the step that a value beyond the threshold falls into."""
    for step in steps:
        lower = float(step.get("MetricIntervalLowerBound", -inf))
        upper = float(step.get("MetricIntervalUpperBound", inf))
        inside = lower <= beyond < upper if beyond >= 0 else lower < beyond <= upper
        if inside:
            return int(step["ScalingAdjustment"])
    return None


def _adjusted(policy: MotoObject, capacity: int, adjustment: int) -> int:
    """Return the capacity after an adjustment, rounded as AWS does."""
    if policy.adjustment_type == "ExactCapacity":
        return adjustment
    if policy.adjustment_type == "ChangeInCapacity":
        return capacity + adjustment
    change = capacity * adjustment / 100
    least = int(policy.min_adjustment_magnitude or 1)
    if adjustment > 0:
        return capacity + max(floor(change), least)
    return capacity + min(ceil(change), -least)
