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
from peakfleet_planner import TrafficReading, TrafficSpec
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

    @property
    def cloud_weight(self) -> int | None:
        """Share of the traffic of both sides that the fleet gets, of 999; None if both get none."""
        ours = {
            group.get("TargetGroupArn"): int(group.get("Weight", 0))
            for group in self._target_groups()
        }
        cloud = ours.get(self.traffic.cloud_target_group_arn, 0)
        both = cloud + ours.get(self.traffic.baseline_target_group_arn, 0)
        return round(MOST_WEIGHT * cloud / both) if both > 0 else None

    def send(self, weight: int, *, elbv2: ElasticLoadBalancingv2Client, calls: Calls) -> bool:
        """Send *weight* of 999 parts of the traffic to the fleet; return whether that was done."""
        arn = self.traffic.listener_arn
        answer = calls.ask(
            elbv2.modify_listener,
            arn,
            ListenerArn=arn,
            DefaultActions=self.with_weight(weight),
        )
        return answer is not None

    def with_weight(self, weight: int) -> list[Any]:
        """Return its actions as they are, but for the weights of our target groups."""
        return [self._with_weight(action, weight) for action in self.actions]

    def _target_groups(self) -> list[TargetGroupTupleTypeDef]:
        forward = next(action for action in self.actions if action["Type"] == "forward")
        if "ForwardConfig" in forward:
            return list(forward["ForwardConfig"].get("TargetGroups", ()))
        return [{"TargetGroupArn": forward["TargetGroupArn"], "Weight": 1}]

    def _with_weight(self, action: ActionOutputTypeDef, weight: int) -> Any:  # noqa: ANN401  as a request has it
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
        listener = Listener(traffic=traffic, actions=actions)
        listener.with_weight(0)  # of another shape, it is refused here and now
        _ = listener.cloud_weight
        return listener

    return calls.reading(READ, arn, read)


def read_traffic(
    listener: Listener | None, *, elbv2: ElasticLoadBalancingv2Client, calls: Calls
) -> TrafficReading:
    """Return how a listener splits its traffic, and which side has healthy targets."""
    if listener is None:
        return TrafficReading()
    traffic = listener.traffic
    return TrafficReading(
        cloud_weight=listener.cloud_weight,
        baseline_healthy=_healthy(traffic.baseline_target_group_arn, elbv2=elbv2, calls=calls),
        cloud_healthy=_healthy(traffic.cloud_target_group_arn, elbv2=elbv2, calls=calls),
    )


def _healthy(arn: str, *, elbv2: ElasticLoadBalancingv2Client, calls: Calls) -> int | None:
    answer = calls.ask(elbv2.describe_target_health, arn, TargetGroupArn=arn)
    if answer is None:
        return None

    def read() -> int:
        states = [one["TargetHealth"]["State"] for one in answer["TargetHealthDescriptions"]]
        return states.count("healthy")

    return calls.reading("DescribeTargetHealth", arn, read)
