"""Metrics that a fleet publishes: which, how often, and which trouble an alarm stands for.

CloudWatch bills a metric for every hour in which it has a value. So only what is needed all the
time is published all the time; what counts trouble is published while there is any.
"""

from __future__ import annotations

from typing import Final, Literal

from peakfleet_planner.codec import SpecError

Detail = Literal["least", "essential", "every"]
"""How much a fleet publishes."""
DEMAND: Final = "DemandUnits"
"""Every tick publishes it, so that a minute without it is a minute without a tick."""
POOL_TROUBLE, CAPACITY_TROUBLE, LASTING_TROUBLE = (
    "PoolTrouble",
    "CapacityTrouble",
    "LastingTrouble",
)
TROUBLES: Final = {
    "PoolsBroken": POOL_TROUBLE,
    "OtherWriter": POOL_TROUBLE,
    "ReplacementHalted": POOL_TROUBLE,
    "CapacityMissing": CAPACITY_TROUBLE,
    "FailedCalls": CAPACITY_TROUBLE,
    "HeldUnservedUnits": CAPACITY_TROUBLE,
    "IdleUnits": CAPACITY_TROUBLE,
    "StuckDrains": CAPACITY_TROUBLE,
    "SpendReached": CAPACITY_TROUBLE,
    "AtMaximum": LASTING_TROUBLE,
    "BaselineDegraded": LASTING_TROUBLE,
    "BaselineUnknown": LASTING_TROUBLE,
    "DownstreamLimited": LASTING_TROUBLE,
    "ProcessesSuspended": LASTING_TROUBLE,
    "StaleSignals": LASTING_TROUBLE,
    "TargetsDead": LASTING_TROUBLE,
    "SpendNear": LASTING_TROUBLE,
    "WitnessContradicts": LASTING_TROUBLE,
    "UnseenJump": CAPACITY_TROUBLE,
}
"""Each trouble that a tick counts, and the metric that sums up those that an alarm treats alike.

It sums up how many of them there are: log line and state table name them."""
ALWAYS: Final[dict[Detail, frozenset[str]]] = {
    "least": frozenset({DEMAND}),
    "essential": frozenset({DEMAND, "BaselineUnits", "WantedUnits", "ServingUnits"}),
    "every": frozenset(
        {
            DEMAND,
            "AheadUnits",
            "BaselineUnits",
            "BurstUnits",
            "CloudShare",
            "GrantedUnits",
            "ServingUnits",
            "WantedUnits",
        }
    ),
}
"""What every tick publishes."""
_SPARSE: Final = frozenset(
    {
        "BaselineShortUnits",
        "CoveredUnits",
        "IdleProtected",
        "MissingUnits",
        "SpendRefusedUnits",
        "UnservedUnits",
        POOL_TROUBLE,
        CAPACITY_TROUBLE,
        LASTING_TROUBLE,
    }
)
"""What alarms need, published while it counts."""


def published(values: dict[str, float], detail: Detail, *, quiet: bool = False) -> dict[str, float]:
    """Return what is published of the metrics of one tick.

    Args:
        values: All of them, by name.
        detail: How much is published.
        quiet: Whether nothing is published that alarms watch but demand. Default: it is.

    >>> published({"DemandUnits": 0.0, "WantedUnits": 3.0, "StuckDrains": 1.0}, "least")
    {'DemandUnits': 0.0, 'CapacityTrouble': 1}
    """
    sums: dict[str, float] = {}
    for name, together in TROUBLES.items():
        if values.get(name):
            sums[together] = sums.get(together, 0) + 1
    return {
        name: value
        for name, value in {**values, **sums}.items()
        if name in ALWAYS[detail]
        or (value and not quiet and (detail == "every" or name in _SPARSE))
    }


def check_published(owner: str, name: str, detail: Detail) -> None:
    """Refuse a metric that a fleet with this detail never publishes.

    Args:
        owner: The fleet, for the message.
        name: The metric.
        detail: How much the fleet publishes.
    """
    if detail != "every" and name not in ALWAYS[detail] | _SPARSE:
        enough = "essential" if name in ALWAYS["essential"] else "every"
        raise SpecError(
            f"{owner} does not publish the metric {name} with metrics=Metrics.{detail}(); say "
            f"metrics=Metrics.{enough}(), or use one of {', '.join(sorted(ALWAYS[detail]))}"
        )
