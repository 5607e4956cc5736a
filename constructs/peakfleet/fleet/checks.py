from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import jsii
from aws_cdk import Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IValidation

from peakfleet.control_plane import SpecDocument, check_size
from peakfleet.fleet.other_writers import second_writers
from peakfleet.pools import CapacityPool
from peakfleet.signals import DemandSignal
from peakfleet_planner import SpecError


@contextmanager
def named(scope: Construct) -> Iterator[None]:
    """Put the construct's path before the message of a SpecError."""
    try:
        yield
    except SpecError as error:
        raise SpecError(f"{scope.node.path}: {error}") from error


def pools(given: Sequence[CapacityPool]) -> None:
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


def signal(given: DemandSignal, *, among: Sequence[DemandSignal], stack: Stack) -> None:
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
        document: SpecDocument,
        groups: Mapping[str, autoscaling.AutoScalingGroup],
    ) -> None:
        self._fleet = fleet
        self._document = document
        self._groups = groups

    def validate(self) -> list[str]:
        """Return what is wrong; the CDK puts the construct's path before it."""
        if not self._document.has_signals:
            return ["at least one signal is needed, got none; pass signals=[...] or add_signal()"]
        try:
            spec = self._document.spec
            check_size(spec, Stack.of(self._fleet).resolve(spec.to_json()))
        except SpecError as error:
            return [str(error)]
        return second_writers(self._fleet, self._groups)
