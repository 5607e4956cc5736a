from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2

from peakfleet_chips import Architecture, find_type
from peakfleet_planner import SpecError

MOST_TYPES = 40
"""Instance types that one Auto Scaling group accepts."""
ARCHITECTURES = {
    ec2.InstanceArchitecture.ARM_64: "arm64",
    ec2.InstanceArchitecture.X86_64: "x86_64",
}
"""The architectures in words."""


def check_types(
    owner: str, instance_types: Sequence[str], architecture: ec2.InstanceArchitecture
) -> None:
    """Refuse instance types that cannot be in one pool."""
    if not 1 <= len(instance_types) <= MOST_TYPES:
        raise SpecError(
            f"{owner}: between 1 and {MOST_TYPES} instance types are needed, "
            f"got {len(instance_types)}"
        )
    if twice := sorted({kind for kind in instance_types if instance_types.count(kind) > 1}):
        raise SpecError(f"{owner}: instance types must differ, got {', '.join(twice)} twice")
    for kind in instance_types:
        if Token.is_unresolved(kind):
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


def _architecture(owner: str, instance_type: str) -> ec2.InstanceArchitecture:
    if known := find_type(instance_type):
        return (
            ec2.InstanceArchitecture.ARM_64
            if known.architecture is Architecture.ARM64
            else ec2.InstanceArchitecture.X86_64
        )
    try:
        return ec2.InstanceType(instance_type).architecture
    except RuntimeError as error:  # how jsii reports that the CDK cannot parse it
        raise SpecError(
            f"{owner}: {instance_type!r} is no instance type, for example c8g.4xlarge"
        ) from error
