"""Gangs, case by case."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from peakfleet_planner import Memory, MetricSeries, OutageCause, SpecError
from peakfleet_planner.gang import (
    GangMemory,
    GangPlan,
    GangReason,
    GangSigns,
    GangSpec,
    GangStep,
    PrioritySpec,
    decide_gang,
)
from tests.planner.gangs import (
    BLOCK,
    FORMED,
    IDS,
    MACHINES,
    NOW,
    OFF_PEAK,
    PRIORITY,
    block,
    gang,
    group,
    held,
    seen,
    wanted,
)

WHOLE = group(serving=MACHINES)


def said(plan: GangPlan) -> tuple[GangStep, GangReason]:
    return plan.step, plan.reason


@pytest.mark.parametrize("state", ["scheduled", "payment-pending", "pending", "assessing"])
def test_a_gang_waits_for_its_block_and_starts_when_it_is_active(state: str) -> None:
    waiting = decide_gang(gang(BLOCK), seen(reservation=block(state)))
    assert said(waiting) == (GangStep.KEEP, GangReason.RESERVATION_NOT_ACTIVE)
    active = decide_gang(gang(BLOCK), seen(reservation=block()))
    assert said(active) == (GangStep.LAUNCH, GangReason.READY)


@pytest.mark.parametrize(
    ("reservation", "reason"),
    [
        (None, GangReason.RESERVATION_UNREADABLE),
        (block("expired"), GangReason.RESERVATION_ENDS),
        (block("payment-failed"), GangReason.RESERVATION_ENDS),
        (block(zone="us-east-1a"), GangReason.RESERVATION_MISMATCH),
        (block(instance_type="p5.48xlarge"), GangReason.RESERVATION_MISMATCH),
        (block(available=3), GangReason.RESERVATION_IN_USE),
        (block(ends_in=70 * 60), GangReason.RESERVATION_ENDS),
    ],
)
def test_without_a_whole_reservation_nothing_starts(
    reservation: object, reason: GangReason
) -> None:
    plan = decide_gang(gang(BLOCK), seen(reservation=reservation))
    assert said(plan) == (GangStep.KEEP, reason)


def test_machines_start_together_once_all_of_them_serve() -> None:
    almost = seen(group=group(serving=3, booting=1), gang=GangMemory(forming_since=NOW - 60))
    assert said(decide_gang(gang(), almost)) == (GangStep.KEEP, GangReason.FORMING)
    plan = decide_gang(gang(), replace(almost, group=WHOLE))
    assert said(plan) == (GangStep.FORM, GangReason.COMPLETE)
    assert plan.members == IDS
    settled = decide_gang(gang(), seen(group=WHOLE, gang=plan.memory))
    assert said(settled) == (GangStep.KEEP, GangReason.RUNNING)


def test_a_replaced_machine_makes_a_new_formation() -> None:
    other = replace(WHOLE, serving=frozenset({*IDS[:3], "i-new"}))
    plan = decide_gang(gang(), seen(group=other, gang=FORMED))
    assert plan.step is GangStep.FORM
    assert plan.members == (*IDS[:3], "i-new")


def test_a_program_that_fails_starts_anew_and_the_third_time_its_machines_go() -> None:
    memory = replace(FORMED, formation=NOW - 120)
    failed = seen(group=WHOLE, gang=memory, signs=GangSigns(stopped="failed"))
    for failures in (1, 2):
        plan = decide_gang(gang(), failed)
        assert said(plan) == (GangStep.FORM, GangReason.RESTARTING)
        assert plan.memory
        assert plan.memory.failures == failures
        failed = replace(failed, gang=plan.memory)
    plan = decide_gang(gang(), failed)
    assert said(plan) == (GangStep.RELEASE, GangReason.FAILING)
    assert plan.outage
    assert plan.outage.cause is OutageCause.NEVER_READY


def test_a_program_that_ran_for_hours_may_fail_more_often() -> None:
    memory = replace(FORMED, formation=NOW - 7200, failures=2)
    failed = seen(group=WHOLE, gang=memory, signs=GangSigns(stopped="failed"))
    assert decide_gang(gang(), failed).step is GangStep.FORM


def test_after_a_notice_the_gang_waits_for_the_machine_that_replaces_it() -> None:
    noticed = seen(group=WHOLE, gang=FORMED, signs=GangSigns(stopped="notice"))
    plan = decide_gang(gang(), noticed)
    assert said(plan) == (GangStep.KEEP, GangReason.FORMING)
    long_ago = replace(FORMED, forming_since=NOW - 600)
    stays = decide_gang(gang(), replace(noticed, gang=long_ago))
    assert said(stays) == (GangStep.FORM, GangReason.RESTARTING)


def test_a_hold_asks_for_one_checkpoint_and_changes_nothing() -> None:
    snapshot = seen(group=WHOLE, gang=FORMED, memory=held())
    plan = decide_gang(gang(), snapshot)
    assert said(plan) == (GangStep.SAVE, GangReason.HELD)
    again = decide_gang(gang(), replace(snapshot, gang=plan.memory))
    assert said(again) == (GangStep.KEEP, GangReason.HELD)


@pytest.mark.parametrize("memory", [held(), None])
def test_a_block_that_ends_under_a_hold_or_unremembered_gets_a_checkpoint_and_no_more(
    memory: Memory | None,
) -> None:
    ending = seen(
        group=WHOLE, gang=FORMED, memory=memory, reservation=block(ends_in=39 * 60, available=0)
    )
    plan = decide_gang(gang(BLOCK), ending)
    assert said(plan) == (GangStep.SAVE, GangReason.RESERVATION_ENDS)
    assert plan.save_for


def test_a_group_that_was_told_to_be_empty_loses_those_that_protect_themselves_too() -> None:
    told = seen(group=group(serving=MACHINES, desired=0), gang=FORMED)
    assert said(decide_gang(gang(), told)) == (GangStep.RELEASE, GangReason.TOLD_TO_LEAVE)


def test_machines_that_outlive_their_drain_are_swept() -> None:
    retained = group(retained=("i-3",))
    for ago, swept in ((479, ()), (480, ("i-3",))):
        memory = GangMemory(released_at=NOW - ago)
        plan = decide_gang(gang(), seen(group=retained, gang=memory))
        assert plan.reason is GangReason.LEAVING
        assert plan.sweeps == swept


def test_machines_that_somebody_else_has_let_go_are_swept_in_time_as_well() -> None:
    retained = group(retained=("i-3",))
    first = decide_gang(gang(), seen(group=retained, gang=GangMemory()))
    assert (first.reason, first.sweeps) == (GangReason.LEAVING, ())
    assert first.memory is not None
    assert first.memory.released_at == NOW


@pytest.mark.parametrize(
    ("series", "starts"),
    [
        (wanted(*[40.0] * 20), True),
        (wanted(*[41.0] * 20), False),
        (wanted(*[90.0] * 5, *[10.0] * 5), False),
        (wanted(*[90.0] * 5, *[10.0] * 16), True),
        (wanted(10.0, until=NOW - 700), False),
        (MetricSeries(), False),
        (MetricSeries(points=wanted(10.0).points, readable=False), False),
    ],
    ids=["room", "no room", "not long", "long enough", "silent", "nothing", "unreadable"],
)
def test_a_guest_comes_when_there_has_been_room_for_a_while(
    series: MetricSeries, *, starts: bool
) -> None:
    roomy = block(ends_in=None, total=2 * MACHINES, available=MACHINES)
    plan = decide_gang(gang(OFF_PEAK), seen(reservation=roomy, wanted=series))
    assert (plan.step is GangStep.LAUNCH) == starts


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        (wanted(40.0), GangReason.RUNNING),
        (wanted(40.0, 40.1), GangReason.NO_ROOM),
        (wanted(10.0, until=NOW - 700), GangReason.PRIORITY_SILENT),
        (MetricSeries(readable=False), GangReason.RUNNING),
    ],
)
def test_a_guest_goes_as_soon_as_the_host_needs_the_room_or_falls_silent(
    series: MetricSeries, reason: GangReason
) -> None:
    roomy = block(ends_in=None, total=2 * MACHINES, available=0)
    snapshot = seen(group=WHOLE, gang=FORMED, reservation=roomy, wanted=series)
    assert decide_gang(gang(OFF_PEAK), snapshot).reason is reason


def test_a_specification_survives_its_journey_and_refuses_another_version() -> None:
    for spec in (gang(), gang(BLOCK), gang(OFF_PEAK)):
        assert GangSpec.from_json(spec.to_json()) == spec
    with pytest.raises(SpecError, match="version must be 1, got 2: redeploy the stack"):
        GangSpec.from_json({**gang().to_json(), "version": 2})


def test_what_cannot_be_is_refused_with_its_reason() -> None:
    with pytest.raises(SpecError, match=re.escape("must have no minimum and no warm pool")):
        replace(gang(), pool=replace(gang().pool, min_capacity=1))
    with pytest.raises(SpecError, match="units_per_machine must be above 0, got 0"):
        PrioritySpec(wanted=PRIORITY.wanted, units_per_machine=0)
    with pytest.raises(SpecError, match="forming_seconds must be at least 60, got 0"):
        gang(forming_seconds=0)
