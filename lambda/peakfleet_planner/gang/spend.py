"""Whether all machines of a gang may be paid for, and what it claims of shared limits."""

from __future__ import annotations

from dataclasses import replace

from peakfleet_planner.gang.plan import GangPlan, GangReason, GangSpend, GangStep
from peakfleet_planner.gang.snapshot import GangSnapshot
from peakfleet_planner.gang.spec import GangSpec
from peakfleet_planner.snapshot import PoolReading, SharedSpend
from peakfleet_planner.spend_limits import ROUNDING, Spender


def within_limits(spec: GangSpec, snapshot: GangSnapshot, plan: GangPlan) -> GangPlan:
    """Return *plan* with what it costs; a gang that costs too much is not launched.

    A limit ends nothing: a gang that has started trains to its end.

    Args:
        spec: The gang.
        snapshot: What the plan was decided from.
        plan: What to do, if nothing is too dear.
    """
    if not spec.spend_limits or snapshot.group is None or plan.memory is None:
        return plan
    running = spec.usd_per_hour * _machines(snapshot.group) / spec.machines
    spender = _spender(spec, snapshot)
    known = snapshot.gang.spent if snapshot.gang else None
    spent = spender.spent(known, running=running)
    bounds = spender.bounds(spent, running=running, floor=0.0)
    tightest = min(bounds, key=lambda one: one.allowed)
    override = snapshot.memory.spend_override if snapshot.memory else None
    stands = override and override.stands(snapshot.now_epoch_seconds)
    wanted = running
    if plan.step is GangStep.LAUNCH:
        wanted = max(running, spec.usd_per_hour)
        if not stands and wanted > tightest.allowed * (1 + ROUNDING):
            kept = replace(plan.memory, forming_since=None)
            plan = replace(
                plan, step=GangStep.KEEP, reason=GangReason.SPEND_LIMIT, memory=kept, zone=None
            )
    costs = wanted if plan.step is GangStep.LAUNCH else running
    spend = GangSpend(
        usd_per_hour=costs,
        allowed_usd_per_hour=max(0.0, tightest.allowed),
        wanted_usd_per_hour=wanted,
        limit=tightest.words,
        overridden_by=override.owner if override and stands else None,
    )
    if plan.memory and (known is None or known.usd_per_hour != costs):  # else it goes on by itself
        spent = replace(spent, usd_per_hour=costs)
        plan = replace(plan, memory=replace(plan.memory, spent=spent))
    return replace(plan, spend=spend)


def gang_claims(spec: GangSpec, snapshot: GangSnapshot, plan: GangPlan) -> dict[str, SharedSpend]:
    """Return the shared limits as a decision would have them, by name; those that change only.

    Args:
        spec: The gang.
        snapshot: What the plan was decided from.
        plan: What is about to be done.
    """
    if plan.spend is None:
        return {}
    return _spender(spec, snapshot).claims(
        plan.spend.usd_per_hour, wanted_usd_per_hour=plan.spend.wanted_usd_per_hour
    )


def _spender(spec: GangSpec, snapshot: GangSnapshot) -> Spender:
    return Spender(
        name=spec.fleet,
        limits=spec.spend_limits,
        now_epoch_seconds=snapshot.now_epoch_seconds,
        shared=snapshot.shared_spend,
    )


def _machines(group: PoolReading) -> int:
    """Return the machines that cost money: what is asked for, and what leaves."""
    return group.desired_capacity + group.leaving_capacity + len(group.retained)
