"""Act: tell AWS what differs from the plan, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from peakfleet_handlers.calls import Calls
from peakfleet_handlers.clients import Clients
from peakfleet_handlers.state import Recorded, confirm_weight, record_change
from peakfleet_planner import FleetSpec, Memory, Plan, PoolReading, Snapshot, TrafficSpec

ALL_TRAFFIC = 100
TOLD_AGAIN_SECONDS = 300
"""A deployment may set a listener back behind the tick's back, so it is told again this often."""
TICK_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was done with a plan.

    Args:
        recorded: What became of the record. Default: there was nothing to record.
        pools: Desired capacity that was set, by pool.
        cloud_weight: Percent of the traffic that was given to the fleet; None if unchanged.
    """

    recorded: Recorded | None = None
    pools: Mapping[str, int] = field(default_factory=dict)
    cloud_weight: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "recorded": self.recorded,
            "pools": dict(self.pools),
            "cloud_weight": self.cloud_weight,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """One group that has to be told."""

    pool: str
    group: str
    capacity: int
    grows: bool


def act(
    spec: FleetSpec, snapshot: Snapshot, plan: Plan, *, clients: Clients, calls: Calls
) -> Applied:
    """Record the change, then make it: more capacity, then traffic, then less capacity.

    A tick that is not the latest changes nothing. While a change cannot be recorded, or traffic
    cannot be moved away, nothing is let go. Without a state table the split of the traffic is
    sent at every tick, because nothing remembers it.

    Args:
        spec: The fleet.
        snapshot: What the plan was decided from.
        plan: What to do.
        clients: AWS.
        calls: Where failures are noted.
    """
    now, memory = snapshot.now_epoch_seconds, snapshot.memory or Memory()
    changes = _changes(spec, snapshot, plan, memory)
    weight = plan.cloud_weight
    moves = weight is not None and weight != memory.cloud_weight
    recorded = None
    if changes or moves or _another_hand(snapshot, plan):
        recorded = record_change(
            spec.state_table,
            spec.fleet,
            tick=now,
            plan=plan,
            memory=snapshot.memory,
            cloud_weight=None if moves else memory.cloud_weight,
            dynamodb=clients.dynamodb,
            calls=calls,
        )
    if recorded is Recorded.STALE:
        return Applied(recorded=recorded)
    pools = _resize([change for change in changes if change.grows], clients, calls)
    tells = moves or (weight is not None and now % TOLD_AGAIN_SECONDS < TICK_SECONDS)
    told = weight if tells and _split(spec.traffic, weight, clients, calls) else None
    if moves and told is not None:
        confirm_weight(
            spec.state_table,
            spec.fleet,
            tick=now,
            cloud_weight=told,
            dynamodb=clients.dynamodb,
            calls=calls,
        )
    traffic_has_moved = told is not None or not tells
    if recorded is not Recorded.LOST and traffic_has_moved:
        pools |= _resize([change for change in changes if not change.grows], clients, calls)
    return Applied(recorded=recorded, pools=pools, cloud_weight=told)


def _changes(
    spec: FleetSpec, snapshot: Snapshot, plan: Plan, memory: Memory
) -> tuple[_Change, ...]:
    """Return the groups whose size has to change, within the bounds that each group has.

    A group that could not be read is only ever asked for more than is remembered.
    """
    seen = {pool.name: pool for pool in snapshot.pools}
    groups = {pool.name: pool.group for pool in spec.pools}
    changes = []
    for pool in plan.pools:
        reading = seen.get(pool.name)
        before = memory.desired.get(pool.name, 0) if reading is None else reading.desired_capacity
        capacity = _clamped(pool.desired_capacity, reading)
        if capacity > before or (reading is not None and capacity < before):
            changes.append(
                _Change(
                    pool=pool.name,
                    group=groups[pool.name],
                    capacity=capacity,
                    grows=capacity > before,
                )
            )
    return tuple(changes)


def _clamped(capacity: int, reading: PoolReading | None) -> int:
    if reading is None:
        return capacity
    return min(max(capacity, reading.min_capacity), reading.max_capacity)


def _another_hand(snapshot: Snapshot, plan: Plan) -> bool:
    """Whether a group has another size than is remembered, though this tick does not change it.

    A group's own policy may have added to it. It has to be remembered: a later tick that cannot
    read the group starts from what is remembered, and would take the addition away.
    """
    if snapshot.memory is None:
        return False
    return any(
        snapshot.memory.desired.get(pool.name, 0) != pool.desired_capacity for pool in plan.pools
    )


def _resize(changes: list[_Change], clients: Clients, calls: Calls) -> dict[str, int]:
    """Return the pools that were resized; one that fails does not stop the others."""
    done = {}
    for change in changes:
        set_desired = partial(
            clients.autoscaling.set_desired_capacity,
            AutoScalingGroupName=change.group,
            DesiredCapacity=change.capacity,
            HonorCooldown=False,
        )
        answer = calls.attempt("SetDesiredCapacity", change.pool, set_desired)
        if answer is not None:
            done[change.pool] = change.capacity
    return done


def _split(traffic: TrafficSpec | None, weight: int | None, clients: Clients, calls: Calls) -> bool:
    """Send *weight* percent of the traffic to the fleet; whether that was done."""
    if traffic is None or weight is None:
        return False
    modify = partial(
        clients.elbv2.modify_listener,
        ListenerArn=traffic.listener_arn,
        DefaultActions=[_forward(traffic, weight)],
    )
    return calls.attempt("ModifyListener", traffic.listener_arn, modify) is not None


def _forward(traffic: TrafficSpec, weight: int) -> dict[str, object]:
    return {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [
                {
                    "TargetGroupArn": traffic.baseline_target_group_arn,
                    "Weight": ALL_TRAFFIC - weight,
                },
                {"TargetGroupArn": traffic.cloud_target_group_arn, "Weight": weight},
            ]
        },
    }
