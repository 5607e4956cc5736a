"""Reservations that a training fleet runs in: capacity blocks, and what others leave over."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from peakfleet._values import is_known, known_number, seconds
from peakfleet.fleet import FleetMetrics
from peakfleet.signals import read
from peakfleet_planner import SpecError
from peakfleet_planner.gang import LEAVE_BEFORE_END_SECONDS, PrioritySpec, ReservationSpec

_LEAST_BEFORE_END_SECONDS = 32 * 60
"""EC2 begins to end instances of a capacity block half an hour before its end."""
_LEAVE_BEFORE_END = Duration.seconds(LEAVE_BEFORE_END_SECONDS)
_QUIET = Duration.minutes(15)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityBlock:
    """A capacity block for machine learning that was bought. Use `of`."""

    reservation_id: str
    leave_before_end: Duration = _LEAVE_BEFORE_END

    def __post_init__(self) -> None:
        """Refuse a block that could not be used."""
        _check_id("capacity block", self.reservation_id)
        before = seconds("capacity block", "leave_before_end", self.leave_before_end)
        if before < _LEAST_BEFORE_END_SECONDS:
            raise SpecError(
                f"capacity block: leave_before_end must be at least "
                f"{_LEAST_BEFORE_END_SECONDS} seconds, as EC2 ends its instances from 1800 "
                f"seconds before its end, got {before}"
            )

    @classmethod
    def of(
        cls, reservation_id: str, *, leave_before_end: Duration = _LEAVE_BEFORE_END
    ) -> CapacityBlock:
        """Run in the capacity block with this id, and in nothing else.

        The fleet waits until the block is active, and leaves it before it ends.

        Args:
            reservation_id: For example `cr-0123456789abcdef0`.
            leave_before_end: So long before its end the machines write a checkpoint and go.
                Default: 40 minutes; at least 32.

        Raises:
            SpecError: That is no id, or too late to write a checkpoint.
        """
        return cls(reservation_id=reservation_id, leave_before_end=leave_before_end)

    @property
    def market(self) -> dict[str, object] | None:
        """How a launch template buys from it."""
        return {"MarketType": "capacity-block"}

    def to_planner(self) -> ReservationSpec:
        """Return what a decision needs to know of it."""
        before = seconds("capacity block", "leave_before_end", self.leave_before_end)
        return ReservationSpec(reservation_id=self.reservation_id, leave_before_end_seconds=before)


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPeak:
    """An on-demand capacity reservation that another fleet has priority on. Use `of`."""

    reservation_id: str
    priority: FleetMetrics
    units_per_machine: float
    quiet: Duration = _QUIET
    placement_group: ec2.IPlacementGroup | None = None

    def __post_init__(self) -> None:
        """Refuse a reservation that could not be used."""
        _check_id("off-peak", self.reservation_id)
        known_number("off-peak", "units_per_machine", self.units_per_machine)
        self.to_planner()

    @classmethod
    def of(
        cls,
        reservation_id: str,
        *,
        priority: FleetMetrics,
        units_per_machine: float,
        quiet: Duration = _QUIET,
        placement_group: ec2.IPlacementGroup | None = None,
    ) -> OffPeak:
        """Run in a reservation as long as another fleet leaves room in it.

        Room is what the reservation holds, less the machines that the other fleet's wanted units
        take. The training leaves as soon as there is too little of it.

        Args:
            reservation_id: For example `cr-0123456789abcdef0`.
            priority: The fleet that goes first, for example an `InferenceFleet`.
            units_per_machine: Units that one machine of the reservation serves for that fleet.
            quiet: How long the room must have been there before the training begins. Default:
                15 minutes.
            placement_group: The cluster placement group that the reservation was made in.
                Default: none.

        Raises:
            SpecError: That is no id, or a number cannot be.

        Limitations:
            While the training writes its checkpoint the machines are still taken. The other
            fleet needs a further pool for those minutes.
        """
        return cls(
            reservation_id=reservation_id,
            priority=priority,
            units_per_machine=units_per_machine,
            quiet=quiet,
            placement_group=placement_group,
        )

    @property
    def market(self) -> dict[str, object] | None:
        """How a launch template buys from it: on demand."""
        return None

    def to_planner(self) -> ReservationSpec:
        """Return what a decision needs to know of it."""
        wanted = read("off-peak", self.priority.metric("WantedUnits"))
        return ReservationSpec(
            reservation_id=self.reservation_id,
            priority=PrioritySpec(
                wanted=wanted.metric,
                units_per_machine=self.units_per_machine,
                quiet_seconds=seconds("off-peak", "quiet", self.quiet),
            ),
        )


def _check_id(owner: str, reservation_id: str) -> None:
    if is_known(reservation_id) and not re.fullmatch(r"cr-[0-9a-f]{8,17}", reservation_id):
        raise SpecError(
            f"{owner}: the id of a capacity reservation is like cr-0123456789abcdef0, got "
            f"{reservation_id!r}"
        )
