"""Why the burst was bought: what is granted, by what it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from peakfleet_planner.plan import PoolPlan, SiteView
from peakfleet_planner.reasons import BurstCause
from peakfleet_planner.spec import FleetSpec


def burst_causes(
    granted_units: float, demand_units: float, sites: Sequence[SiteView]
) -> Mapping[str, float]:
    """Return what is granted, split by its cause; the parts add up to it.

    Demand above what the baseline should carry comes first, then what its sites carry less than
    they should, each by its own cause. The rest was bought ahead of demand, or stays after it: the
    forecast, the hold and whole instances.

    >>> burst_causes(100, 470, ())
    {'above-baseline': 100.0}
    """
    declared = sum(site.carried_units for site in sites)
    carried = sum(site.units for site in sites)
    above = min(granted_units, max(0.0, demand_units - declared))
    short = min(granted_units, max(0.0, demand_units - carried)) - above
    parts = {BurstCause.ABOVE_BASELINE.value: float(above)}
    lacking = {
        site: site.carried_units - site.units
        for site in sites
        if site.cause and site.carried_units > site.units
    }
    total = sum(lacking.values())
    for site, units in lacking.items() if short > 0 else ():
        cause = BurstCause.of(site.cause).value
        parts[cause] = parts.get(cause, 0.0) + short * units / total
    rest = granted_units - sum(parts.values())
    parts[BurstCause.AHEAD.value] = max(0.0, rest)
    return {cause: units for cause, units in parts.items() if units > 0}


def usd_per_hour(spec: FleetSpec, plans: Sequence[PoolPlan]) -> float | None:
    """Return what the desired capacity costs in an hour; None if a price is not known."""
    prices = {pool.name: pool.usd_per_capacity_hour for pool in spec.pools}
    costs = [
        (prices[plan.name], plan.desired_capacity) for plan in plans if plan.desired_capacity > 0
    ]
    if any(price is None for price, _ in costs):
        return None
    return sum((price or 0.0) * capacity for price, capacity in costs)
