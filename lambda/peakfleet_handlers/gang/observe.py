"""Observe a gang: its group, its reservation, who goes first, what its machines say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from peakfleet_handlers.aws import Calls, Clients, read_pools, read_series
from peakfleet_handlers.gang import items as gang_items
from peakfleet_handlers.gang.memory import read_gang_memory
from peakfleet_handlers.state import read_memory
from peakfleet_planner import MetricSeries
from peakfleet_planner.gang import GangSigns, GangSnapshot, GangSpec, ReservationReading

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
    gang = read_gang_memory(spec, dynamodb=clients.dynamodb, calls=calls)
    return GangSnapshot(
        now_epoch_seconds=now_epoch_seconds,
        group=groups[0] if groups else None,
        reservation=_reservation(spec, clients, calls),
        wanted=_wanted(spec, now_epoch_seconds, clients, calls),
        signs=_signs(spec, gang.formation if gang else 0, clients, calls),
        memory=read_memory(
            spec.state_table,
            spec.fleet,
            now_epoch_seconds=now_epoch_seconds,
            dynamodb=clients.dynamodb,
            calls=calls,
        ),
        gang=gang,
    )


def _reservation(spec: GangSpec, clients: Clients, calls: Calls) -> ReservationReading | None:
    if spec.reservation is None:
        return None
    name = spec.reservation.reservation_id

    def read() -> ReservationReading:
        said = clients.capacity.describe_capacity_reservations(CapacityReservationIds=[name])
        return _reading(said["CapacityReservations"][0])

    return calls.attempt("DescribeCapacityReservations", name, read)


def _reading(said: Mapping[str, Any]) -> ReservationReading:
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
    read = partial(
        clients.objects.list_objects_v2,
        Bucket=spec.bucket,
        Prefix=gang_items.folder(spec.prefix),
        StartAfter=gang_items.first_key(spec.prefix, formation),
    )
    page = calls.attempt("ListObjectsV2", spec.prefix, read)
    if page is None:
        return None
    keys = [one["Key"] for one in page.get("Contents", ())]
    return gang_items.read_signs(keys, spec.prefix, formation)
