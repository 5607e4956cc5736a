"""Observe a gang: its group, its reservation, who goes first, what its machines say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from peakfleet_handlers.aws import Calls, Clients, read_pools, read_series
from peakfleet_handlers.gang import signs
from peakfleet_handlers.state import StateTable, memory_of, read_shared
from peakfleet_planner import MetricSeries
from peakfleet_planner.gang import (
    GangMemory,
    GangSigns,
    GangSnapshot,
    GangSpec,
    ReservationReading,
)
from peakfleet_table import FIRST_READ, GANGS, DamagedRecordError, Item

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import CapacityReservationTypeDef

RESERVATIONS = "DescribeCapacityReservations"
_WANTED = "w"


def observe_gang(
    spec: GangSpec, now_epoch_seconds: int, *, clients: Clients, calls: Calls
) -> GangSnapshot:
    """Return all that the decision may know. What cannot be read is marked, never raised.

    Args:
        spec: The gang.
        now_epoch_seconds: The tick's time.
        clients: AWS.
        calls: Where failures are noted.
    """
    groups = read_pools((spec.pool,), autoscaling=clients.autoscaling, calls=calls)
    table = StateTable(
        name=spec.state_table, fleet=spec.fleet, dynamodb=clients.dynamodb, calls=calls
    )
    items = table.query(FIRST_READ)
    gang = None if items is None else _gang(items, table)
    return GangSnapshot(
        now_epoch_seconds=now_epoch_seconds,
        group=groups[0] if groups else None,
        reservation=_reservation(spec, clients, calls),
        wanted=_wanted(spec, now_epoch_seconds, clients, calls),
        signs=_signs(spec, gang.formation if gang else 0, clients, calls),
        memory=None if items is None else memory_of(items, now_epoch_seconds, table),
        gang=gang,
        shared_spend=read_shared(spec.spend_limits, table),
    )


def _gang(items: Iterable[Item], table: StateTable) -> GangMemory | None:
    """Return what is remembered of a gang; None if that is damaged."""
    for item in items:
        if item["item"]["S"] == GANGS.prefix:
            try:
                return GANGS.read(item).memory
            except DamagedRecordError as error:
                table.refuse(error, item)
                return None
    return GangMemory()


def _reservation(spec: GangSpec, clients: Clients, calls: Calls) -> ReservationReading | None:
    if spec.reservation is None:
        return None
    name = spec.reservation.reservation_id
    said = calls.ask(
        clients.ec2.describe_capacity_reservations, name, CapacityReservationIds=[name]
    )
    if said is None:
        return None
    return calls.reading(RESERVATIONS, name, lambda: _reading(said["CapacityReservations"][0]))


def _reading(said: CapacityReservationTypeDef) -> ReservationReading:
    ends_at: datetime | None = said.get("EndDate")
    return ReservationReading(
        state=said["State"],
        zone=said["AvailabilityZone"],
        instance_type=said["InstanceType"],
        total=said["TotalInstanceCount"],
        available=said["AvailableInstanceCount"],
        ends_at_epoch_seconds=None if ends_at is None else int(ends_at.timestamp()),
    )


def _wanted(spec: GangSpec, now: int, clients: Clients, calls: Calls) -> MetricSeries:
    priority = spec.reservation.priority if spec.reservation else None
    if priority is None:
        return MetricSeries()
    series = read_series(
        {_WANTED: priority.wanted},
        now_epoch_seconds=now,
        history_seconds=max(priority.quiet_seconds, priority.silent_seconds),
        cloudwatch=clients.cloudwatch,
        calls=calls,
    )
    return series[_WANTED]


def _signs(spec: GangSpec, formation: int, clients: Clients, calls: Calls) -> GangSigns | None:
    page = calls.ask(
        clients.s3.list_objects_v2,
        spec.prefix,
        Bucket=spec.bucket,
        Prefix=signs.folder(spec.prefix),
        StartAfter=signs.first_key(spec.prefix, formation),
    )
    if page is None:
        return None

    def read() -> GangSigns:
        keys = [one["Key"] for one in page.get("Contents", ())]
        return signs.read_signs(keys, spec.prefix, formation)

    return calls.reading("ListObjectsV2", spec.prefix, read)
