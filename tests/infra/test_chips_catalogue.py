"""The catalogue agrees with EC2's own data, wherever that data is right."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import boto3
import pytest
from botocore.model import StringShape
from botocore.session import get_session
from moto import mock_aws
from moto.ec2.models.instance_types import INSTANCE_TYPES

from benchmarks.catalogue import facts, offerings
from peakfleet_chips import CATALOGUE, Architecture, Chip, InstanceType, Prices, find_type, is_sold
from peakfleet_chips.catalogue import HEAD

KNOWN_ERRORS = {
    ("trn2.3xlarge", "device_memory_mib"): "512 GiB a chip; the Neuron documentation says 96",
    ("trn2.48xlarge", "device_memory_mib"): "512 GiB a chip; the Neuron documentation says 96",
    ("trn2u.48xlarge", "device_memory_mib"): "says nothing of the accelerators",
    ("trn2u.48xlarge", "neuron_cores"): "says nothing of the accelerators",
}
"""What EC2's data, as moto carries it, has wrong, and why."""


def in_ec2(kind: str) -> dict[str, object]:
    """Return EC2's data of an instance type, flat."""
    data: dict[str, Any] = INSTANCE_TYPES[kind]
    neuron = data.get("NeuronInfo", {})
    gpus = data.get("GpuInfo", {})
    return {
        "architectures": data["ProcessorInfo"]["SupportedArchitectures"],
        "vcpus": data["VCpuInfo"]["DefaultVCpus"],
        "memory_mib": data["MemoryInfo"]["SizeInMiB"],
        "neuron_cores": sum(
            device["Count"] * device["CoreInfo"]["Count"]
            for device in neuron.get("NeuronDevices", [])
        ),
        "device_memory_mib": neuron.get("TotalNeuronDeviceMemoryInMiB", 0)
        or gpus.get("TotalGpuMemoryInMiB", 0),
        "efa_interfaces": data["NetworkInfo"].get("EfaInfo", {}).get("MaximumEfaInterfaces", 0),
        "local_nvme_gb": data.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
        "purchases": set(data["SupportedUsageClasses"]),
        "hibernates": data["HibernationSupported"],
        "gpu": {gpu["Name"] for gpu in gpus.get("Gpus", [])},
    }


def in_catalogue(kind: InstanceType) -> dict[str, object]:
    """Return the catalogue's facts in the same words."""
    return {
        "architectures": [kind.architecture],
        "vcpus": kind.vcpus,
        "memory_mib": kind.memory_gib * 1024,
        "neuron_cores": kind.physical_neuron_cores,
        "device_memory_mib": pytest.approx(kind.device_memory_gib * 1024, abs=1),
        "efa_interfaces": kind.efa_interfaces,
        "local_nvme_gb": kind.local_nvme_gb,
        "purchases": set(kind.purchases),
        "hibernates": kind.hibernates,
        "gpu": {kind.chip.removeprefix("nvidia-").upper()} if kind.chip.is_gpu else set(),
    }


def test_every_type_is_one_that_botocore_knows() -> None:
    shape = get_session().get_service_model("ec2").shape_for("InstanceType")
    assert isinstance(shape, StringShape)
    assert set(CATALOGUE) <= set(shape.enum)


def test_every_fact_agrees_with_ec2_but_for_its_known_errors() -> None:
    differing = {
        (name, fact)
        for name, kind in CATALOGUE.items()
        for fact, value in in_ec2(name).items()
        if in_catalogue(kind)[fact] != value
    }
    assert differing == set(KNOWN_ERRORS)


def test_the_file_is_what_its_script_writes() -> None:
    shipped = files("peakfleet_chips").joinpath("facts.csv").read_text(encoding="utf-8")
    assert facts(Prices.shipped()) == shipped


def test_it_says_where_its_figures_are_from() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", HEAD["date"])
    assert HEAD["region"] == "us-east-1"
    assert "AWS Price List" in HEAD["prices"]


def test_only_trainium2_has_no_list_price() -> None:
    unpriced = {kind.chip for kind in CATALOGUE.values() if kind.usd_per_hour is None}
    assert unpriced == {Chip.TRAINIUM2}
    assert all(0 < (kind.usd_per_hour or 1) < 1000 for kind in CATALOGUE.values())


@pytest.mark.parametrize(
    ("name", "logical", "physical"),
    [
        ("inf2.xlarge", 2, 2),
        ("inf2.8xlarge", 2, 2),
        ("inf2.48xlarge", 24, 24),
        ("trn1.32xlarge", 32, 32),
        ("trn2.3xlarge", 4, 8),
        ("trn2.48xlarge", 64, 128),
        ("c8g.large", 0, 0),
    ],
)
def test_neuron_cores_are_counted_as_programs_see_them(
    name: str, logical: int, physical: int
) -> None:
    kind = CATALOGUE[name]
    assert (kind.neuron_cores, kind.physical_neuron_cores) == (logical, physical)


def test_every_host_of_neuron_is_x86() -> None:
    hosts = [kind for kind in CATALOGUE.values() if kind.chip.is_neuron]
    assert {kind.family for kind in hosts} == {"inf2", "trn1", "trn1n", "trn2", "trn2u"}
    assert {kind.architecture for kind in hosts} == {Architecture.X86_64}


def test_a_type_that_is_not_there_is_none() -> None:
    assert find_type("z9.large") is None


def test_the_offerings_are_those_that_moto_carries() -> None:
    shipped = files("peakfleet_chips").joinpath("offerings.csv").read_text(encoding="utf-8")
    assert shipped == offerings()


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "il-central-1"])
def test_what_a_region_sells_is_what_ec2_says(region: str) -> None:
    with mock_aws():
        client = boto3.client("ec2", region)
        pages = client.get_paginator("describe_instance_type_offerings").paginate()
        sold = {offer["InstanceType"] for page in pages for offer in page["InstanceTypeOfferings"]}
    assert {kind for kind in CATALOGUE if is_sold(kind, region)} == sold & set(CATALOGUE)


def test_of_a_region_or_a_type_that_is_not_known_nothing_is_said() -> None:
    assert is_sold("c8g.large", "mx-central-1") is None
    assert is_sold("z9.large", "us-east-1") is None
