"""Capacity reservations and capacity blocks, which moto does not know.

A reservation holds all that its zone has of its type: nothing else runs there. That is how
capacity for training is, and it keeps the launch of any other group out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from peakfleet_local.moto import ApiError, MotoObject, Patch, as_method, patched
from peakfleet_local.world import World

ENDS_INSTANCES_SECONDS = 30 * 60
"""EC2 begins so long before the end of a capacity block to end its instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A capacity reservation.

    Args:
        reservation_id: For example `cr-0123456789abcdef0`.
        instance_type: What it holds.
        zone: Where.
        instances: How many.
        starts_at: Epoch seconds from which it is active.
        ends_at: Epoch seconds of its end. Default: it has none.
        kind: A block ends its instances; an on-demand reservation lets them run on.
            Default: a capacity block.
    """

    reservation_id: str
    instance_type: str
    zone: str
    instances: int
    starts_at: float
    ends_at: float | None = None
    kind: Literal["capacity-block", "default"] = "capacity-block"

    def state_at(self, epoch_seconds: float) -> str:
        """Return its state in EC2's words."""
        if epoch_seconds < self.starts_at:
            return "scheduled"
        over = self.ends_at is not None and epoch_seconds >= self.ends_at
        return "expired" if over else "active"


class CapacityReservations:
    """The reservations of a world, and the one call that reads them.

    Args:
        world: Its clock and machines.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, Reservation] = {}

    def reserve(self, reservation: Reservation) -> None:
        """Reserve capacity, as if it had been bought before."""
        world = self._world
        with world.lock:
            self._known[reservation.reservation_id] = reservation
            self._let_in(reservation, 0)
            start = max(0.0, reservation.starts_at - world.now_epoch_seconds)
            world.after(start, partial(self._let_in, reservation, reservation.instances))
            if reservation.ends_at is None:
                return
            is_block = reservation.kind == "capacity-block"
            end = reservation.ends_at - (ENDS_INSTANCES_SECONDS if is_block else 0)
            world.after(max(0.0, end - world.now_epoch_seconds), partial(self._end, reservation))

    def describe(self, response: MotoObject) -> ActionResult:
        """Answer DescribeCapacityReservations."""
        asked = response._get_params().get("CapacityReservationIds") or list(self._known)  # noqa: SLF001 - moto's own way
        if unknown := [name for name in asked if name not in self._known]:
            text = f"The capacity reservation ID '{unknown[0]}' does not exist"
            raise ApiError("InvalidCapacityReservationId.NotFound", text)
        found = [self._document(self._known[name]) for name in asked]
        return ActionResult({"CapacityReservations": found})

    def _let_in(self, reservation: Reservation, instances: int) -> None:
        self._world.limit_capacity(
            instance_type=reservation.instance_type, zone=reservation.zone, instances=instances
        )

    def _end(self, reservation: Reservation) -> None:
        self._let_in(reservation, 0)
        if reservation.kind == "capacity-block":
            self._world.take(
                instance_type=reservation.instance_type,
                zone=reservation.zone,
                cause="EC2 ended the instance as its capacity block ends",
            )

    def _document(self, reservation: Reservation) -> dict[str, Any]:
        place = (reservation.instance_type, reservation.zone)
        machines = self._world.machines.values()
        used = sum((m.instance_type, m.zone) == place and m.holds_capacity for m in machines)
        ends_at = reservation.ends_at
        end = {} if ends_at is None else {"EndDate": datetime.fromtimestamp(ends_at, UTC)}
        return {
            "CapacityReservationId": reservation.reservation_id,
            "InstanceType": reservation.instance_type,
            "AvailabilityZone": reservation.zone,
            "TotalInstanceCount": reservation.instances,
            "AvailableInstanceCount": max(0, reservation.instances - used),
            "State": reservation.state_at(self._world.now_epoch_seconds),
            "ReservationType": reservation.kind,
            "EndDateType": "unlimited" if ends_at is None else "limited",
            "StartDate": datetime.fromtimestamp(reservation.starts_at, UTC),
            **end,
        }


@contextmanager
def reservations_installed(world: World) -> Iterator[CapacityReservations]:
    """Let EC2 know the capacity reservations of a world, in this process.

    Works beside `installed(world)`, within `mock_aws()` and around a `LocalAws` of the same world.

    Args:
        world: Its clock and machines.

    Yields:
        Where to reserve.

    Raises:
        MotoVersionError: The installed moto is not the one that is extended here.

    Limitations:
        A reservation holds all machines of its type in its zone, whatever their launch template
        targets. Its end comes to all of them in the same moment.

    Example:
        with reservations_installed(world) as reservations:
            reservations.reserve(Reservation(reservation_id="cr-0123456789abcdef0", ...))
    """
    known = CapacityReservations(world)
    answer = as_method(known.describe)
    with patched(
        [Patch(owner=EC2Response, name="describe_capacity_reservations", value=answer, adds=True)]
    ):
        yield known
