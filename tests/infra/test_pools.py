"""Pools refuse what no group can be, where it was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from hypothesis import given
from hypothesis import strategies as st

from peakfleet import CapacityPool, Purchase, SpecError
from peakfleet.pools import MOST_WEIGHT, weigh
from tests.infra.fleets import burst_fleet, new_stack

ARM_IMAGE = ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64)


def graviton(*types: str, **options: Any) -> CapacityPool:  # noqa: ANN401  a pool's own
    given_options = {"units_per_instance": 1, "max_instances": 5, **options}
    return CapacityPool.graviton(*(types or ("c8g.large",)), **given_options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: graviton("c7i.large"),
            "arm64 instance types only, got c7i.large, which is x86_64",
        ),
        (
            lambda: CapacityPool.x86("c8g.large", units_per_instance=1, max_instances=1),
            "x86_64 instance types only, got c8g.large, which is arm64",
        ),
        (lambda: graviton("large"), "'large' is no instance type; did you mean"),
        (lambda: graviton("c8g.large", "c8g.large"), "instance types must differ"),
        (lambda: graviton(units_per_instance=0), "units_per_instance must be above 0, got 0"),
        (lambda: graviton(units_per_instance=-4), "units_per_instance must be above 0, got -4"),
        (lambda: graviton(max_instances=0), "max_instances must be at least 1"),
        (lambda: graviton(min_instances=-1), "min_instances at least 0, got 5 and -1"),
        (
            lambda: graviton(min_instances=6),
            "min_instances must be at most max_instances 5, got 6",
        ),
        (lambda: graviton(usd_per_hour=0), "usd_per_hour must be above 0, got 0"),
        (lambda: graviton(root_volume_gib=4), "root_volume_gib must be at least 8, got 4"),
        (lambda: graviton(boot=Duration.hours(2)), "boot must be at most 3600 seconds"),
        (
            lambda: graviton("c8g.large", units_per_instance={"c7g.large": 1}),
            "units_per_instance must name the pool's instance types c8g.large, got c7g.large",
        ),
        (
            lambda: graviton(
                "c8g.large",
                "c7g.large",
                units_per_instance={"c8g.large": 1.0001, "c7g.large": 1.0003},
            ),
            "999 is the most; round the units",
        ),
        (lambda: graviton(*(f"c8g.{i}xlarge" for i in range(41))), "between 1 and 40"),
    ],
)
def test_a_pool_that_no_group_can_be_is_refused(
    make: Callable[[], CapacityPool], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        make()


def test_a_pool_without_instance_types_is_refused() -> None:
    with pytest.raises(SpecError, match="between 1 and 40 instance types are needed, got 0"):
        CapacityPool.graviton(units_per_instance=1, max_instances=1)


def test_a_size_that_only_the_deployment_knows_is_refused() -> None:
    parameter = CfnParameter(Stack(App(), "S"), "Most", type="Number")
    with pytest.raises(SpecError, match="max_instances must be known at synth"):
        graviton(max_instances=parameter.value_as_number)


def test_an_arm_image_on_x86_types_is_refused() -> None:
    pool = CapacityPool.x86(
        "c7i.large", units_per_instance=1, max_instances=1, machine_image=ARM_IMAGE
    )
    with pytest.raises(SpecError, match=r"Media/Live: pool 'X86': .*x86_64, but .*arm64 is arm64"):
        burst_fleet(new_stack(), pools=[pool])


def test_an_x86_image_on_arm_types_is_refused() -> None:
    image = ec2.MachineImage.from_ssm_parameter("/golden/x86_64/latest")
    with pytest.raises(SpecError, match="/golden/x86_64/latest is x86_64"):
        burst_fleet(new_stack(), pools=[graviton(machine_image=image)])


def test_an_image_whose_architecture_nobody_knows_is_taken() -> None:
    image = ec2.MachineImage.generic_linux({"eu-west-1": "ami-12345678"})
    pool = CapacityPool.custom(
        "c8g.large",
        architecture=ec2.InstanceArchitecture.ARM_64,
        machine_image=image,
        units_per_instance=1,
        max_instances=1,
    )
    assert pool.name == "Custom"


def test_pools_are_named_after_chip_and_purchase() -> None:
    spot = Purchase.spot()
    names = [
        graviton().name,
        graviton(purchase=spot).name,
        CapacityPool.x86("c7i.large", units_per_instance=1, max_instances=1).name,
        CapacityPool.x86("c7i.large", units_per_instance=1, max_instances=1, purchase=spot).name,
        graviton(name="Mine").name,
    ]
    assert names == ["Graviton", "GravitonSpot", "X86", "X86Spot", "Mine"]


def test_the_ladder_may_be_ordered_by_price_per_unit() -> None:
    dear = graviton(usd_per_hour=2, name="Dear")
    large = graviton(usd_per_hour=6, units_per_instance=6, name="Large")
    cheap = graviton(usd_per_hour=0.5, name="Cheap")
    ordered = CapacityPool.cheapest_first(dear, large, cheap)
    assert [pool.name for pool in ordered] == ["Cheap", "Large", "Dear"]


def test_a_pool_without_a_price_cannot_be_ordered() -> None:
    with pytest.raises(SpecError, match="pool 'GravitonSpot': usd_per_hour is needed"):
        CapacityPool.cheapest_first(graviton(usd_per_hour=1), graviton(purchase=Purchase.spot()))


def test_sizes_and_prices_of_weighted_types_are_in_points() -> None:
    pool = graviton(
        "c8g.4xlarge",
        "c8g.2xlarge",
        units_per_instance={"c8g.4xlarge": 16, "c8g.2xlarge": 8},
        usd_per_hour={"c8g.4xlarge": 0.7, "c8g.2xlarge": 0.4},
        min_instances=2,
    )
    spec = pool.to_planner(group="g")
    assert (spec.units_per_capacity, spec.min_capacity, spec.max_capacity) == (8, 2, 5)
    assert spec.usd_per_capacity_hour == 0.4


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c", "d"]), st.integers(min_value=1, max_value=99), min_size=1
    ),
    st.sampled_from([1.0, 0.5, 0.25, 3.0]),
)
def test_weights_keep_the_units_in_proportion(sizes: dict[str, int], unit: float) -> None:
    weights = weigh("pool", {kind: size * unit for kind, size in sizes.items()})
    assert {kind: weight * weights.units_per_point for kind, weight in weights.by_type.items()} == {
        kind: size * unit for kind, size in sizes.items()
    }
    assert all(1 <= weight <= MOST_WEIGHT for weight in weights.by_type.values())
