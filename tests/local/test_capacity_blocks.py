"""Capacity blocks begin, hold what they hold, and end their instances."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

from peakfleet_local import World
from peakfleet_local.groups import (
    ENDS_INSTANCES_SECONDS,
    CapacityReservations,
    Reservation,
    reservations_installed,
)
from tests.local.groups import REGION, ZONES, Scene, scene

NAME = "cr-0123456789abcdef0"
HOUR = 3600.0


@pytest.fixture(name="it")
def _it() -> Iterator[tuple[Scene, CapacityReservations]]:
    with (
        scene(world=World(boot_seconds=90, terminate_seconds=0)) as it,
        reservations_installed(it.world) as reservations,
    ):
        yield it, reservations


def reserve(
    it: tuple[Scene, CapacityReservations],
    *,
    starts_in: float = 0,
    lasts: float | None = 4 * HOUR,
    is_block: bool = True,
) -> None:
    scene_, reservations = it
    starts_at = scene_.world.now_epoch_seconds + starts_in
    reservations.reserve(
        Reservation(
            reservation_id=NAME,
            instance_type="c8g.large",
            zone=ZONES[0],
            instances=3,
            starts_at=starts_at,
            ends_at=None if lasts is None else starts_at + lasts,
            kind="capacity-block" if is_block else "default",
        )
    )


def described() -> tuple[str, int, int]:
    """Return its state, all its instances and those that are free."""
    ec2 = boto3.client("ec2", REGION)
    (found,) = ec2.describe_capacity_reservations(CapacityReservationIds=[NAME])[
        "CapacityReservations"
    ]
    return found["State"], found["TotalInstanceCount"], found["AvailableInstanceCount"]


def test_a_block_launches_nothing_before_it_begins(
    it: tuple[Scene, CapacityReservations],
) -> None:
    reserve(it, starts_in=600)
    assert described() == ("scheduled", 3, 3)
    assert it[0].launch(1)["Errors"][0]["ErrorCode"] == "InsufficientInstanceCapacity"
    it[0].world.advance(600)
    assert described() == ("active", 3, 3)
    assert not it[0].launch(1)["Errors"]
    assert described() == ("active", 3, 2)


def test_a_block_holds_no_more_than_it_holds(it: tuple[Scene, CapacityReservations]) -> None:
    reserve(it)
    it[0].world.advance(1)
    answer = it[0].launch(4)
    assert len(answer["Instances"][0]["InstanceIds"]) == 3
    assert answer["Errors"]


def test_half_an_hour_before_its_end_a_block_ends_its_instances(
    it: tuple[Scene, CapacityReservations],
) -> None:
    reserve(it)
    it[0].world.advance(1)
    it[0].launch(3)
    it[0].world.advance(4 * HOUR - ENDS_INSTANCES_SECONDS - 2)
    assert len(it[0].world.machines_of(it[0].group)) == 3
    it[0].world.advance(1)
    assert {ending.cause for ending in it[0].world.endings} == {
        "EC2 ended the instance as its capacity block ends"
    }
    assert it[0].world.in_service(it[0].group) == 0
    it[0].world.advance(ENDS_INSTANCES_SECONDS)
    assert described()[0] == "expired"


def test_an_on_demand_reservation_lets_its_instances_run_on(
    it: tuple[Scene, CapacityReservations],
) -> None:
    reserve(it, is_block=False)
    it[0].world.advance(1)
    it[0].launch(3)
    it[0].world.advance(5 * HOUR)
    assert len(it[0].world.machines_of(it[0].group)) == 3
    assert described()[0] == "expired"


def test_a_reservation_without_an_end_stays(it: tuple[Scene, CapacityReservations]) -> None:
    reserve(it, lasts=None, is_block=False)
    it[0].world.advance(1000 * HOUR)
    assert described() == ("active", 3, 3)


def test_an_unknown_reservation_is_not_found(it: tuple[Scene, CapacityReservations]) -> None:
    assert it[0].ec2.describe_capacity_reservations()["CapacityReservations"] == []
    with pytest.raises(ClientError, match=r"InvalidCapacityReservationId\.NotFound"):
        it[0].ec2.describe_capacity_reservations(CapacityReservationIds=[NAME])
