"""What instance types, chips and ways of buying forbid, refused where it was written.

Instance types that the catalogue does not know pass: the deployment tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

from aws_cdk import Annotations
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet._tree import context_of, identity_of, stack_of
from peakfleet._values import is_late, is_to_be_looked_up, known_list
from peakfleet_chips import (
    CATALOGUE,
    OFFERINGS_DAY,
    Architecture,
    Chip,
    InstanceType,
    PurchaseOption,
    find_type,
    is_sold,
)
from peakfleet_planner import SpecError

_INSTANCE_TYPE = re.compile(
    r"[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|(\d+)?xlarge|metal(-\d+xl)?)"
)
MOST_TYPES = 40
"""Instance types that one Auto Scaling group accepts."""
ARCHITECTURES = {
    ec2.InstanceArchitecture.ARM_64: "arm64",
    ec2.InstanceArchitecture.X86_64: "x86_64",
}
"""The architectures in words."""
_MOST_NAMED = 6
SOLD_CONTEXT = "peakfleet:sold"
"""Context key: instance types that the app's regions sell, whatever the catalogue says."""


def check_types(
    owner: str, instance_types: Sequence[str], architecture: ec2.InstanceArchitecture
) -> None:
    """Refuse instance types that cannot be in one pool."""
    known_list(owner, "instance_types", instance_types)
    if not 1 <= len(instance_types) <= MOST_TYPES:
        raise SpecError(
            f"{owner}: between 1 and {MOST_TYPES} instance types are needed, "
            f"got {len(instance_types)}"
        )
    if twice := sorted({kind for kind in instance_types if instance_types.count(kind) > 1}):
        raise SpecError(f"{owner}: instance types must differ, got {', '.join(twice)} twice")
    for kind in instance_types:
        if not isinstance(kind, str):
            raise SpecError(f"{owner}: instance types are names such as c8g.4xlarge, got {kind!r}")
        if is_late(kind):
            raise SpecError(
                f"{owner}: instance types must be known at synth, got one that only the deployment "
                f"knows; give a name, for example from the app's context"
            )
        if is_to_be_looked_up(kind):
            continue
        actual = _architecture(owner, kind)
        if actual != architecture:
            raise SpecError(
                f"{owner}: {ARCHITECTURES[architecture]} instance types only, got {kind}, "
                f"which is {architecture_words([kind], actual)}; put it in a pool of its own"
            )


def architecture_words(
    instance_types: Sequence[str], architecture: ec2.InstanceArchitecture
) -> str:
    """Return the architecture of instance types in words, and why where it surprises."""
    chips = [kind.chip for name in instance_types if (kind := find_type(name))]
    why = ", as every host of Inferentia or Trainium is" * any(chip.is_neuron for chip in chips)
    return ARCHITECTURES[architecture] + why


def check_bought(owner: str, instance_types: Sequence[str], option: PurchaseOption) -> None:
    """Refuse instance types that are not sold in this way."""
    for kind in _known(instance_types):
        if option not in kind.purchases:
            sold = " or ".join(sorted(kind.purchases))
            others = _sold_beside(kind, option)
            raise SpecError(
                f"{owner}: purchase is {option}, but {kind.name} is only sold {sold}; buy it so"
                + f", or use {others}" * bool(others)
            )


def check_region(scope: Construct, instance_types: Mapping[str, Sequence[str]]) -> None:
    """Refuse instance types that the region of *scope* does not sell, where both are known.

    What AWS sells since the catalogue was written is named in the app's context, as a list under
    `peakfleet:sold`. With an information passes what may be sold: in a region that the catalogue
    does not have, and what is sold in capacity blocks, which not every account is shown.

    Args:
        scope: What is in the region.
        instance_types: By the pool that has them, in an error's words.

    Raises:
        SpecError: A type is not sold there.
    """
    region = identity_of(stack_of(scope)).region
    if is_late(region):
        return
    sold_since = context_of(scope, SOLD_CONTEXT) or ()
    for owner, names in instance_types.items():
        _check_sold(scope, owner, names, region=region, sold_since=sold_since)


def _check_sold(
    scope: Construct,
    owner: str,
    instance_types: Sequence[str],
    *,
    region: str,
    sold_since: Collection[str],
) -> None:
    unsold = [
        kind
        for kind in _known(instance_types)
        if kind.name not in sold_since and not is_sold(kind.name, region)
    ]
    refused = [
        kind
        for kind in unsold
        if is_sold(kind.name, region) is False
        and PurchaseOption.CAPACITY_BLOCK not in kind.purchases
    ]
    if refused:
        chips = {kind.chip for kind in refused}
        others = _named(lambda kind: kind.chip in chips and bool(is_sold(kind.name, region)))
        names = ", ".join(kind.name for kind in refused)
        raise SpecError(
            f"{owner}: {region} did not sell {names} on {OFFERINGS_DAY}"
            + f"; use {others}" * bool(others)
            + f"; if it does now, say so in the context of the app: "
            f'"{SOLD_CONTEXT}": ["{refused[0].name}"]'
        )
    if unsold:
        Annotations.of(scope).add_info_v2(
            f"peakfleet:Region.unknown:{owner}",
            f"{owner}: the catalogue of {OFFERINGS_DAY} does not know whether {region} sells "
            f"{', '.join(kind.name for kind in unsold)}",
        )


