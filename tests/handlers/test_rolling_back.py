"""A launch template version that does not work gives way to the one before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from peakfleet_planner import FleetSpec, Hold, Outage, OutageCause, RolledBack
from peakfleet_table import HOLDS, OUTAGES, ROLLBACKS
from tests.handlers.fake_aws import FakeAws
from tests.handlers.scenes import FLEET, NOW, aws, minutes, remembers, tick

ROLLING = replace(FLEET, broken_image="roll-back")
UPDATE = "UpdateAutoScalingGroup"
FACT = ("Media/Live", "ROLLBACK#Graviton")


def plain(version: str) -> dict[str, Any]:
    return {
        "LaunchTemplate": {
            "LaunchTemplateId": "lt-1",
            "LaunchTemplateName": "graviton",
            "Version": version,
        }
    }


def broken(
    cause: OutageCause = OutageCause.NEVER_READY, template: dict[str, Any] | None = None
) -> FakeAws:
    """Return a first pool that is out because of its launch template."""
    fake = remembers(aws(155))
    fake.groups["g"].template = plain("5") if template is None else template
    outage = Outage(cause=cause, asked_at_epoch_seconds=NOW - 60, pool="Graviton")
    keep(fake, OUTAGES.item("Media/Live", outage))
    fake.table["Media/Live", "STRIKES#Graviton"] = {
        "fleet": {"S": "Media/Live"},
        "item": {"S": "STRIKES#Graviton"},
        "count": {"N": "3"},
        "expires_at": {"N": str(NOW + 9999)},
    }
    return fake


def keep(fake: FakeAws, item: dict[str, Any]) -> None:
    fake.table["Media/Live", item["item"]["S"]] = item


def again(fake: FakeAws, minute: int, spec: FleetSpec = ROLLING) -> Any:  # noqa: ANN401  JSON data
    fake.metrics["Streams"] = minutes([155] * 70, until=NOW + 60 * minute)
    return tick(fake, spec, now=NOW + 60 * minute)


def changes(fake: FakeAws) -> list[dict[str, Any]]:
    return [asked for name, asked in fake.calls if name == UPDATE]


@pytest.mark.parametrize("cause", [OutageCause.NEVER_READY, OutageCause.BAD_TEMPLATE])
def test_the_version_before_is_launched_and_tried_at_once(cause: OutageCause) -> None:
    fake = broken(cause)
    said = tick(fake, ROLLING)
    assert changes(fake) == [
        {
            "AutoScalingGroupName": "g",
            "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "4"},
        }
    ]
    assert said["applied"]["rolled_back"] == {"Graviton": 4}
    assert not any(key.startswith(("OUTAGE#", "STRIKES#")) for _, key in fake.table)
    assert ROLLBACKS.read(fake.table[FACT]).version == 5
    assert again(fake, 1)["pools"][0].get("outage") is None
    assert not changes(fake)


def test_a_mixed_group_keeps_everything_but_the_version() -> None:
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": plain("5")["LaunchTemplate"],
            "Overrides": [{"InstanceType": "c8g.large", "WeightedCapacity": "2"}],
        },
        "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 100},
    }
    fake = broken(template={"MixedInstancesPolicy": policy})
    tick(fake, ROLLING)
    (asked,) = changes(fake)
    changed = asked["MixedInstancesPolicy"]
    assert changed["InstancesDistribution"] == policy["InstancesDistribution"]
    assert changed["LaunchTemplate"] == {
        **policy["LaunchTemplate"],
        "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1", "Version": "4"},
    }


def test_a_pool_goes_back_only_where_the_fleet_was_told_so() -> None:
    fake = broken()
    tick(fake, FLEET)
    assert not changes(fake)


@pytest.mark.parametrize("version", ["1", "$Latest"])
def test_there_has_to_be_a_version_before(version: str) -> None:
    fake = broken(template=plain(version))
    tick(fake, ROLLING)
    assert not changes(fake)


@pytest.mark.parametrize("cause", [OutageCause.NO_CAPACITY, OutageCause.NOT_AUTHORISED])
def test_what_is_not_the_templates_fault_changes_no_template(cause: OutageCause) -> None:
    fake = broken(cause)
    tick(fake, ROLLING)
    assert not changes(fake)


def test_a_hold_keeps_the_template_too() -> None:
    fake = broken()
    hold = Hold(owner="ana", reason="migration", until_epoch_seconds=NOW + 600)
    keep(fake, HOLDS.item("Media/Live", hold))
    tick(fake, ROLLING)
    assert not changes(fake)


def test_what_is_given_up_is_written_first_so_that_a_crash_walks_no_further_back() -> None:
    fake = broken()
    fake.failing[UPDATE] = "InternalFailure"
    tick(fake, ROLLING)
    order = [name for name, _ in fake.calls if name in {"PutItem", UPDATE}]
    assert order == ["PutItem", UPDATE]
    assert any(key.startswith("OUTAGE#") for _, key in fake.table)
    fake.groups["g"].template = plain("4")
    again(fake, 5)
    assert not changes(fake)


def test_without_the_fact_nothing_is_changed() -> None:
    fake = broken()
    fake.failing["PutItem"] = "InternalServerError"
    tick(fake, ROLLING)
    assert not changes(fake)


def test_a_change_that_aws_refuses_is_not_tried_hot() -> None:
    fake = broken()
    fake.failing[UPDATE] = "AccessDenied"
    for minute in range(10):
        again(fake, minute)
        assert bool(changes(fake)) is (minute == 0)


def test_how_many_pools_are_behind_is_said_until_a_newer_version_is_deployed() -> None:
    fake = remembers(aws(155))
    given_up = RolledBack(pool="Graviton", version=5, to_version=4, at_epoch_seconds=NOW - 600)
    keep(fake, ROLLBACKS.item("Media/Live", given_up))
    fake.groups["g"].template = plain("4")
    assert tick(fake, ROLLING)["applied"]["rolled_back"] == {"Graviton": 4}
    fake.groups["g"].template = plain("6")
    assert again(fake, 1)["applied"]["rolled_back"] == {}


def test_failures_of_the_version_that_was_given_up_are_not_held_against_the_other() -> None:
    fake = broken()
    tick(fake, ROLLING)
    fake.groups["g"].desired = 6
    fake.groups["g"].instances = []
    fake.groups["g"].activities = [_failed(NOW - 10)]
    said = again(fake, 1)
    assert said["pools"][0].get("outage") is None
    fake.groups["g"].activities = [_failed(NOW + 90)]
    assert again(fake, 2)["pools"][0]["outage"] == "bad-template"


def _failed(at: int) -> dict[str, Any]:
    time = datetime.fromtimestamp(at, UTC)
    return {
        "ActivityId": "a",
        "Description": "Launching a new EC2 instance.",
        "StartTime": time,
        "EndTime": time,
        "StatusCode": "Failed",
        "StatusMessage": "The image id '[ami-1]' does not exist",
    }
