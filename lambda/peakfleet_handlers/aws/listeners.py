"""Traffic: the listener's split between the baseline and the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peakfleet_handlers.aws.calls import Calls
from peakfleet_planner import TrafficSpec

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import ActionTypeDef

ALL_TRAFFIC = 100


def split(
    traffic: TrafficSpec | None,
    weight: int | None,
    *,
    elbv2: ElasticLoadBalancingv2Client,
    calls: Calls,
) -> bool:
    """Send *weight* percent of the traffic to the fleet; return whether that was done."""
    if traffic is None or weight is None:
        return False
    answer = calls.ask(
        elbv2.modify_listener,
        traffic.listener_arn,
        ListenerArn=traffic.listener_arn,
        DefaultActions=[_forward(traffic, weight)],
    )
    return answer is not None


def _forward(traffic: TrafficSpec, weight: int) -> ActionTypeDef:
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
