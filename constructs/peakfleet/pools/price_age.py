from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from weakref import WeakSet

from aws_cdk import Annotations, Stack, Token
from constructs import Construct, IConstruct

from peakfleet.pools.capacity_pool import CapacityPool
from peakfleet_chips import Prices

_OLD_DAYS = 180
_TOLD: WeakSet[IConstruct] = WeakSet()
"""Apps that were told how old their prices are."""


def tell_age(scope: Construct, pools: Sequence[CapacityPool], prices: Prices) -> None:
    """Say once an app how old the prices are, if a pool relies on them; warn if they are old."""
    relies = any(
        pool.usd_per_hour is None
        and pool.to_planner(group=pool.name, prices=prices).usd_per_capacity_hour is not None
        for pool in pools
    )
    app = scope.node.root
    if not relies or app in _TOLD:
        return
    _TOLD.add(app)
    age = prices.age_days(_today())
    region = Stack.of(scope).region
    elsewhere = not Token.is_unresolved(region) and region != prices.region
    text = (
        f"instance prices are those of {prices.day.isoformat()}, {age} days old, in "
        f"{prices.region}"
        + f", but the stack is in {region}" * elsewhere
        + "; `peakfleet prices refresh` writes newer ones"
    )
    if age > _OLD_DAYS:
        Annotations.of(scope).add_warning_v2("peakfleet:BurstFleet.oldPrices", text)
    else:
        Annotations.of(scope).add_info_v2("peakfleet:BurstFleet.prices", text)


def _today() -> date:
    """Return today, or the day that a reproducible build names."""
    named = os.environ.get("SOURCE_DATE_EPOCH")
    return (datetime.fromtimestamp(int(named), UTC) if named else datetime.now(UTC)).date()
