"""Traffic: the listener's split between the baseline and the fleet."""

from __future__ import annotations

from functools import partial

from peakfleet_handlers.aws.calls import Calls
from peakfleet_handlers.aws.clients import ListenerClient
from peakfleet_planner import TrafficSpec
from peakfleet_planner.pool_plan import MOST_WEIGHT


def split(
    traffic: TrafficSpec | None, weight: int | None, *, elbv2: ListenerClient, calls: Calls
) -> bool:
    """Send *weight* of 999 parts of the traffic to the fleet; return whether that was done."""
    if traffic is None or weight is None:
        return False
    modify = partial(
        elbv2.modify_listener,
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
                    "Weight": MOST_WEIGHT - weight,
                },
                {"TargetGroupArn": traffic.cloud_target_group_arn, "Weight": weight},
            ]
        },
    }
