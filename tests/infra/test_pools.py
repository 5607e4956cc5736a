"""Pools refuse what no group can be, where it was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from hypothesis import given
from hypothesis import strategies as st

from peakfleet import CapacityPool, Purchase, SpecError
from peakfleet.pools import told_apart
from tests.infra.fleets import burst_fleet, new_stack

ARM_IMAGE = ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64)


def graviton(*types: str, **options: Any) -> CapacityPool:  # noqa: ANN401  a pool's own
    given_options = {"units_per_instance": 1, "max_instances": 5, **options}
    return CapacityPool.graviton(*(types or ("c8g.large",)), **given_options)


def x86(**options: Any) -> CapacityPool:  # noqa: ANN401  a pool's own
    return CapacityPool.x86("c7i.large", **{"units_per_instance": 1, "max_instances": 5, **options})


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


def test_a_pool_is_named_after_its_chip_however_it_is_tuned() -> None:
    tuned: dict[str, Any] = {
        "units_per_instance": 3,
        "max_instances": 9,
        "purchase": Purchase.spot(),
        "usd_per_hour": 0.1,
    }
    names = [make(**more).name for make in (graviton, x86) for more in ({}, tuned)]
    assert names == ["Graviton", "Graviton", "X86", "X86"]
    assert graviton(name="Mine", purchase=Purchase.spot()).name == "Mine"


LADDERS = st.lists(
    st.builds(
        lambda arm, purchase, name: (graviton if arm else x86)(purchase=purchase, name=name),
        st.booleans(),
        st.sampled_from([Purchase.spot(), Purchase.on_demand()]),
        st.sampled_from([None, None, "Mine", "Graviton"]),
    ),
    min_size=1,
    max_size=4,
)


def names_of(pools: Sequence[CapacityPool]) -> set[str] | None:
    try:
        return {pool.name for pool in told_apart(pools)}
    except SpecError:
        return None


@given(LADDERS, st.data())
def test_no_deployment_drops_more_groups_than_pools_are_left_out(
    pools: list[CapacityPool], data: st.DataObject
) -> None:
    before = names_of(pools)
    changed = data.draw(st.permutations(pools))
    rebought = data.draw(st.integers(0, len(pools) - 1))
    purchase = data.draw(st.sampled_from([Purchase.spot(), Purchase.on_demand()]))
    changed[rebought] = replace(changed[rebought], purchase=purchase)
    left_out = data.draw(st.integers(0, len(pools)))
    changed = [*changed[left_out:], *data.draw(LADDERS | st.just([]))]
    after = names_of(changed) if changed else None
    if before is not None and after is not None:
        assert len(before - after) <= left_out


def test_pools_that_were_told_apart_keep_their_names() -> None:
    pools = told_apart([graviton(purchase=Purchase.spot()), graviton(), x86()])
    assert [pool.name for pool in pools] == ["GravitonSpot", "Graviton", "X86"]
    assert told_apart(pools) == pools


@pytest.mark.parametrize("retires", [0, 1])
def test_a_pool_takes_over_from_one_that_retires_under_a_name_of_its_own(retires: int) -> None:
    pools = [graviton(purchase=Purchase.spot()), graviton()]
    pools[retires] = pools[retires].retired()
    with pytest.raises(SpecError, match=r"retires, .* give name=\.\.\. to both"):
        told_apart(pools)
    pools[1 - retires] = replace(pools[1 - retires], name="Arm", is_named=True)
    assert names_of(pools) == {"Arm", "Graviton"}


def test_the_ladder_may_be_ordered_by_price_per_unit() -> None:
    dear = graviton(usd_per_hour=2, name="Dear")
    large = graviton(usd_per_hour=6, units_per_instance=6, name="Large")
    cheap = graviton(usd_per_hour=0.5, name="Cheap")
    ordered = CapacityPool.cheapest_first(dear, large, cheap)
    assert [pool.name for pool in ordered] == ["Cheap", "Large", "Dear"]


def test_a_pool_without_a_price_cannot_be_ordered() -> None:
    with pytest.raises(SpecError, match="pool 'Graviton': usd_per_hour is needed"):
        CapacityPool.cheapest_first(graviton(usd_per_hour=1), graviton(purchase=Purchase.spot()))


_UNITS = {"c8g.4xlarge": 16, "c8g.2xlarge": 8}


@pytest.mark.parametrize(
    ("purchase", "planned"), [(Purchase.on_demand(), 16), (Purchase.spot(), 8)]
)
def test_new_instances_are_planned_as_the_type_that_aws_launches(
    purchase: Purchase, planned: float
) -> None:
    pool = graviton(
        *_UNITS,
        units_per_instance=_UNITS,
        usd_per_hour={"c8g.4xlarge": 0.7, "c8g.2xlarge": 0.4},
        min_instances=2,
        purchase=purchase,
    )
    spec = pool.to_planner(group="g")
    assert (spec.units_per_capacity, spec.min_capacity, spec.max_capacity) == (planned, 2, 5)
    assert spec.usd_per_capacity_hour == 0.05 * planned  # of the type that is dearest by the unit
    assert spec.units_by_type == _UNITS


def test_types_of_one_size_need_no_units_of_their_own() -> None:
    assert not graviton("c8g.large", "c7g.large").to_planner(group="g").units_by_type
