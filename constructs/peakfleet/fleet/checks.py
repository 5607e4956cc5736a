"""What a fleet refuses: where it is written if it can, at the end of the synth otherwise."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IConstruct, IValidation

from peakfleet._values import check_options, known_number
from peakfleet.control_plane import Encryption, FleetState, check_size
from peakfleet.pools import CapacityPool
from peakfleet.signals import DemandSignal
from peakfleet_planner import FleetSpec, SpecError

_MOST_HOPS = 64
_LISTENERS: WeakKeyDictionary[IConstruct, dict[str, str]] = WeakKeyDictionary()
"""Of each app: which fleet sets the weights of a listener."""


@contextmanager
def named(scope: Construct) -> Iterator[None]:
    """Put the construct's path before the message of a SpecError."""
    try:
        yield
    except SpecError as error:
        raise type(error)(f"{scope.node.path}: {error}") from error


def check_fleet_options(fleet: Construct, given: Mapping[str, object], taken: type) -> None:
    """Refuse options that a fleet does not take, naming the nearest one that it does."""
    own = inspect.signature(type(fleet).__init__).parameters
    known = [name for name, one in own.items() if one.kind is one.KEYWORD_ONLY]
    check_options(type(fleet).__name__, given, taken, known=known)


def checked_hop_limit(given: int) -> int:
    """Return the hop limit of instance metadata, refusing one that EC2 does not know."""
    known_number("fleet", "metadata_hop_limit", given)
    if not 1 <= given <= _MOST_HOPS:
        raise SpecError(f"metadata_hop_limit must be between 1 and {_MOST_HOPS}, got {given}")
    return given


def state_of(scope: Construct, given: FleetState | None, encryption: Encryption) -> FleetState:
    """Return what a fleet remembers in, refusing a key that its table does not have."""
    if given is None:
        return FleetState.of(scope, encryption_key=encryption.state)
    if encryption.state and given.encryption_key is not encryption.state:
        raise SpecError(
            f"encryption has a key for the state table, but the state {given.node.path} that is "
            f"given has its own; give the key to FleetState(encryption_key=...)"
        )
    return given


def check_pools(given: Sequence[CapacityPool]) -> None:
    """Refuse a ladder that cannot be defined."""
    if not given:
        raise SpecError("at least one pool is needed, got none; for example CapacityPool.graviton")
    names = [pool.name for pool in given]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SpecError(
            f"pool names must differ, got {', '.join(twice)} more than once; give name=... to one"
        )


def private_subnets(vpc: ec2.IVpc) -> ec2.SubnetSelection:
    """Return the private subnets, or the isolated ones; never the public ones."""
    if vpc.private_subnets:
        return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
    if vpc.isolated_subnets:
        return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    raise SpecError(
        f"the network {vpc.node.path} has only public subnets; add private ones, "
        f"or name the subnets with vpc_subnets"
    )


def check_signal(given: DemandSignal, *, among: Sequence[DemandSignal], stack: Stack) -> None:
    """Refuse a signal that the fleet cannot read."""
    if given.name in {other.name for other in among}:
        raise SpecError(f"signal names must differ, got '{given.name}' twice; give name=... to one")
    for metric in given.metrics:
        metric.check_readable_from(
            f"signal '{given.name}'", account=stack.account, region=stack.region
        )


@jsii.implements(IValidation)
class AtSynth:
    """What can only be known once the whole app is defined."""

    def __init__(
        self,
        fleet: Construct,
        signals: Sequence[DemandSignal],
        spec: Callable[[], FleetSpec],
        groups: Mapping[str, autoscaling.AutoScalingGroup],
    ) -> None:
        self._fleet = fleet
        self._signals = signals
        self._spec = spec
        self._groups = groups

    def validate(self) -> list[str]:
        """Return what is wrong; the CDK puts the construct's path before it."""
        if not self._signals:
            return ["at least one signal is needed, got none; pass signals=[...] or add_signal()"]
        try:
            spec = self._spec()
            check_size(spec, Stack.of(self._fleet).resolve(spec.to_json()))
        except SpecError as error:
            return [str(error)]
        return second_writers(self._fleet, self._groups)


def claim_listener(scope: Construct, *, fleet: str, listener_arn: str) -> None:
    """Refuse a listener whose weights another fleet of the app sets already."""
    owners = _LISTENERS.setdefault(scope.node.root, {})
    owner = owners.setdefault(listener_arn, fleet)
    if owner != fleet:
        raise SpecError(
            f"the fleet {owner} already sets the weights of this listener, and two fleets would "
            f"undo each other's work every minute; give each fleet a listener of its own"
        )


def second_writers(
    scope: Construct, groups: Mapping[str, autoscaling.AutoScalingGroup]
) -> list[str]:
    """Return a message for everything else in the stack that sets the size of a fleet's group."""
    stack = Stack.of(scope)
    names = {
        str(stack.resolve(group.auto_scaling_group_name)): pool for pool, group in groups.items()
    }
    messages = []
    for construct in stack.node.find_all():
        pool = names.get(_written_group(stack, construct))
        if pool is not None:
            messages.append(
                f"{construct.node.path} also sets the size of the group of pool '{pool}', and the "
                f"two would undo each other's work every minute; remove it, or let it only add "
                f"capacity (disable_scale_in)"
            )
    return messages


def _written_group(stack: Stack, construct: IConstruct) -> str:
    """Return the group whose size a construct sets or may reduce; empty if it does not."""
    match construct:
        case autoscaling.CfnScalingPolicy() if _may_shrink(stack, construct):
            return str(stack.resolve(construct.auto_scaling_group_name))
        case autoscaling.CfnScheduledAction() if construct.desired_capacity is not None:
            return str(stack.resolve(construct.auto_scaling_group_name))
        case autoscaling.CfnAutoScalingGroup() if construct.desired_capacity is not None:
            return str(stack.resolve(construct.ref))
        case _:
            return ""


def _may_shrink(stack: Stack, policy: autoscaling.CfnScalingPolicy) -> bool:
    tracking: dict[str, Any] | None = stack.resolve(policy.target_tracking_configuration)
    if tracking is not None:
        return tracking.get("disableScaleIn") is not True
    steps: list[dict[str, Any]] = stack.resolve(policy.step_adjustments) or []
    changes = [step.get("scalingAdjustment", 0) for step in steps]
    changes.append(policy.scaling_adjustment or 0)
    return policy.adjustment_type == "ExactCapacity" or min(changes) < 0
