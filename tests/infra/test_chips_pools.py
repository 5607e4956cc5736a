"""Pools take prices, units and images from the catalogue where nothing else is given."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk.assertions import Annotations, Match, Template

from peakfleet import CapacityPool, Purchase, SpecError
from peakfleet_chips import PRICE_FILE, Prices
from tests.infra.fleets import GRAVITON, burst_fleet, new_stack, only

PRICED = Prices(
    region="eu-west-1",
    day=date(2026, 7, 31),
    source="a test",
    on_demand_usd_per_hour={"c8g.4xlarge": 0.7, "c7g.4xlarge": 0.6},
    spot_usd_per_hour={"c8g.4xlarge": 0.2},
)


def usd(pool: CapacityPool, prices: Prices) -> float | None:
    return pool.to_planner(group="g", prices=prices).usd_per_capacity_hour


def app_with(path: Path, *, region: str | None = None) -> Stack:
    """Return a stack of an app whose context names a price file."""
    path.write_text(json.dumps(PRICED.to_json()))
    context = {"aws:cdk:disable-asset-staging": True, "peakfleet:prices": str(path)}
    env = Environment(account="111122223333", region=region) if region else None
    return Stack(App(context=context), "Media", env=env)


def told(stack: Stack) -> list[str]:
    notes = Annotations.from_stack(stack)
    found = notes.find_info("*", Match.any_value()) + notes.find_warning("*", Match.any_value())
    texts = [str(note.entry.data) for note in found]
    return [text for text in texts if "shorterLead" not in text]  # that is no matter of prices


def test_an_on_demand_pool_costs_the_list_price_of_its_dearest_type() -> None:
    pool = CapacityPool.graviton(
        "c8g.4xlarge", "c7g.4xlarge", units_per_instance=1, max_instances=1
    )
    assert usd(pool, Prices.shipped()) == 0.63808


def test_a_spot_pool_has_no_price_unless_a_file_has_it() -> None:
    spot = Purchase.spot()
    pool = CapacityPool.graviton(
        "c8g.4xlarge", units_per_instance=1, max_instances=1, purchase=spot
    )
    assert usd(pool, Prices.shipped()) is None
    assert usd(pool, PRICED) == 0.2


def test_a_pool_with_a_type_of_unknown_price_has_none() -> None:
    pool = CapacityPool.graviton(
        "c8g.4xlarge", "c6g.4xlarge", units_per_instance=1, max_instances=1
    )
    assert usd(pool, Prices.shipped()) is None


def test_a_price_that_is_given_is_kept() -> None:
    pool = CapacityPool.graviton(
        "c8g.4xlarge", units_per_instance=1, max_instances=1, usd_per_hour=9
    )
    assert usd(pool, PRICED) == 9


def test_pools_are_ordered_by_list_price_and_by_the_prices_that_are_passed() -> None:
    graviton = CapacityPool.graviton("c8g.4xlarge", units_per_instance=16, max_instances=1)
    x86 = CapacityPool.x86("c7i.4xlarge", units_per_instance=16, max_instances=1)
    assert CapacityPool.cheapest_first(x86, graviton) == (graviton, x86)
    assert graviton.usd_per_unit_hour == pytest.approx(0.63808 / 16)
    turned = Prices(
        region="r",
        day=PRICED.day,
        source="a test",
        on_demand_usd_per_hour={"c8g.4xlarge": 2, "c7i.4xlarge": 1},
    )
    assert CapacityPool.cheapest_first(graviton, x86, prices=turned) == (x86, graviton)


def test_the_fleet_carries_the_price_of_the_file_in_the_apps_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / PRICE_FILE).write_text(json.dumps(PRICED.to_json()))
    monkeypatch.chdir(tmp_path)
    assert burst_fleet(new_stack()).spec.pools[0].usd_per_capacity_hour == 0.7


def test_the_fleet_carries_the_price_of_the_file_in_the_context(tmp_path: Path) -> None:
    stack = app_with(tmp_path / "mine.json")
    assert burst_fleet(stack).spec.pools[0].usd_per_capacity_hour == 0.7


def test_a_price_file_that_is_missing_fails_the_synth() -> None:
    stack = Stack(App(context={"peakfleet:prices": "nowhere.json"}), "Media")
    with pytest.raises(SpecError, match=r"Media/Live: price file nowhere\.json: No such file"):
        burst_fleet(stack)


def test_a_context_that_names_no_file_is_refused() -> None:
    stack = Stack(App(context={"peakfleet:prices": {"c8g.large": 1}}), "Media")
    with pytest.raises(SpecError, match="context peakfleet:prices must name a price file"):
        burst_fleet(stack)


def test_the_age_of_the_prices_is_said_once_an_app() -> None:
    stack = new_stack()
    burst_fleet(stack, "First")
    burst_fleet(stack, "Second")
    (text,) = told(stack)
    assert "those of 2026-07-20, 12 days old, in us-east-1; `peakfleet prices refresh`" in text


def test_prices_of_another_region_are_told_from_the_stacks(tmp_path: Path) -> None:
    near = app_with(tmp_path / "near.json", region="eu-west-1")
    far = app_with(tmp_path / "far.json", region="eu-north-1")
    for stack in (near, far):
        burst_fleet(stack)
    assert ["but the stack is in" in text for text in told(near) + told(far)] == [False, True]


@pytest.mark.parametrize("days", [0, 181, 4000])
def test_prices_are_told_and_never_warned_of_however_old(
    monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    synth = datetime.combine(Prices.shipped().day, time(), UTC) + timedelta(days=days)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(synth.timestamp())))
    stack = new_stack()
    burst_fleet(stack)
    notes = Annotations.from_stack(stack)
    assert not notes.find_warning("*", Match.any_value())
    assert notes.find_info("*", Match.string_like_regexp(f"instance prices are .* {days} days old"))


def test_an_app_that_gives_its_own_prices_hears_nothing_of_ours() -> None:
    stack = new_stack()
    pool = CapacityPool.graviton(
        "c8g.large", units_per_instance=1, max_instances=1, usd_per_hour=0.1
    )
    burst_fleet(stack, pools=[pool])
    assert told(stack) == []


def test_a_type_that_the_catalogue_does_not_have_is_taken_and_told() -> None:
    stack = new_stack()
    pool = CapacityPool.graviton("c6g.large", units_per_instance=1, max_instances=1)
    burst_fleet(stack, pools=[pool])
    (text,) = told(stack)
    assert "the catalogue does not have c6g.large" in text


@pytest.mark.parametrize(
    ("pool", "units"),
    [
        (CapacityPool.inferentia("inf2.xlarge", "inf2.24xlarge", max_instances=4), (2, 12)),
        (CapacityPool.trainium("trn2.3xlarge", "trn2.48xlarge", max_instances=4), (4, 64)),
    ],
)
def test_neuron_pools_count_in_neuron_cores(pool: CapacityPool, units: tuple[int, int]) -> None:
    assert tuple(pool.to_planner(group="g").units_by_type.values()) == units


def test_units_that_are_given_are_kept() -> None:
    pool = CapacityPool.inferentia("inf2.xlarge", max_instances=4, units_per_instance=300)
    assert pool.weights.units_per_point == 300
    with pytest.raises(SpecError, match="units_per_instance must be above 0, got 0"):
        CapacityPool.inferentia("inf2.xlarge", max_instances=4, units_per_instance=0)


def test_neuron_pools_boot_the_image_of_the_neuron_sdk() -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[CapacityPool.inferentia("inf2.xlarge", max_instances=4), GRAVITON])
    template = Template.from_stack(stack)
    path = "/aws/service/neuron/dlami/base/amazon-linux-2023/latest/image_id"
    (parameter,) = template.find_parameters("*", {"Default": path})
    disk = {"DeviceName": "/dev/xvda", "Ebs": Match.object_like({"VolumeSize": 100})}
    data = {"ImageId": {"Ref": parameter}, "BlockDeviceMappings": [disk]}
    template.has_resource_properties(
        "AWS::EC2::LaunchTemplate", {"LaunchTemplateData": Match.object_like(data)}
    )


def test_neuron_pools_take_ten_minutes_to_boot_unless_told_otherwise() -> None:
    assert CapacityPool.trainium("trn1.2xlarge", max_instances=1).boot_seconds == 600
    quick = CapacityPool.trainium("trn1.2xlarge", max_instances=1, boot=Duration.minutes(2))
    assert quick.boot_seconds == 120


def test_a_neuron_pool_of_another_chip_is_refused() -> None:
    with pytest.raises(SpecError, match=r"pool 'Mine': .* inferentia2 only, got trn1.2xlarge, wh"):
        CapacityPool.inferentia("trn1.2xlarge", max_instances=1, name="Mine")
    with pytest.raises(SpecError, match=r"trainium1 or trainium2 only, got inf2\.xlarge"):
        CapacityPool.trainium("inf2.xlarge", max_instances=1)


def test_the_units_of_an_unknown_neuron_type_must_be_given() -> None:
    with pytest.raises(SpecError, match=r"NeuronCores of trn9.48xlarge .*; give units_per_inst"):
        CapacityPool.trainium("trn9.48xlarge", max_instances=1)
    pool = CapacityPool.trainium("trn9.48xlarge", max_instances=1, units_per_instance=8)
    assert pool.name == "Trainium"


def test_purchases_name_themselves_in_ec2s_words() -> None:
    assert [Purchase.on_demand().option, Purchase.spot().option] == ["on-demand", "spot"]


def test_the_group_of_a_trainium_pool_launches_its_type() -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[CapacityPool.trainium("trn2.48xlarge", max_instances=2)])
    data = only(Template.from_stack(stack), "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    assert data["InstanceType"] == "trn2.48xlarge"
