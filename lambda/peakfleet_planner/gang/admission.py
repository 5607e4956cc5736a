"""Whether there is room for a gang: in its reservation, and beside the fleet that goes first."""

from __future__ import annotations

from math import ceil, isfinite

from peakfleet_planner.gang.plan import GangReason
from peakfleet_planner.gang.snapshot import ACTIVE, OVER, GangSnapshot, ReservationReading
from peakfleet_planner.gang.spec import GangSpec, PrioritySpec


def reason_to_go(spec: GangSpec, snapshot: GangSnapshot) -> GangReason | None:
    """Return why a gang that runs has to make room; None if it need not.

    What this tick could not read is no reason; that the other fleet has published nothing is.
    """
    priority = spec.reservation.priority if spec.reservation else None
    if priority is None or not snapshot.wanted.readable:
        return None
    wanted = _newest(priority, snapshot)
    if wanted is None:
        return GangReason.PRIORITY_SILENT
    seen = snapshot.reservation
    if seen is None or _fits(spec, priority, seen, wanted):
        return None
    return GangReason.NO_ROOM


def reason_to_wait(
    spec: GangSpec, snapshot: GangSnapshot, *, must_leave_at: int | None
) -> GangReason | None:
    """Return why a gang cannot start in its reservation; None if it can.

    Args:
        spec: The gang.
        snapshot: What was observed.
        must_leave_at: When the reservation has to be left, in seconds since 1970; None: never.
    """
    if spec.reservation is None:
        return None
    seen = snapshot.reservation
    if seen is None:
        return GangReason.RESERVATION_UNREADABLE
    zones = snapshot.group.zones if snapshot.group else {}
    until = snapshot.now_epoch_seconds + spec.pool.boot_seconds + spec.least_run_seconds
    too_late = must_leave_at is not None and until > must_leave_at
    is_ours = seen.zone in zones and seen.instance_type in spec.pool.instance_types
    reasons = {
        GangReason.RESERVATION_ENDS: seen.state in OVER or (seen.state == ACTIVE and too_late),
        GangReason.RESERVATION_NOT_ACTIVE: seen.state != ACTIVE,
        GangReason.RESERVATION_MISMATCH: not is_ours,
        GangReason.RESERVATION_IN_USE: seen.available < spec.machines,
    }
    missing = next((reason for reason, holds in reasons.items() if holds), None)
    return missing or _priority_to_wait_for(spec, snapshot, seen)


def _priority_to_wait_for(
    spec: GangSpec, snapshot: GangSnapshot, seen: ReservationReading
) -> GangReason | None:
    priority = spec.reservation.priority if spec.reservation else None
    if priority is None:
        return None
    if not snapshot.wanted.readable or _newest(priority, snapshot) is None:
        return GangReason.PRIORITY_SILENT
    since = snapshot.now_epoch_seconds - priority.quiet_seconds
    most = max(value for at, value in _points(snapshot) if at >= since)
    return None if _fits(spec, priority, seen, most) else GangReason.NO_ROOM


def _newest(priority: PrioritySpec, snapshot: GangSnapshot) -> float | None:
    """Return what was wanted last; None if that is too old to be true."""
    longest = min(priority.silent_seconds, priority.quiet_seconds)
    since = snapshot.now_epoch_seconds - longest
    return next((value for at, value in reversed(_points(snapshot)) if at >= since), None)


def _points(snapshot: GangSnapshot) -> list[tuple[int, float]]:
    return [(at, value) for at, value in snapshot.wanted.points if isfinite(value) and value >= 0]


def _fits(
    spec: GangSpec, priority: PrioritySpec, seen: ReservationReading, wanted_units: float
) -> bool:
    return seen.total - ceil(wanted_units / priority.units_per_machine) >= spec.machines
