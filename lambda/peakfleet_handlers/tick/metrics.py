"""Metrics of a plan, and which of them are troubles."""

from __future__ import annotations

from collections.abc import Mapping

from peakfleet_handlers.aws import Calls
from peakfleet_planner import (
    BaselineState,
    BurstCause,
    OutageCause,
    Plan,
    Reason,
    SignalState,
    SpendView,
)
from peakfleet_planner.pool_plan import MOST_WEIGHT, cloud_weight
from peakfleet_planner.spec import TROUBLES

BROKEN = (OutageCause.BAD_TEMPLATE, OutageCause.NEVER_READY, OutageCause.NOT_AUTHORISED)
"""Outages that do not end by themselves."""
_SHORT = (BurstCause.DEGRADED, BurstCause.UNKNOWN, BurstCause.MAINTENANCE)
"""What is bought for the baseline's sake, not for demand's."""

NEAR = 0.8
"""Share of a spend limit from which somebody is told."""


def metrics_of(plan: Plan, calls: Calls) -> dict[str, float]:
    """Return what a plan says in metrics, and what failed so far, by name."""
    reasons = {plan.reason, *plan.limits}
    share = cloud_weight(plan.burst_units, plan.baseline_units, plan.serving_units)
    return {
        "DemandUnits": plan.demand_units,
        "AheadUnits": plan.ahead_units,
        "BaselineUnits": plan.baseline_units,
        "BurstUnits": plan.burst_units,
        "BaselineShortUnits": sum(plan.bought.get(cause.value, 0.0) for cause in _SHORT),
        "CloudShare": share / MOST_WEIGHT,
        "WantedUnits": plan.wanted_units,
        "GrantedUnits": plan.granted_units,
        "ServingUnits": plan.serving_units,
        "UnservedUnits": plan.unserved_units,
        "MissingUnits": plan.missing_units,
        "StaleSignals": sum(signal.state is not SignalState.FRESH for signal in plan.signals),
        "IncompleteShare": 1 - min((one.complete_share for one in plan.signals), default=1.0),
        "IdleUnits": plan.idle_units,
        "RejectedSamples": sum(signal.rejected_samples for signal in plan.signals),
        "AtMaximum": Reason.AT_MAXIMUM in reasons,
        "Held": Reason.HELD in reasons,
        "HeldUnservedUnits": plan.unserved_units if Reason.HELD in reasons else 0.0,
        "CapacityMissing": Reason.CAPACITY_MISSING in reasons,
        "ProcessesSuspended": sum(pool.is_hindered for pool in plan.pools),
        "BaselineUnknown": plan.baseline_state is BaselineState.UNKNOWN,
        "BaselineDegraded": plan.bought.get(BurstCause.DEGRADED, 0.0) > 0,
        "TargetsDead": Reason.TARGETS_DEAD in reasons,
        "DownstreamLimited": Reason.DOWNSTREAM_LIMIT in reasons,
        "PoolsOut": sum(pool.outage is not None for pool in plan.pools),
        "PoolsBroken": sum(pool.outage in BROKEN for pool in plan.pools),
        "InstancesAtRisk": sum(len(pool.drains) for pool in plan.pools),
        "OtherWriter": Reason.OTHER_WRITER in reasons,
        "ReplacementHalted": sum(not pool.replaces_unhealthy for pool in plan.pools),
        "StuckDrains": plan.stuck_drains,
        "IdleProtected": plan.idle_protected,
        "FailedCalls": len(calls.failed),
        "WitnessContradicts": Reason.WITNESS_CONTRADICTS in reasons,
        "UnseenJump": Reason.UNSEEN_JUMP in reasons,
        **_spend(plan.spend),
    }


def _spend(spend: SpendView | None) -> dict[str, float]:
    if spend is None:
        return {"SpendNear": 0, "SpendReached": 0}
    reached = spend.refused_units > 0 or spend.used_share >= 1
    return {
        "SpendUsdPerHour": spend.usd_per_hour,
        "SpendRefusedUnits": spend.refused_units,
        "SpendNear": spend.used_share >= NEAR and not reached,
        "SpendReached": reached,
    }


def troubles(metrics: Mapping[str, float]) -> tuple[str, ...]:
    """Return the names of those that count trouble, and do count some."""
    return tuple(name for name in TROUBLES if metrics[name])
