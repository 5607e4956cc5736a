"""What a fleet refuses: where it is written if it can, at the end of the synth otherwise."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IConstruct, IValidation

from peakfleet._tree import root_of
from peakfleet._values import check_kind, check_options, hints_of, known_count
from peakfleet.control_plane import ControlPlane, check_size
from peakfleet.fleet.options import PlacementOptions
from peakfleet.fleet.template_checks import template_messages
from peakfleet.pools import CapacityPool, check_region, told_apart
from peakfleet.signals import DemandSignal
from peakfleet_planner import FleetSpec, SpecError, TrafficSpec, WeightedRecordsSpec

_MOST_HOPS = 64
PARTS = frozenset(
    (
        "Agent",
        "Alarms",
        "FleetHealth",
        "Learner",
        "Ledger",
        "PlacementGroup",
        "Profile",
        "Role",
        "Scaler",
        "SecurityGroup",
        "Ticks",
        "ToItself",
    )
)
"""Ids of the constructs that a fleet consists of, beside its pools."""
_SPLITS: WeakKeyDictionary[IConstruct, dict[str, str]] = WeakKeyDictionary()
"""Of each app: which fleet sets the weights of a listener, or of a name."""

_PRIVATE: WeakKeyDictionary[ec2.IVpc, ec2.SubnetType] = WeakKeyDictionary()
"""Of each network: its private subnets, which its fleets have in common."""


@contextmanager
def named(scope: Construct) -> Iterator[None]:
    """Put the construct's path before the message of a SpecError."""
    try:
        yield
    except SpecError as error:
        raise type(error)(f"{scope.node.path}: {error}") from error


def check_fleet_options(
    fleet: Construct, given: Mapping[str, object], taken: type, **own: object
) -> None:
    """Refuse options that a fleet does not take, and arguments of another kind than they say.

    Args:
        fleet: The fleet.
        given: The options.
        taken: The `TypedDict` of the options that it takes.
        own: Arguments of its own to check.
    """
    make, owner = type(fleet).__init__, type(fleet).__name__
    parameters = inspect.signature(make).parameters
    known = [name for name, one in parameters.items() if one.kind is one.KEYWORD_ONLY]
    check_options(owner, given, taken, known=known)
    hints = hints_of(make)
    for name, value in own.items():
        check_kind(owner, name, value, hints[name])


def checked_hop_limit(given: int) -> int:
    """Return the hop limit of instance metadata, refusing one that EC2 does not know."""
    known_count("fleet", "metadata_hop_limit", given)
    if not 1 <= given <= _MOST_HOPS:
        raise SpecError(f"metadata_hop_limit must be between 1 and {_MOST_HOPS}, got {given}")
    return given


def control_plane_of(scope: Construct, options: PlacementOptions) -> ControlPlane:
    """Return what decides for a fleet, refusing what its control plane does otherwise."""
    state, functions = options.get("state"), options.get("functions")
    encryption, given = options.get("encryption"), options.get("control_plane")
    if given is None:
        return ControlPlane.of(scope, state=state, functions=functions, encryption=encryption)
    given.check(state=state, functions=functions, encryption=encryption)
    return given


def checked_pools(
    given: Sequence[CapacityPool], *, scope: Construct | None = None
) -> tuple[CapacityPool, ...]:
    """Return pools with names that differ.

    Raises:
        SpecError: They cannot be defined, nor launched in the region of *scope*.
    """
    check_kind("fleet", "pools", given, Sequence[CapacityPool])
    if not given:
        raise SpecError("at least one pool is needed, got none; for example CapacityPool.graviton")
    pools = told_apart(given)
    names = [pool.name for pool in pools]
    if taken := [name for name in names if name in PARTS or name.startswith("Pressure ")]:
        raise SpecError(
            f"pool '{taken[0]}': a part of the fleet has this name, which are "
            f"{', '.join(sorted(PARTS))} and Pressure ...; give name=... another one"
        )
    if scope:
        check_region(scope, {f"pool '{pool.name}'": pool.instance_types for pool in pools})
    return pools


def private_subnets(vpc: ec2.IVpc) -> ec2.SubnetSelection:
    """Return the private subnets, or the isolated ones; never the public ones."""
    if vpc not in _PRIVATE:
        if not vpc.private_subnets and not vpc.isolated_subnets:
            raise SpecError(
                f"the network {vpc.node.path} has only public subnets; add private ones, "
                f"or name the subnets with vpc_subnets"
            )
        kinds = ec2.SubnetType
        _PRIVATE[vpc] = kinds.PRIVATE_WITH_EGRESS if vpc.private_subnets else kinds.PRIVATE_ISOLATED
    return ec2.SubnetSelection(subnet_type=_PRIVATE[vpc])


def readable_signal(
    given: DemandSignal, *, among: Sequence[DemandSignal], stack: Stack
) -> DemandSignal:
    """Return a signal as a fleet in *stack* reads it, refusing one that it cannot read."""
    check_kind("fleet", "signals", given, DemandSignal)
    if given.name in {other.name for other in among}:
        raise SpecError(f"signal names must differ, got '{given.name}' twice; give name=... to one")
    return given.seen_from(stack)


@jsii.implements(IValidation)
class AtSynth:
    """What can only be known once the whole app is defined.

    Args:
        fleet: The fleet.
        stack: Its stack.
        groups: Names of its groups, by pool.
        spec: Returns its specification. Default: it needs no check.
        signals: What it reads; it must read something. Default: no check.
    """

    def __init__(
        self,
        fleet: Construct,
        stack: Stack,
        groups: Mapping[str, str],
        *,
        spec: Callable[[], FleetSpec] | None = None,
        signals: Sequence[DemandSignal] | None = None,
    ) -> None:
        self._fleet = fleet
        self._stack = stack
        self._groups = groups
        self._spec = spec
        self._signals = signals

    def validate(self) -> list[str]:
        """Return what is wrong; the CDK puts the construct's path before it."""
        if self._signals is not None and not self._signals:
            return ["at least one signal is needed, got none; pass signals=[...] or add_signal()"]
        try:
            if self._spec:
                spec = self._spec()
                check_size(spec)
        except SpecError as error:
            return [str(error)]
        return template_messages(self._fleet, self._stack, self._groups)


def claim_split(scope: Construct, *, fleet: str, split: TrafficSpec | WeightedRecordsSpec) -> None:
    """Refuse a listener or a name whose weights another fleet of the app sets already."""
    if isinstance(split, TrafficSpec):
        what, named = "listener", split.listener_arn
    else:
        what, named = "name", f"{split.hosted_zone_id}/{split.record_name}"
    owner = _SPLITS.setdefault(root_of(scope), {}).setdefault(named, fleet)
    if owner != fleet:
        raise SpecError(
            f"the fleet {owner} already sets the weights of this {what}, and two fleets would "
            f"undo each other's work every minute; give each fleet a {what} of its own"
        )
