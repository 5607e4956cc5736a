"""A listener of a load balancer: the weights of baseline and fleet among its actions.

What else it does stays: authentication, stickiness, further target groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from peakfleet_handlers.aws.calls import Calls
from peakfleet_handlers.aws.clients import Clients
from peakfleet_handlers.aws.splits import split_of, weights_of
from peakfleet_planner import TrafficSpec
from peakfleet_planner.pool_plan import Split

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import ActionOutputTypeDef, TargetGroupTupleTypeDef

READ: Final = "DescribeListeners"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A listener as it was read.

    Args:
        spec: Which, and the target group of each side.
        actions: Its default actions, in Elastic Load Balancing's form.
    """

    spec: TrafficSpec
    actions: tuple[ActionOutputTypeDef, ...]

    @property
    def split(self) -> Split | None:
        """Shares of the traffic of all sides; None if they get none."""
        weights = {
            group.get("TargetGroupArn", ""): int(group.get("Weight", 0))
            for group in self._target_groups()
        }
        return split_of(self.spec, self.spec.cloud_target_group_arn, weights)

    def differs(self, split: Split) -> bool:
        """Whether traffic is split otherwise than this, whatever the numbers."""
        return self.split != split

    def send(self, split: Split, *, clients: Clients, calls: Calls) -> bool:
        """Split the traffic; return whether that was done."""
        arn = self.spec.listener_arn
        answer = calls.ask(
            clients.elbv2.modify_listener,
            arn,
            ListenerArn=arn,
            DefaultActions=self.with_split(split),
        )
        return answer is not None

    def with_split(self, split: Split) -> list[Any]:
        """Return its actions as they are, but for the weights of our target groups."""
        weights = weights_of(self.spec, self.spec.cloud_target_group_arn, split)
        return [self._with_weights(action, weights) for action in self.actions]

    def _target_groups(self) -> list[TargetGroupTupleTypeDef]:
        forward = next(action for action in self.actions if action["Type"] == "forward")
        if "ForwardConfig" in forward:
            return list(forward["ForwardConfig"].get("TargetGroups", ()))
        return [{"TargetGroupArn": forward["TargetGroupArn"], "Weight": 1}]

    def _with_weights(self, action: ActionOutputTypeDef, weights: Mapping[str, int]) -> Any:  # noqa: ANN401  as a request has it
        if action["Type"] == "authenticate-oidc":
            # The secret is never told; without this the listener would need it again.
            settings = {**action["AuthenticateOidcConfig"], "UseExistingClientSecret": True}
            return {**action, "AuthenticateOidcConfig": settings}
        if action["Type"] != "forward":
            return action
        others = [
            group for group in self._target_groups() if group.get("TargetGroupArn") not in weights
        ]
        ours = [{"TargetGroupArn": arn, "Weight": one} for arn, one in weights.items()]
        kept = {name: value for name, value in action.items() if name != "TargetGroupArn"}
        settings = {**action.get("ForwardConfig", {}), "TargetGroups": [*ours, *others]}
        return {**kept, "ForwardConfig": settings}


def read_listener(
    spec: TrafficSpec, *, elbv2: ElasticLoadBalancingv2Client, calls: Calls
) -> Listener | None:
    """Return a listener as it is; None if that cannot be read, or it forwards no traffic.

    A page that somebody has put up instead of forwarding stays up.
    """
    arn = spec.listener_arn
    answer = calls.ask(elbv2.describe_listeners, arn, ListenerArns=[arn])
    if answer is None:
        return None

    def read() -> Listener:
        actions = tuple(answer["Listeners"][0]["DefaultActions"])
        if not any(action["Type"] == "forward" for action in actions):
            raise LookupError("its default actions forward to no target group")
        listener = Listener(spec=spec, actions=actions)
        # Of another shape, it is refused here and now.
        listener.with_split(Split(cloud=0, sites={}))
        _ = listener.split
        return listener

    return calls.reading(READ, arn, read)


def healthy_targets(arn: str, *, elbv2: ElasticLoadBalancingv2Client, calls: Calls) -> int | None:
    """Return how many targets of a group are healthy; None if that cannot be read."""
    answer = calls.ask(elbv2.describe_target_health, arn, TargetGroupArn=arn)
    if answer is None:
        return None

    def read() -> int:
        states = [one["TargetHealth"]["State"] for one in answer["TargetHealthDescriptions"]]
        return states.count("healthy")

    return calls.reading("DescribeTargetHealth", arn, read)
