"""What a tick learns of launches that failed, where no event told it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from peakfleet_planner import PoolSpec
from tests.handlers.fake_aws import FakeAws, FakeGroup, instance
from tests.handlers.scenes import FLEET, NOW, minutes, remembers, tick

POOLS: tuple[PoolSpec, ...] = tuple(
    replace(pool, instance_types=("c8g.large",)) for pool in FLEET.pools
)
DESIRED = replace(FLEET, pools=POOLS)
READ = "DescribeScalingActivities"
DRY = "We currently do not have sufficient c8g.large capacity in the Availability Zone you asked"
QUOTA = "You have requested more vCPU capacity than your current vCPU limit of 8 allows for."


def activity(
    message: str, *, ago: int = 30, zone: str | None = None, status: str = "Failed"
) -> dict[str, Any]:
    """Return a launch as AWS describes it."""
    at = datetime.fromtimestamp(NOW - ago, UTC)
    return {
        "ActivityId": f"a-{ago}",
        "AutoScalingGroupName": "g",
        "Description": "Launching a new EC2 instance.  Status Reason: Could not launch.",
        "Cause": "an instance was launched to reach the desired capacity",
        "StartTime": at,
        "EndTime": at,
        "StatusCode": status,
        "StatusMessage": message,
        **({"Details": json.dumps({"Availability Zone": zone})} if zone else {}),
    }


def hanging(*activities: dict[str, Any], running: int = 2, desired: int = 6) -> FakeAws:
    """Return a first group that was asked for more than it could get."""
    group = FakeGroup(
        desired=desired, maximum=10, zones=("us-east-1a", "us-east-1b"), activities=[*activities]
    )
    group.instances = [
        instance(InstanceId=f"i-{n}", AvailabilityZone="us-east-1a") for n in range(running)
    ]
    return remembers(
        FakeAws(
            metrics={"Streams": minutes([155] * 70)},
            groups={"g": group, "x": FakeGroup(maximum=20)},
        )
    )


def outages(fake: FakeAws) -> dict[str, str]:
    return {
        item: value["cause"]["S"]
        for (_, item), value in fake.table.items()
        if item.startswith("OUTAGE#")
    }


def test_a_lost_event_costs_nothing_the_missing_units_are_asked_of_the_next_pool() -> None:
    fake = hanging(activity(QUOTA))
    said = tick(fake, DESIRED)
    assert said["pools"][0]["outage"] == "quota"
    assert fake.desired == {"g": 2, "x": 4}
    assert outages(fake) == {"OUTAGE#Graviton#on-demand#*#*": "quota"}


def test_capacity_that_cannot_be_met_is_lowered_so_that_no_flood_follows() -> None:
    fake = hanging(activity(f"{DRY} (us-east-1a).", ago=31), activity(f"{DRY} (us-east-1b)."))
    tick(fake, DESIRED)
    assert fake.desired["g"] == 2
    tick(fake, DESIRED, now=NOW + 60)
    assert fake.desired["g"] == 2


def test_a_group_that_was_refused_in_one_zone_just_now_may_still_try_the_others() -> None:
    fake = hanging(activity(DRY, ago=10, zone="us-east-1b"))
    tick(fake, DESIRED)
    assert fake.desired == {"g": 6, "x": 0}
    assert outages(fake) == {"OUTAGE#*#on-demand#us-east-1b#c8g.large": "no-capacity"}


def test_what_a_group_still_misses_later_could_be_had_in_none_of_its_zones() -> None:
    fake = hanging(activity(DRY, ago=55, zone="us-east-1b"))
    tick(fake, DESIRED)
    assert fake.desired == {"g": 2, "x": 4}
    assert outages(fake) == {"OUTAGE#Graviton#on-demand#*#c8g.large": "no-capacity"}


def test_a_subnet_without_addresses_whose_zone_is_not_said_shuts_that_pool_alone() -> None:
    fake = hanging(activity("The subnet does not have enough free addresses."))
    tick(fake, DESIRED)
    assert fake.desired == {"g": 2, "x": 4}


def test_only_a_group_that_misses_capacity_is_asked_and_only_once() -> None:
    fake = hanging(activity(QUOTA))
    tick(fake, DESIRED)
    assert [one["AutoScalingGroupName"] for name, one in fake.calls if name == READ] == ["g"]
    complete = hanging(running=6)
    tick(complete, DESIRED)
    assert not complete.counted()[READ]


def test_a_failure_counts_once_however_often_it_is_read() -> None:
    fake = hanging(activity(QUOTA))
    tick(fake, DESIRED)
    fake.groups["g"].desired = 6
    tick(fake, DESIRED, now=NOW + 60)
    (item,) = [value for (_, key), value in fake.table.items() if key.startswith("OUTAGE#")]
    assert item["attempts"]["N"] == "1"


def test_a_try_that_fails_after_the_wait_doubles_it() -> None:
    fake = hanging(activity(QUOTA, ago=-590), activity(QUOTA, ago=30))
    fake.metrics["Streams"] = minutes([155] * 70, until=NOW + 600)
    tick(fake, DESIRED, now=NOW + 600)
    (item,) = [value for (_, key), value in fake.table.items() if key.startswith("OUTAGE#")]
    assert (item["attempts"]["N"], item["asked_at"]["N"]) == ("2", str(NOW + 590))


def test_what_failed_before_a_launch_that_succeeded_is_over() -> None:
    fake = hanging(activity("", ago=10, status="Successful"), activity(QUOTA, ago=60))
    tick(fake, DESIRED)
    assert outages(fake) == {}


def test_a_success_in_another_zone_ends_nothing() -> None:
    fake = hanging(
        activity("", ago=10, status="Successful", zone="us-east-1a"),
        activity(DRY, ago=60, zone="us-east-1b"),
    )
    tick(fake, DESIRED)
    assert len(outages(fake)) == 1


def test_an_old_failure_says_nothing() -> None:
    fake = hanging(activity(QUOTA, ago=3600))
    tick(fake, DESIRED)
    assert outages(fake) == {}
    assert fake.desired["g"] == 6


def test_a_reason_that_nobody_knows_is_a_cause_of_its_own() -> None:
    fake = hanging(activity("Something new.", ago=20))
    tick(fake, DESIRED)
    assert outages(fake) == {"OUTAGE#Graviton#on-demand#*#*": "unknown"}


def test_without_memory_and_without_an_answer_the_size_stays() -> None:
    forgetful = hanging(activity(QUOTA))
    forgetful.failing["Query"] = "Throttling"
    tick(forgetful, DESIRED)
    assert forgetful.desired["g"] == 6
    mute = hanging(activity(QUOTA))
    mute.failing[READ] = "Throttling"
    assert tick(mute, DESIRED)["applied"]["failed_calls"] == 1
    assert mute.desired["g"] == 6


def test_a_pool_that_launches_directly_is_read_too_where_that_was_not_possible() -> None:
    direct = replace(DESIRED, pools=tuple(replace(pool, launch="direct") for pool in POOLS))
    fake = hanging(activity(QUOTA))
    tick(fake, direct)
    assert outages(fake) == {"OUTAGE#Graviton#on-demand#*#*": "quota"}
