"""What chips forbid is refused at synth, with field, value and way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Annotations, Match

from peakfleet import CapacityPool, Purchase, SpecError
from peakfleet.pools import (
    check_capacity_block,
    check_efa,
    check_gang,
    check_region,
    check_warm,
    unknown_types,
)
from peakfleet_chips import CATALOGUE, PurchaseOption, is_sold
from tests.infra.fleets import burst_fleet, new_stack

ON_DEMAND, SPOT, BLOCK = (
    PurchaseOption.ON_DEMAND,
    PurchaseOption.SPOT,
    PurchaseOption.CAPACITY_BLOCK,
)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            lambda: check_capacity_block("pool 'a'", ["inf2.48xlarge"]),
            r"purchase is capacity-block, but inf2.48xlarge is only sold on-demand or spot; buy",
        ),
        (
            lambda: check_capacity_block("pool 'a'", ["trn1.2xlarge"]),
            r"trn1.2xlarge is only sold on-demand or spot; buy it so, or use trn1.32xlarge$",
        ),
        (
            lambda: check_capacity_block("pool 'a'", ["trn2.48xlarge"], placement_group="close"),
            r"placement_group is close, but .* leave placement_group out",
        ),
        (
            lambda: check_capacity_block("pool 'a'", ["trn2.48xlarge", "trn2.3xlarge"]),
            r"one instance type, got trn2.48xlarge, trn2.3xlarge; give each its own",
        ),
        (
            lambda: check_warm("pool 'a'", ["c8g.large"], option=SPOT),
            r"warm is given, but purchase is spot, .* leave warm out, or give it to an on-demand",
        ),
        (
            lambda: check_warm("pool 'a'", ["trn2.48xlarge"], option=BLOCK),
            "warm is given, but purchase is capacity-block",
        ),
        (
            lambda: check_efa("pool 'a'", ["inf2.48xlarge"]),
            r"efa is on, but inf2.48xlarge takes no .*; use trn1.32xlarge, .*, or leave efa out",
        ),
        (
            lambda: check_efa("pool 'a'", ["trn1.2xlarge"]),
            "efa is on, but trn1.2xlarge takes no Elastic Fabric Adapter",
        ),
        (
            lambda: check_efa("pool 'a'", ["trn1.32xlarge", "trn1n.32xlarge"]),
            "got trn1.32xlarge 8, trn1n.32xlarge 16; give each its own pool",
        ),
        (lambda: check_efa("pool 'a'", ["z9.large"]), "catalogue does not have it; use trn1.32"),
        (
            lambda: check_gang("pool 'a'", ["eu-west-1a", "eu-west-1b"]),
            r"one availability zone, got 2 \(eu-west-1a, eu-west-1b\); name the one subnet",
        ),
        (lambda: check_gang("pool 'a'", []), r"got 0 \(none\)"),
    ],
)
def test_what_a_chip_forbids_is_refused(check: Callable[[], object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        check()


def test_what_chips_allow_passes() -> None:
    check_capacity_block("pool 'a'", ["trn2.48xlarge"])
    check_warm("pool 'a'", ["inf2.xlarge"], option=ON_DEMAND)
    check_gang("pool 'a'", ["eu-west-1a", "eu-west-1a"])
    assert [check_efa("p", [name]) for name in ("trn1.32xlarge", "trn2.48xlarge")] == [8, 16]


def test_unknown_types_are_left_to_the_deployment() -> None:
    check_capacity_block("pool 'a'", ["p9.48xlarge"])
    check_warm("pool 'a'", ["z9.large"], option=ON_DEMAND)
    assert unknown_types(["c8g.large", "z9.large"]) == ["z9.large"]


@pytest.mark.parametrize("name", [kind.name for kind in CATALOGUE.values() if kind.chip.is_neuron])
def test_no_host_of_neuron_takes_an_arm_pool(name: str) -> None:
    with pytest.raises(SpecError, match=r"x86_64, as every host of Inferentia or Trainium is"):
        CapacityPool.graviton(name, units_per_instance=1, max_instances=1)


def test_an_arm_image_on_a_host_of_neuron_is_refused() -> None:
    image = ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64)
    pool = CapacityPool.inferentia("inf2.xlarge", max_instances=1, machine_image=image)
    with pytest.raises(SpecError, match=r"x86_64, as every host of Inf.* arm64; give an image of"):
        burst_fleet(new_stack(), pools=[pool])


def test_spot_is_refused_where_it_is_not_sold() -> None:
    with pytest.raises(SpecError, match=r"purchase is spot, but trn2u.48xlarge is only sold cap"):
        CapacityPool.trainium("trn2u.48xlarge", max_instances=1, purchase=Purchase.spot())


UNSOLD = sorted(
    (kind, region)
    for kind, facts in CATALOGUE.items()
    for region in ("af-south-1", "eu-west-1", "sa-east-1")
    if is_sold(kind, region) is False and BLOCK not in facts.purchases
)


def fleet_in(region: str | None, *kinds: str, sold: tuple[str, ...] = ()) -> Stack:
    """Return a stack of a region with a fleet whose one pool has these types."""
    context = {"aws:cdk:disable-asset-staging": True, "peakfleet:sold": list(sold)}
    env = Environment(account="111122223333", region=region) if region else None
    stack = Stack(App(context=context), "Media", env=env)
    chip = CATALOGUE[kinds[0]].chip
    make = CapacityPool.graviton if chip.is_graviton else CapacityPool.x86
    burst_fleet(stack, pools=[make(*kinds, units_per_instance=1, max_instances=2)])
    return stack


def test_a_type_that_the_region_does_not_sell_is_refused_with_what_it_sells() -> None:
    with pytest.raises(
        SpecError,
        match=r"^Media/Live: pool 'Graviton': eu-west-1 did not sell c9g.large on 2026-\d\d-\d\d"
        r'; use m9g.*; if it does now, .*"peakfleet:sold": \["c9g.large"\]$',
    ):
        fleet_in("eu-west-1", "c8g.large", "c9g.large")
    with pytest.raises(SpecError, match=r"did not sell c8gb.large on .*; use c7|; use c8g.medium"):
        fleet_in("eu-west-1", "c8gb.large")


@pytest.mark.parametrize(("kind", "region"), UNSOLD[:: len(UNSOLD) // 4])
def test_what_was_not_sold_may_be_sold_since(kind: str, region: str) -> None:
    with pytest.raises(SpecError, match=f"{region} did not sell {kind}"):
        fleet_in(region, kind)
    fleet_in(region, kind, sold=(kind,))


def test_nothing_that_may_be_sold_is_refused() -> None:
    fleet_in(None, "c9g.large")
    unknown = fleet_in("mx-central-1", "c9g.large")
    Annotations.from_stack(unknown).has_info(
        "/Media/Live", Match.string_like_regexp("does not know whether mx-central-1 sells c9g")
    )
    check_region(new_stack(env=Environment(region="eu-west-1")), {"pool 'a'": ["trn2.48xlarge"]})
    check_region(new_stack(env=Environment(region="eu-west-1")), {"pool 'a'": ["z9.large"]})
