"""Decide what a gang does: machines that come together, train together and go together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from peakfleet_planner.gang import admission as gang_room
from peakfleet_planner.gang.plan import GangPlan, GangReason, GangStep
from peakfleet_planner.gang.snapshot import OVER, GangMemory, GangSnapshot
from peakfleet_planner.gang.spec import GangSpec
from peakfleet_planner.gang.spend import within_limits
from peakfleet_planner.snapshot import Hold, Outage, OutageCause, PoolReading, standing_hold

MOST_FAILURES: Final = 3
"""So many formations in a row may fail early before the machines are let go."""
EARLY_SECONDS: Final = 3600
"""A program that ran for longer than this has not failed early."""


def decide_gang(spec: GangSpec, snapshot: GangSnapshot) -> GangPlan:
    """Return what to do about a gang now.

    The first rule that has something to say decides. Whatever has to be given up is given up
    whole: a gang is launched, kept and let go with all its machines.

    Args:
        spec: The gang.
        snapshot: What was observed.
    """
    if snapshot.group is None:
        return GangPlan(
            step=GangStep.KEEP,
            reason=GangReason.GROUP_UNREADABLE,
            machines=spec.machines,
            alive=0,
            memory=snapshot.gang,
        )
    gang = _Gang(spec=spec, seen=snapshot, group=snapshot.group)
    plan = next(said for rule in _RULES if (said := rule(gang)) is not None)
    return within_limits(spec, snapshot, replace(plan, sweeps=gang.overdue))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gang:
    """A gang as it is now."""

    spec: GangSpec
    seen: GangSnapshot
    group: PoolReading

    @property
    def now(self) -> int:
        return self.seen.now_epoch_seconds

    @property
    def alive(self) -> int:
        group = self.group
        booting = group.booting_capacity or 0
        return group.in_service_capacity + group.unhealthy_capacity + booting

    @property
    def runs(self) -> bool:
        return self.alive > 0 or self.group.desired_capacity > 0

    @property
    def serves(self) -> bool:
        return len(self.group.serving) == self.spec.machines

    @property
    def memory(self) -> GangMemory:
        """What to remember: as before, with the newest known end of the reservation."""
        known = self.seen.gang or GangMemory()
        seen = self.seen.reservation
        return known if seen is None else replace(known, ends_at=seen.ends_at_epoch_seconds)

    @property
    def is_forgotten(self) -> bool:
        return self.seen.gang is None or self.seen.memory is None

    @property
    def hold(self) -> Hold | None:
        return standing_hold(self.seen.memory, (self.group,), self.now)

    @property
    def must_leave_at(self) -> int | None:
        """When the reservation has to be left; None if it need not be."""
        reserved = self.spec.reservation
        if reserved is None:
            return None
        if self.seen.reservation and self.seen.reservation.state in OVER:
            return 0
        ends_at = self.memory.ends_at
        return None if ends_at is None else ends_at - reserved.leave_before_end_seconds

    @property
    def overdue(self) -> tuple[str, ...]:
        """Instances whose time to write a checkpoint is over."""
        released = self.memory.released_at
        if self.is_forgotten or self.hold or released is None:
            return ()
        over = self.now - released >= self.spec.pool.drain_seconds
        return self.group.retained if over else ()

    @property
    def begun_at(self) -> int:
        """When the launch began that is asked for: an earlier one may not have answered yet.

        It names the launch, so that AWS takes a second request for it for the same.
        """
        since = self.memory.forming_since
        return self.now if since is None or self.gives_up_at(since) <= self.now else since

    def gives_up_at(self, since: int) -> float:
        """Return when a launch that began then has had its time."""
        return since + self.spec.pool.boot_seconds + self.spec.forming_seconds

    @property
    def outage(self) -> Outage | None:
        """The refusal that is remembered of this gang's group."""
        known = self.seen.memory.outages if self.seen.memory else ()
        own = (one for one in known if one.pool == self.spec.pool.name)
        return max(own, key=lambda one: one.retry_at_epoch_seconds, default=None)

    def plan(
        self,
        step: GangStep,
        reason: GangReason,
        *,
        memory: GangMemory | None = None,
        zone: str | None = None,
        members: tuple[str, ...] = (),
        outage: Outage | None = None,
    ) -> GangPlan:
        return GangPlan(
            step=step,
            reason=reason,
            machines=self.spec.machines,
            alive=self.alive,
            memory=None if self.is_forgotten else memory or self.memory,
            zone=zone,
            members=members,
            outage=outage,
        )

    def keep(self, reason: GangReason) -> GangPlan:
        return self.plan(GangStep.KEEP, reason)

    def save(self, reason: GangReason, due: int) -> GangPlan:
        """Ask for a checkpoint once, and change nothing else."""
        if not self.runs or self.memory.saved_for == due:
            return self.keep(reason)
        asked = self.plan(GangStep.SAVE, reason, memory=replace(self.memory, saved_for=due))
        return replace(asked, save_for=due)

    def release(self, reason: GangReason, *, cause: OutageCause | None = None) -> GangPlan:
        if not self.runs:
            return self.keep(reason)
        at = self.memory.released_at
        left = replace(
            self.memory,
            members=(),
            forming_since=None,
            released_at=self.now if at is None else at,
        )
        outage = failure(self.spec, self.seen, cause) if cause else None
        return self.plan(GangStep.RELEASE, reason, memory=left, outage=outage)

    def wait_for_leavers(self) -> GangPlan:
        """Wait for machines that still leave, also for those that somebody else has let go."""
        at = self.memory.released_at
        left = replace(self.memory, released_at=self.now if at is None else at)
        return self.plan(GangStep.KEEP, GangReason.LEAVING, memory=left)

    def form(self, reason: GangReason, *, failures: int) -> GangPlan:
        memory, members = self.memory, tuple(sorted(self.group.serving))
        formed = replace(
            memory,
            formation=max(self.now, memory.formation + 1),
            members=members,
            forming_since=None,
            released_at=None,
            failures=failures,
        )
        return self.plan(GangStep.FORM, reason, memory=formed, members=members)


