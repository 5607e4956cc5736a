from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Required

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from peakfleet.pools.chip_rules import check_chips, neuron_cores
from peakfleet.pools.options import GivenOptions, PoolOptions
from peakfleet_chips import Chip

NEURON_IMAGE_PARAMETER = "/aws/service/neuron/dlami/base/amazon-linux-2023/latest/image_id"
"""The SSM parameter of the Neuron SDK's base image: driver and tools, no framework."""
NEURON_OPTIONS: PoolOptions = {
    "boot": Duration.minutes(10),  # a machine with an accelerator, until its model is loaded
    "root_volume_gib": 100,  # what AWS recommends for its base images for deep learning
}
"""Options of Neuron pools where nothing else is given."""


class NeuronFields(GivenOptions):
    """What makes a pool one of Neuron hosts, beside its types and size."""

    architecture: Required[ec2.InstanceArchitecture]
    units_per_instance: Required[float | Mapping[str, float]]
    machine_image: Required[ec2.IMachineImage]


def neuron_fields(
    given: GivenOptions,
    instance_types: Sequence[str],
    *,
    chips: Sequence[Chip],
    units_per_instance: float | Mapping[str, float] | None,
    machine_image: ec2.IMachineImage | None,
) -> NeuronFields:
    """Return the fields of a pool of Neuron hosts, with image and units where none are given.

    Raises:
        SpecError: A type has another chip than these, or its NeuronCores are unknown.
    """
    owner = f"pool '{given['name']}'"
    check_chips(owner, instance_types, chips)
    return {
        **given,
        "architecture": ec2.InstanceArchitecture.X86_64,
        "units_per_instance": neuron_cores(owner, instance_types)
        if units_per_instance is None
        else units_per_instance,
        "machine_image": machine_image
        or ec2.MachineImage.from_ssm_parameter(NEURON_IMAGE_PARAMETER),
    }
