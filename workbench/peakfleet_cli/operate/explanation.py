"""One decision in plain words: what it saw, what bound it, what it rejected, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from peakfleet_planner import Plan, Reason

GUIDE: Final = "docs/reference/reasons.md"
"""Where each reason has a section with what to do."""
_NOT_LARGER: Final = frozenset(
    {
        Reason.AT_MAXIMUM,
        Reason.BLIND,
        Reason.CAPACITY_MISSING,
        Reason.HELD,
        Reason.NO_CAPACITY,
        Reason.NO_WORK_TAKEN,
        Reason.OTHER_WRITER,
        Reason.POOL_UNREADABLE,
        Reason.PROCESS_SUSPENDED,
        Reason.SPEND_LIMIT,
        Reason.STEP_LIMITED,
        Reason.TOO_DEAR,
        Reason.UNSEEN_JUMP,
        Reason.WITNESS_CONTRADICTS,
    }
)
_NOT_SMALLER: Final = frozenset(
    {
        Reason.AT_RISK,
        Reason.BASELINE_UNKNOWN,
        Reason.BLIND,
        Reason.BUSY,
        Reason.CANARY,
        Reason.HELD,
        Reason.HOLDING_PEAK,
        Reason.KNOWN_PEAK,
        Reason.OTHER_WRITER,
        Reason.POOL_UNREADABLE,
        Reason.SIGNAL_IMPLAUSIBLE,
        Reason.SIGNAL_SILENT,
        Reason.STATE_LOST,
        Reason.STEP_LIMITED,
        Reason.STILL_BOOTING,
        Reason.WITNESS_CONTRADICTS,
    }
)
_SLACK: Final = 1e-6


def inputs(plan: Plan) -> Iterator[str]:
    """Yield what a decision saw, a line at a time."""
    for signal in plan.signals:
        units = "never read" if signal.units is None else f"{signal.units:.1f} units"
        ahead = f", {signal.ahead_units:.1f} expected" * bool(signal.ahead_units)
        rejected = f", {signal.rejected_samples} samples rejected" * bool(signal.rejected_samples)
        yield f"signal {signal.name}: {signal.state}, {units}{ahead}{rejected}"
    yield f"baseline: {plan.baseline_state}, {plan.baseline_units:.1f} units"
    yield f"pools: {plan.serving_units:.1f} units serve, {plan.granted_units:.1f} are asked for"
    if spend := plan.spend:
        month = "" if spend.spent_usd is None else f", {spend.spent_usd:,.2f} USD this month"
        yield (
            f"spend: {spend.usd_per_hour:.4g} USD an hour{month}; "
            f"{spend.limit} is used to {spend.used_share:.0%}"
        )
        for name, usd in spend.spot_usd.items():
            yield f"spend: a new instance of {name} counts {usd:.4g} USD an hour, the price of Spot"


def rejected(plan: Plan) -> Iterator[str]:
    """Yield what a decision would have done and did not, a line at a time."""
    for pool in plan.pools:
        if pool.outage is not None:
            yield f"pool {pool.name} was not asked for more: {pool.outage}"
    if plan.spend and plan.spend.refused_units:
        yield (
            f"{plan.spend.refused_units:.1f} units would cost more than {plan.spend.limit} allows"
        )
    if plan.missing_units > _SLACK:
        yield f"{plan.missing_units:.1f} units were wanted and not granted"
    if plan.unserved_units:
        yield f"{plan.unserved_units:.1f} units of burst were not served at that moment"


def why_not_larger(plan: Plan) -> tuple[str, ...]:
    """Return why the fleet was not larger; that no more was wanted, if nothing held it back."""
    return _of(plan, _NOT_LARGER) or (
        f"no more was wanted: {plan.wanted_units:.1f} units, and {plan.granted_units:.1f} granted",
    )


def why_not_smaller(plan: Plan) -> tuple[str, ...]:
    """Return why the fleet was not smaller; that demand needs it, if nothing else kept it."""
    if not any(pool.desired_capacity for pool in plan.pools):
        return ("it was empty",)
    needed = f"demand needs it: {plan.wanted_units:.1f} units, a part of an instance counts whole"
    return _of(plan, _NOT_SMALLER) or (needed,)


def what_to_do(plan: Plan) -> Iterator[str]:
    """Yield each reason in its words, and where it says what to do."""
    for reason in (plan.reason, *plan.limits):
        yield f"{reason.words} ({GUIDE}#{reason})"


def explanation(plan: Plan) -> Mapping[str, Any]:
    """Return a decision in words as JSON-ready data."""
    return {
        "words": plan.explain(),
        "inputs": [*inputs(plan)],
        "reasons": [*what_to_do(plan)],
        "rejected": [*rejected(plan)],
        "why_not_larger": why_not_larger(plan),
        "why_not_smaller": why_not_smaller(plan),
    }


def _of(plan: Plan, kind: frozenset[Reason]) -> tuple[str, ...]:
    return tuple(one.words for one in (plan.reason, *plan.limits) if one in kind)
