"""Traffic: the weights of baseline and fleet among the actions of a listener.

A listener belongs to whoever deploys it. A tick reads its actions, changes the weights of its own
two target groups and gives back everything else as it was: authentication, stickiness, further
target groups. What it reads, and not what it remembers, says whether anything has to change, so
that a listener that a deployment has set back is mended by the next tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from peakfleet_handlers.aws.calls import Calls
from peakfleet_planner import TrafficSpec
from peakfleet_planner.pool_plan import MOST_WEIGHT

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import ActionOutputTypeDef, TargetGroupTupleTypeDef

READ: Final = "DescribeListeners"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A listener as it was read.

    Args:
        traffic: Which, and its two target groups.
        actions: Its default actions, in Elastic Load Balancing's form.
    """

    traffic: TrafficSpec
    actions: tuple[ActionOutputTypeDef, ...]

    def sends(self, weight: int) -> bool:
        """Whether the fleet gets so much of the traffic of both sides, of 999 parts."""
        ours = {
            group.get("TargetGroupArn"): group.get("Weight", 0) for group in self._target_groups()
        }
        cloud = ours.get(self.traffic.cloud_target_group_arn, 0)
        both = cloud + ours.get(self.traffic.baseline_target_group_arn, 0)
        return both > 0 and round(MOST_WEIGHT * cloud / both) == weight

    def send(self, weight: int, *, elbv2: ElasticLoadBalancingv2Client, calls: Calls) -> bool:
        """Send *weight* of 999 parts of the traffic to the fleet; return whether that was done."""
        arn = self.traffic.listener_arn
        answer = calls.ask(
            elbv2.modify_listener,
            arn,
            ListenerArn=arn,
            DefaultActions=[self._with_weight(action, weight) for action in self.actions],
        )
        return answer is not None

    def _target_groups(self) -> list[TargetGroupTupleTypeDef]:
        forward = next(action for action in self.actions if action["Type"] == "forward")
        if "ForwardConfig" in forward:
            return list(forward["ForwardConfig"].get("TargetGroups", ()))
        return [{"TargetGroupArn": forward["TargetGroupArn"], "Weight": 1}]

    def _with_weight(self, action: ActionOutputTypeDef, weight: int) -> Any:  # noqa: ANN401  as a request has it
        """Return an action as it is, but for the weights of our target groups."""
        if action["Type"] == "authenticate-oidc":
            # The secret is never told; without this the listener would need it again.
            settings = {**action["AuthenticateOidcConfig"], "UseExistingClientSecret": True}
            return {**action, "AuthenticateOidcConfig": settings}
        if action["Type"] != "forward":
            return action
        weights = {
            self.traffic.baseline_target_group_arn: MOST_WEIGHT - weight,
            self.traffic.cloud_target_group_arn: weight,
        }
        others = [
            group for group in self._target_groups() if group.get("TargetGroupArn") not in weights
        ]
        ours = [{"TargetGroupArn": arn, "Weight": one} for arn, one in weights.items()]
        kept = {name: value for name, value in action.items() if name != "TargetGroupArn"}
        settings = {**action.get("ForwardConfig", {}), "TargetGroups": [*ours, *others]}
        return {**kept, "ForwardConfig": settings}


def read_listener(
    traffic: TrafficSpec, *, elbv2: ElasticLoadBalancingv2Client, calls: Calls
) -> Listener | None:
    """Return a listener as it is; None if that cannot be read, or it forwards no traffic.

    A page that somebody has put up instead of forwarding stays up.
    """
    arn = traffic.listener_arn
    answer = calls.ask(elbv2.describe_listeners, arn, ListenerArns=[arn])
    if answer is None:
        return None

    def read() -> Listener:
        actions = tuple(answer["Listeners"][0]["DefaultActions"])
        if not any(action["Type"] == "forward" for action in actions):
            raise LookupError("its default actions forward to no target group")
        return Listener(traffic=traffic, actions=actions)

    return calls.reading(READ, arn, read)
