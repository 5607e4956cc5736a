"""A gang whose machines cost more than a limit allows does not start; one that runs goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    Memory,
    SharedSpend,
    SpecError,
    SpendClaim,
    SpendLimitSpec,
    SpendOverride,
    Spent,
)
from peakfleet_planner.gang import (
    GangMemory,
    GangPlan,
    GangReason,
    GangSnapshot,
    GangSpec,
    GangStep,
    decide_gang,
    gang_claims,
)
from peakfleet_planner.snapshot import month_of
from tests.planner.gangs import FORMED, MACHINES, NOW, gang, group, snapshots

MONTH, MONTH_END = month_of(NOW)
DAY, HOUR = 86_400, 3600
MACHINE_USD = 10.0
WHOLE_USD = MACHINES * MACHINE_USD
NOTHING_SPENT = Spent(month_epoch_seconds=MONTH, usd=0, at_epoch_seconds=MONTH)


def limited(**limit: Any) -> GangSpec:  # noqa: ANN401  a limit's own
    spec = gang()
    return replace(
        spec,
        pool=replace(spec.pool, usd_per_capacity_hour=MACHINE_USD),
        spend_limits=(SpendLimitSpec(**limit),),
    )


def empty(**seen: Any) -> GangSnapshot:  # noqa: ANN401  a snapshot's own
    """A gang that could start at once."""
    given_: dict[str, Any] = {"gang": GangMemory(spent=NOTHING_SPENT), **seen}
    return GangSnapshot(now_epoch_seconds=NOW, group=group(), **given_)


def shared(name: str, usd: float, *, wants: float = 0.0) -> SharedSpend:
    spent = Spent(month_epoch_seconds=MONTH, usd=0, at_epoch_seconds=NOW - 30, usd_per_hour=usd)
    claim = SpendClaim(priority="live", spent=spent, wanted_usd_per_hour=wants)
    return SharedSpend(claims={name: claim}, version=1, since_epoch_seconds=NOW - DAY)


@given(limit=st.floats(0, 2 * WHOLE_USD))
def test_a_gang_starts_whole_within_its_limit_or_not_at_all(limit: float) -> None:
    plan = decide_gang(limited(usd_per_hour=limit), empty())
    if limit >= WHOLE_USD:
        assert (plan.step, plan.reason) == (GangStep.LAUNCH, GangReason.READY)
    else:
        assert (plan.step, plan.reason) == (GangStep.KEEP, GangReason.SPEND_LIMIT)
        assert f"{WHOLE_USD:.2f} USD an hour" in plan.explain()
    assert plan.spend is not None
    assert plan.spend.usd_per_hour <= limit


@given(snapshot=snapshots, limit=st.floats(0, 2 * WHOLE_USD))
def test_a_limit_changes_nothing_but_whether_a_gang_starts(
    snapshot: GangSnapshot, limit: float
) -> None:
    spec = limited(usd_per_hour=limit)
    free = decide_gang(replace(spec, spend_limits=()), snapshot)
    plan = decide_gang(spec, snapshot)
    if free.step is not GangStep.LAUNCH or plan.reason is not GangReason.SPEND_LIMIT:
        assert (plan.step, plan.reason, plan.members, plan.sweeps) == (
            free.step,
            free.reason,
            free.members,
            free.sweeps,
        )


def test_a_gang_that_trains_goes_on_whatever_it_costs() -> None:
    runs = GangSnapshot(now_epoch_seconds=NOW, group=group(serving=MACHINES), gang=FORMED)
    plan = decide_gang(limited(usd_per_hour=1), runs)
    assert (plan.step, plan.reason) == (GangStep.KEEP, GangReason.RUNNING)
    assert plan.spend is not None
    assert plan.spend.usd_per_hour == WHOLE_USD


def test_what_a_day_costs_must_be_left_of_a_month() -> None:
    def spent(usd: float) -> GangSnapshot:
        return empty(gang=GangMemory(spent=replace(NOTHING_SPENT, usd=usd)))

    spec = limited(usd_per_month=5000)
    assert decide_gang(spec, spent(5000 - 24 * WHOLE_USD)).step is GangStep.LAUNCH
    assert decide_gang(spec, spent(5001 - 24 * WHOLE_USD)).reason is GangReason.SPEND_LIMIT
    unknown = decide_gang(spec, empty(gang=GangMemory()))
    assert unknown.memory is not None
    assert unknown.memory.spent is not None
    share = (NOW - MONTH) / (MONTH_END - MONTH)
    assert unknown.memory.spent.usd == pytest.approx(5000 * share)


def test_what_is_spent_is_remembered_when_the_pace_changes_and_only_then() -> None:
    spec = limited(usd_per_month=1e6)
    launched = decide_gang(spec, empty())
    assert launched.memory is not None
    assert launched.memory.spent is not None
    assert launched.memory.spent.usd_per_hour == WHOLE_USD
    runs = GangSnapshot(
        now_epoch_seconds=NOW + HOUR,
        group=group(serving=MACHINES),
        gang=replace(FORMED, spent=launched.memory.spent),
    )
    kept = decide_gang(spec, runs)
    assert kept.memory == runs.gang
    gone = replace(runs, group=group(), gang=replace(FORMED, spent=launched.memory.spent))
    left = decide_gang(replace(spec, spend_limits=(SpendLimitSpec(usd_per_hour=1),)), gone)
    assert left.memory is not None
    assert left.memory.spent is not None
    assert left.memory.spent.usd == pytest.approx(WHOLE_USD)
    assert left.memory.spent.usd_per_hour == 0


def test_a_leave_to_spend_more_lets_it_start_until_it_ends() -> None:
    leave = SpendOverride(owner="ada", reason="paper", until_epoch_seconds=NOW + 1)
    spec = limited(usd_per_hour=1)
    assert decide_gang(spec, empty(memory=Memory(spend_override=leave))).step is GangStep.LAUNCH
    over = Memory(spend_override=replace(leave, until_epoch_seconds=NOW))
    assert decide_gang(spec, empty(memory=over)).reason is GangReason.SPEND_LIMIT


def sharing(**others: SharedSpend) -> tuple[GangSpec, GangPlan, GangSnapshot]:
    spec = limited(usd_per_hour=100, shared="media", priority="training")
    snapshot = empty(shared_spend=others)
    return spec, decide_gang(spec, snapshot), snapshot


def test_it_takes_what_others_leave_of_a_shared_limit_and_claims_it() -> None:
    spec, plan, snapshot = sharing(media=shared("live", 100 - WHOLE_USD))
    assert plan.step is GangStep.LAUNCH
    claimed = gang_claims(spec, snapshot, plan)["media"]
    assert claimed.claims["Media/Search"].usd_per_hour == WHOLE_USD
    assert claimed.version == 2
    spec, plan, snapshot = sharing(media=shared("live", 101 - WHOLE_USD))
    assert plan.reason is GangReason.SPEND_LIMIT
    waits = gang_claims(spec, snapshot, plan)["media"].claims["Media/Search"]
    assert (waits.usd_per_hour, waits.wanted_usd_per_hour) == (0, WHOLE_USD)


def test_what_a_live_fleet_wants_and_has_not_is_kept_free() -> None:
    assert sharing(media=shared("live", 10, wants=80))[1].reason is GangReason.SPEND_LIMIT


def test_nothing_is_drawn_on_a_shared_limit_that_cannot_be_read() -> None:
    assert sharing()[1].reason is GangReason.SPEND_LIMIT


def test_spot_counts_at_the_most_that_it_can_cost() -> None:
    spec = limited(usd_per_hour=WHOLE_USD)
    spot = replace(spec.pool, purchase="spot", most_usd_per_capacity_hour=MACHINE_USD + 1)
    dear = replace(spec, pool=spot)
    assert decide_gang(dear, empty()).reason is GangReason.SPEND_LIMIT


def test_a_limit_needs_a_price() -> None:
    with pytest.raises(SpecError, match="that of 'Trainium' is unknown"):
        replace(gang(), spend_limits=(SpendLimitSpec(usd_per_hour=1),))
