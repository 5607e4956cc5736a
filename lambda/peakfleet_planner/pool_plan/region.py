"""What a region leaves to the others, of a service that several regions serve.

Traffic moves and capacity follows: a region that cannot serve its share makes its own record weigh
less, and the fleets of the others see more demand. No region decides for another one, and none buys
what it is not sent (docs/adr/0033).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final

from peakfleet_planner.plan import Plan
from peakfleet_planner.reasons import Reason
from peakfleet_planner.spec import MINUTE_SECONDS, FleetSpec, RegionShareSpec

LEAST_KEPT: Final = 0.5
"""One step takes no more than half of a region's traffic away."""
LEAST_SHARE: Final = 0.1
"""What never moves, of a full weight: demand must be seen to know when it can be served again."""
BACK_SHARE: Final = 0.05
"""What comes back in one step, of a full weight: a trial that costs little if it fails."""
_SEEN_SECONDS: Final = 240
"""So long after weights act demand shows it: sample, delay, and two minutes to be sure."""
_UNKNOWN: Final = frozenset({Reason.BLIND, Reason.HELD, Reason.SIGNAL_SILENT})


def is_due(share: RegionShareSpec, now: int) -> bool:
    """Return whether the last step has shown its effect by now, so that another may be made."""
    every = ceil((share.ttl_seconds + _SEEN_SECONDS) / MINUTE_SECONDS)
    return now // MINUTE_SECONDS % every == 0


def region_weight(spec: FleetSpec, plan: Plan, weights: Mapping[str, int]) -> int | None:
    """Return what the region's own record should weigh; None leaves it as it is.

    A region is short when demand has gone unserved for longer than a boot and it was not granted
    what it wants. Then it keeps what it serves, of its share of all traffic, and the rest goes
    elsewhere. While nothing is missing it takes back a little, until it has its own share again.

    Args:
        spec: The fleet, with its share.
        plan: What it has decided.
        weights: Those of all records of the name, by set identifier, as they are.
    """
    share = spec.region
    if share is None or share.own not in weights:
        return None
    own = weights[share.own]
    others = sum(weights.values()) - own
    reasons = {plan.reason, *plan.limits}
    if not others or reasons & _UNKNOWN:
        return None
    least = max(1, round(LEAST_SHARE * share.full_weight))
    if Reason.UNSERVED in reasons and plan.missing_units > 0:
        serves = plan.baseline_units + plan.serving_units
        kept = max(LEAST_KEPT, min(1.0, serves / plan.demand_units))
        part = kept * own / (own + others)
        fewer = max(least, int(others * part / (1 - part)))
        return fewer if fewer < own else None
    is_well = not plan.unserved_units and not plan.missing_units
    if is_well and own < share.full_weight and not any(pool.outage for pool in plan.pools):
        return min(share.full_weight, own + max(1, round(BACK_SHARE * share.full_weight)))
    return None
