"""The laws of a gang, each a property of the one decision function."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from peakfleet_planner import Memory, Outage, OutageCause
from peakfleet_planner.gang import (
    GangMemory,
    GangReason,
    GangSigns,
    GangSnapshot,
    GangSpec,
    GangStep,
    decide_gang,
)
from tests.planner.gangs import (
    BLOCK,
    BOOT_SECONDS,
    FORMED,
    MACHINES,
    NOW,
    block,
    gang,
    group,
    held,
    known,
    seen,
    sizes,
    snapshots,
    specs,
)

GROWS = (GangStep.LAUNCH, GangStep.FORM)


@given(specs, snapshots)
def test_the_same_snapshot_gives_the_same_plan_which_is_json_and_says_why(
    spec: GangSpec, snapshot: GangSnapshot
) -> None:
    plan = decide_gang(spec, snapshot)
    assert plan == decide_gang(spec, snapshot)
    assert json.loads(json.dumps(plan.to_json()))["reason"] == plan.reason
    assert plan.explain().startswith(plan.step)


@given(specs, known)
def test_a_gang_is_launched_only_where_nothing_is_left_of_the_last_one(
    spec: GangSpec, snapshot: GangSnapshot
) -> None:
    plan = decide_gang(spec, snapshot)
    if plan.step is not GangStep.LAUNCH:
        return
    assert snapshot.group
    assert (plan.alive, snapshot.group.desired_capacity, snapshot.group.leaving_capacity) == (
        0,
        0,
        0,
    )
    assert plan.zone in snapshot.group.zones


@given(specs, known)
def test_nothing_is_launched_outside_its_reservation(
    spec: GangSpec, snapshot: GangSnapshot
) -> None:
    plan = decide_gang(spec, snapshot)
    if plan.step is not GangStep.LAUNCH or spec.reservation is None:
        return
    reserved = snapshot.reservation
    assert reserved
    assert reserved.state == "active"
    assert reserved.available >= MACHINES
    assert reserved.zone == plan.zone
    ends_at = reserved.ends_at_epoch_seconds
    assert ends_at is None or ends_at - NOW > BOOT_SECONDS + 40 * 60


@given(specs, known)
def test_only_a_whole_gang_is_formed(spec: GangSpec, snapshot: GangSnapshot) -> None:
    plan = decide_gang(spec, snapshot)
    if plan.step is not GangStep.FORM:
        return
    assert len(plan.members) == MACHINES
    assert plan.memory
    assert snapshot.gang
    assert plan.memory.formation > snapshot.gang.formation


@given(specs, snapshots)
def test_a_hold_is_obeyed_by_every_path(spec: GangSpec, snapshot: GangSnapshot) -> None:
    plan = decide_gang(spec, replace(snapshot, memory=held()))
    assert plan.step in (GangStep.KEEP, GangStep.SAVE)
    assert not plan.sweeps


@given(specs, snapshots)
def test_while_nothing_is_remembered_nothing_comes_and_nothing_goes(
    spec: GangSpec, snapshot: GangSnapshot
) -> None:
    for lost in (replace(snapshot, memory=None), replace(snapshot, gang=None)):
        plan = decide_gang(spec, lost)
        assert plan.step in (GangStep.KEEP, GangStep.SAVE)
        assert plan.memory in (None, lost.gang)


@given(known, st.integers(-3600, 40 * 60))
def test_forty_minutes_before_its_block_ends_no_machine_is_kept(
    snapshot: GangSnapshot, ends_in: int
) -> None:
    ending = replace(snapshot, reservation=block(ends_in=ends_in))
    plan = decide_gang(gang(BLOCK), ending)
    runs = plan.alive > 0 or (ending.group and ending.group.desired_capacity > 0)
    assert (plan.step is GangStep.RELEASE) == bool(runs)
    assert plan.reason is GangReason.RESERVATION_ENDS or not runs


@given(st.integers(-3600, 40 * 60))
def test_the_end_is_remembered_while_the_reservation_cannot_be_read(ends_in: int) -> None:
    known = replace(FORMED, ends_at=NOW + ends_in)
    snapshot = seen(group=group(serving=MACHINES), reservation=None, gang=known)
    assert decide_gang(gang(BLOCK), snapshot).reason is GangReason.RESERVATION_ENDS


@given(specs, sizes, sizes)
def test_a_part_that_nobody_completes_goes_at_once_and_is_remembered(
    spec: GangSpec, serving: int, booting: int
) -> None:
    assume(0 < serving + booting < MACHINES)
    half = seen(group=group(serving=serving, booting=booting), reservation=block())
    plan = decide_gang(replace(spec, reservation=None), half)
    assert plan.step is GangStep.RELEASE
    assert plan.reason is GangReason.INCOMPLETE
    assert plan.outage
    assert plan.outage.cause is OutageCause.NO_CAPACITY


@given(sizes, sizes, st.integers(0, 4000))
def test_no_part_is_kept_for_longer_than_the_time_to_form(
    serving: int, booting: int, waited: int
) -> None:
    assume(serving < MACHINES and serving + booting <= MACHINES)
    waiting = replace(FORMED, forming_since=NOW - waited)
    reading = group(serving=serving, booting=booting, desired=MACHINES)
    plan = decide_gang(gang(), seen(group=reading, gang=waiting))
    over = waited >= BOOT_SECONDS + gang().forming_seconds
    assert (plan.step is GangStep.RELEASE) == over
    assert (plan.outage is not None) == over


@given(st.integers(1, 12), st.integers(0, 4000))
def test_a_gang_that_was_refused_is_not_asked_for_before_its_time(attempts: int, ago: int) -> None:
    outage = Outage(
        cause=OutageCause.NO_CAPACITY,
        asked_at_epoch_seconds=NOW - ago,
        attempts=attempts,
        pool="Trainium",
    )
    plan = decide_gang(gang(), seen(memory=Memory(outages=(outage,))))
    waits = outage.retry_at_epoch_seconds > NOW
    assert plan.reason is (GangReason.BACKING_OFF if waits else GangReason.READY)


@given(st.integers(1, 12))
def test_each_refusal_in_a_row_puts_the_next_try_off_for_longer(attempts: int) -> None:
    before = Outage(
        cause=OutageCause.NO_CAPACITY,
        asked_at_epoch_seconds=NOW - 4000,
        attempts=attempts,
        pool="Trainium",
    )
    half = seen(group=group(serving=1), memory=Memory(outages=(before,)))
    plan = decide_gang(gang(), half)
    assert plan.outage
    assert plan.outage.attempts == attempts + 1


@given(known)
def test_a_finished_run_keeps_no_machine(snapshot: GangSnapshot) -> None:
    done = replace(snapshot, signs=GangSigns(finished=True))
    plan = decide_gang(gang(), done)
    runs = plan.alive > 0 or (done.group and done.group.desired_capacity > 0)
    assert plan.step is (GangStep.RELEASE if runs else GangStep.KEEP)
    assert plan.step not in GROWS


@given(specs, known)
def test_what_runs_and_needs_nothing_changes_nothing(
    spec: GangSpec, snapshot: GangSnapshot
) -> None:
    plan = decide_gang(spec, snapshot)
    if plan.reason is not GangReason.RUNNING:
        return
    again = decide_gang(spec, replace(snapshot, gang=plan.memory))
    assert again.memory == plan.memory
    assert isinstance(again.memory, GangMemory)