def failure(spec: GangSpec, snapshot: GangSnapshot, cause: OutageCause) -> Outage:
    """Return what to remember of a gang that did not come together.

    Each one in a row doubles how long the next is put off.
    """
    known = snapshot.memory.outages if snapshot.memory else ()
    again = [one for one in known if one.pool == spec.pool.name and one.cause is cause]
    return Outage(
        cause=cause,
        asked_at_epoch_seconds=snapshot.now_epoch_seconds,
        attempts=1 + max((one.attempts for one in again), default=0),
        pool=spec.pool.name,
    )


def _ending(gang: _Gang) -> GangPlan | None:
    """Leave a reservation before EC2 does it; under a hold, save and leave it to EC2."""
    leave_at = gang.must_leave_at
    if leave_at is None or gang.now < leave_at or not gang.runs:
        return None
    if gang.hold or gang.is_forgotten:  # a hold may be among what was forgotten
        return gang.save(GangReason.RESERVATION_ENDS, due=max(1, leave_at))
    return gang.release(GangReason.RESERVATION_ENDS)


def _held(gang: _Gang) -> GangPlan | None:
    return gang.save(GangReason.HELD, due=gang.hold.until_epoch_seconds) if gang.hold else None


def _forgotten(gang: _Gang) -> GangPlan | None:
    return gang.keep(GangReason.STATE_UNREADABLE) if gang.is_forgotten else None


def _finished(gang: _Gang) -> GangPlan | None:
    signs = gang.seen.signs
    return gang.release(GangReason.FINISHED) if signs and signs.finished else None


def _crowded_out(gang: _Gang) -> GangPlan | None:
    reason = gang_room.reason_to_go(gang.spec, gang.seen)
    return gang.release(reason) if gang.runs and reason else None


def _told_to_leave(gang: _Gang) -> GangPlan | None:
    told = gang.alive > 0 and gang.group.desired_capacity == 0
    return gang.release(GangReason.TOLD_TO_LEAVE) if told else None


def _broken(gang: _Gang) -> GangPlan | None:
    """Let a part go that nobody will complete: the group asks for no more."""
    whole = gang.spec.machines
    if gang.runs and gang.alive < whole and gang.group.desired_capacity < whole:
        return gang.release(GangReason.INCOMPLETE, cause=OutageCause.NO_CAPACITY)
    return None


def _forming(gang: _Gang) -> GangPlan | None:
    if not gang.runs or gang.serves:
        return None
    since = gang.memory.forming_since
    since = gang.now if since is None else since
    if gang.now >= gang.gives_up_at(since):
        if gang.alive < gang.spec.machines:
            return gang.release(GangReason.INCOMPLETE, cause=OutageCause.NO_CAPACITY)
        return gang.release(GangReason.NEVER_READY, cause=OutageCause.NEVER_READY)
    waiting = replace(gang.memory, forming_since=since)
    return gang.plan(GangStep.KEEP, GangReason.FORMING, memory=waiting)


def _formed(gang: _Gang) -> GangPlan | None:
    if not gang.serves:
        return None
    memory, signs = gang.memory, gang.seen.signs
    if gang.group.serving != set(memory.members):
        return gang.form(GangReason.COMPLETE, failures=memory.failures)
    if signs is None or signs.stopped is None:
        settled = replace(memory, forming_since=None)
        return gang.plan(GangStep.KEEP, GangReason.RUNNING, memory=settled)
    if signs.stopped == "notice":
        return _noticed(gang)
    ran = gang.now - memory.formation
    failures = 1 if ran >= EARLY_SECONDS else memory.failures + 1
    if failures >= MOST_FAILURES:
        released = gang.release(GangReason.FAILING, cause=OutageCause.NEVER_READY)
        return replace(released, memory=replace(released.memory or memory, failures=0))
    return gang.form(GangReason.RESTARTING, failures=failures)


def _noticed(gang: _Gang) -> GangPlan:
    """Wait for the machine that has to go to be replaced; it may stay after all."""
    since = gang.memory.forming_since
    since = gang.now if since is None else since
    if gang.now - since >= gang.spec.forming_seconds:
        return gang.form(GangReason.RESTARTING, failures=gang.memory.failures)
    waiting = replace(gang.memory, forming_since=since)
    return gang.plan(GangStep.KEEP, GangReason.FORMING, memory=waiting)


def _launch(gang: _Gang) -> GangPlan:
    """Launch all machines in one zone, or say what is missing."""
    outage = gang.outage
    if gang.group.leaving_capacity or gang.group.retained:
        return gang.wait_for_leavers()
    if outage and gang.now < outage.retry_at_epoch_seconds:
        return gang.keep(GangReason.BACKING_OFF)
    missing = gang_room.reason_to_wait(gang.spec, gang.seen, must_leave_at=gang.must_leave_at)
    if missing:
        return gang.keep(missing)
    if len(gang.group.zones) != 1:
        return gang.keep(GangReason.GROUP_UNREADABLE)
    (zone,) = gang.group.zones
    begun = replace(gang.memory, members=(), forming_since=gang.begun_at, released_at=None)
    return gang.plan(GangStep.LAUNCH, GangReason.READY, memory=begun, zone=zone)


_RULES: Final[tuple[Callable[[_Gang], GangPlan | None], ...]] = (
    _ending,
    _held,
    _forgotten,
    _finished,
    _crowded_out,
    _told_to_leave,
    _broken,
    _forming,
    _formed,
    _launch,
)