def check_capacity_block(
    owner: str, instance_types: Sequence[str], *, placement_group: str | None = None
) -> None:
    """Refuse a pool on a capacity block that cannot be.

    Args:
        owner: The pool, in an error's words.
        instance_types: Its instance types.
        placement_group: Name of the placement group that it was given. Default: none.

    Raises:
        SpecError: A type has no capacity blocks, there are several types, or there is a
            placement group.
    """
    check_bought(owner, instance_types, PurchaseOption.CAPACITY_BLOCK)
    if len(instance_types) != 1:
        raise SpecError(
            f"{owner}: a capacity block holds one instance type, got "
            f"{', '.join(instance_types)}; give each its own pool and block"
        )
    if placement_group is not None:
        raise SpecError(
            f"{owner}: placement_group is {placement_group}, but instances of a capacity block "
            f"cannot be in one, they are placed close together anyway; leave placement_group out"
        )


def check_warm(owner: str, instance_types: Sequence[str], *, option: PurchaseOption) -> None:
    """Refuse a warm pool of instances that are not bought on demand, or of several types."""
    if option is not PurchaseOption.ON_DEMAND:
        raise SpecError(
            f"{owner}: warm is given, but purchase is {option}, and only on-demand instances "
            f"wait in a warm pool; leave warm out, or give it to an on-demand pool beside this one"
        )
    if len(instance_types) != 1:
        raise SpecError(
            f"{owner}: warm is given, but there are several instance types, "
            f"{', '.join(instance_types)}, and a group with a warm pool launches one; keep one, "
            f"or leave warm out"
        )
    check_bought(owner, instance_types, option)


def check_efa(
    owner: str, instance_types: Sequence[str], *, otherwise: str = "leave efa out"
) -> int:
    """Return how many Elastic Fabric Adapters the instances of a pool take.

    One launch template serves all of them, so that they must take the same number.

    Args:
        owner: The pool, in an error's words.
        instance_types: Its instance types.
        otherwise: What else can be done, in an error's words.

    Raises:
        SpecError: A type takes none, is unknown, or takes another number than the others.
    """
    counts: dict[str, int] = {}
    for name in instance_types:
        kind = find_type(name)
        if kind is None:
            raise SpecError(
                f"{owner}: efa needs to know how many adapters {name} takes, and the catalogue "
                f"does not have it; use {_named(_takes_many)}, or {otherwise}"
            )
        if not kind.efa_interfaces:
            raise SpecError(
                f"{owner}: efa is on, but {name} takes no Elastic Fabric Adapter and cannot "
                f"train with others; use {_named(_takes_many)}, or {otherwise}"
            )
        counts[name] = kind.efa_interfaces
    if len(set(counts.values())) > 1:
        words = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise SpecError(
            f"{owner}: with efa, all its instance types must take the same number of adapters, "
            f"got {words}; give each its own pool"
        )
    return next(iter(counts.values()))


def check_gang(owner: str, zones: Sequence[str]) -> None:
    """Refuse a gang, whose machines work as one, that is spread over zones."""
    if len(set(zones)) != 1:
        raise SpecError(
            f"{owner}: a gang runs in one availability zone, got {len(set(zones))} "
            f"({', '.join(sorted(set(zones))) or 'none'}); name the one subnet of the zone that "
            f"has the capacity, with vpc_subnets"
        )


def check_chips(owner: str, instance_types: Sequence[str], chips: Sequence[Chip]) -> None:
    """Refuse known instance types that have none of these chips."""
    for kind in _known(instance_types):
        if kind.chip not in chips:
            raise SpecError(
                f"{owner}: instance types with {' or '.join(chips)} only, got {kind.name}, "
                f"which has {kind.chip}; use {_named(lambda other: other.chip in chips)}"
            )


def neuron_cores(owner: str, instance_types: Sequence[str]) -> dict[str, float]:
    """Return the NeuronCores of each type, as programs see them.

    Raises:
        SpecError: A type is unknown or has none.
    """
    cores = {name: kind.neuron_cores for name in instance_types if (kind := find_type(name))}
    for name in instance_types:
        if not cores.get(name):
            raise SpecError(
                f"{owner}: the NeuronCores of {name} are not in the catalogue; give "
                f"units_per_instance"
            )
    return {name: float(count) for name, count in cores.items()}


def unknown_types(instance_types: Sequence[str]) -> list[str]:
    """Return the instance types that the catalogue does not have."""
    return [name for name in instance_types if find_type(name) is None]


def types_with_local_nvme(instance_types: Sequence[str]) -> list[str]:
    """Return the known instance types whose local disks are empty after a stop."""
    return [kind.name for kind in _known(instance_types) if kind.local_nvme_gb]


def _known(instance_types: Sequence[str]) -> Iterator[InstanceType]:
    return (kind for name in instance_types if (kind := find_type(name)))


def _sold_beside(kind: InstanceType, option: PurchaseOption) -> str:
    return _named(lambda other: option in other.purchases and other.chip is kind.chip)


def _takes_many(kind: InstanceType) -> bool:
    return kind.chip.is_neuron and kind.efa_interfaces > 0


def _named(wanted: Callable[[InstanceType], bool]) -> str:
    """Return some instance types that a user may turn to, in words."""
    names = [kind.name for kind in CATALOGUE.values() if wanted(kind)]
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _architecture(owner: str, instance_type: str) -> ec2.InstanceArchitecture:
    if known := find_type(instance_type):
        return (
            ec2.InstanceArchitecture.ARM_64
            if known.architecture is Architecture.ARM64
            else ec2.InstanceArchitecture.X86_64
        )
    if not _INSTANCE_TYPE.fullmatch(instance_type):
        near = get_close_matches(instance_type.lower(), CATALOGUE, n=1)
        meant = f"did you mean {near[0]}?" if near else "for example c8g.4xlarge"
        raise SpecError(f"{owner}: {instance_type!r} is no instance type; {meant}")
    try:
        return ec2.InstanceType(instance_type).architecture
    except RuntimeError as error:  # how jsii reports that the CDK cannot parse it
        raise SpecError(f"{owner}: {instance_type!r} is no instance type of EC2") from error
