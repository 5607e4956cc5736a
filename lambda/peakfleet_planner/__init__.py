"""Decide how much burst capacity each pool should run. Pure: no clock, no I/O, no AWS.

`decide(spec, snapshot)` gives a `Plan`. The rooms, in the order of a decision:

    spec          what the schedule sends            codec         JSON and checks, below all
    snapshot      what a tick knows                  forecast      what was learned of demand
    demand        1-2 demand and usable baseline     plan          what a decision says, and why
    requirement   3   units that are needed          pools         4   how each pool stands
    allocation    4-5 which pools grow and shrink    pool_plan     6   what each pool is told
    decide        the steps, one after another       fallback      refused: decided anew
    gang          training groups, whole or not      spend_limits  bounds and claims of both
    efficiency    what each chip does                reasons       the words of a plan
"""

import sys

from peakfleet_planner.codec import SpecError
from peakfleet_planner.decide import decide
from peakfleet_planner.demand import remember_signals
from peakfleet_planner.fallback import Answer, Pursued, Refusal, pursue
from peakfleet_planner.forecast import DemandModel, read_model
from peakfleet_planner.plan import (
    DownstreamView,
    Launch,
    Plan,
    PoolPlan,
    SignalView,
    SiteView,
    SpendView,
)
from peakfleet_planner.pool_plan import heights, region_weight
from peakfleet_planner.pools import foreign_sizes, settled
from peakfleet_planner.reasons import (
    BaselineCause,
    BaselineState,
    BurstCause,
    DownstreamState,
    Reason,
    SignalState,
)
from peakfleet_planner.requirement import roll_forecast
from peakfleet_planner.snapshot import (
    BootTimes,
    Draining,
    ForeignSize,
    Growth,
    Heights,
    Hold,
    MeasuredUnits,
    Memory,
    Notice,
    OpenLaunch,
    Outage,
    OutageCause,
    PoolReading,
    RolledBack,
    SharedSpend,
    Shortfall,
    SignalMemory,
    Snapshot,
    SpendClaim,
    SpendOverride,
    Spent,
    SpotPrices,
    TrafficReading,
    booting_since,
)
from peakfleet_planner.spec import (
    IN_FLIGHT,
    WAITING,
    BacklogSignal,
    BaselineSpec,
    DownstreamLimitSpec,
    EfficiencySpec,
    FixedBaseline,
    FleetSpec,
    KnownPeakSpec,
    MaintenanceSpec,
    Metric,
    MetricSeries,
    OtherWriterSpec,
    PaceSpec,
    PoolSpec,
    RateSignal,
    RegionShareSpec,
    ReportedBaseline,
    SecondSignalSpec,
    ServiceLevelSpec,
    Signal,
    SilenceRule,
    SitesBaseline,
    SiteSpec,
    SpendLimitSpec,
    TrafficSpec,
    WarmSpec,
    WeightedRecordsSpec,
    WhenSilent,
)

__all__ = [
    "IN_FLIGHT",
    "WAITING",
    "Answer",
    "BacklogSignal",
    "BaselineCause",
    "BaselineSpec",
    "BaselineState",
    "BootTimes",
    "BurstCause",
    "DemandModel",
    "DownstreamLimitSpec",
    "DownstreamState",
    "DownstreamView",
    "Draining",
    "EfficiencySpec",
    "FixedBaseline",
    "FleetSpec",
    "ForeignSize",
    "Growth",
    "Heights",
    "Hold",
    "KnownPeakSpec",
    "Launch",
    "MaintenanceSpec",
    "MeasuredUnits",
    "Memory",
    "Metric",
    "MetricSeries",
    "Notice",
    "OpenLaunch",
    "OtherWriterSpec",
    "Outage",
    "OutageCause",
    "PaceSpec",
    "Plan",
    "PoolPlan",
    "PoolReading",
    "PoolSpec",
    "Pursued",
    "RateSignal",
    "Reason",
    "Refusal",
    "RegionShareSpec",
    "ReportedBaseline",
    "RolledBack",
    "SecondSignalSpec",
    "ServiceLevelSpec",
    "SharedSpend",
    "Shortfall",
    "Signal",
    "SignalMemory",
    "SignalState",
    "SignalView",
    "SilenceRule",
    "SiteSpec",
    "SiteView",
    "SitesBaseline",
    "Snapshot",
    "SpecError",
    "SpendClaim",
    "SpendLimitSpec",
    "SpendOverride",
    "SpendView",
    "Spent",
    "SpotPrices",
    "TrafficReading",
    "TrafficSpec",
    "WarmSpec",
    "WeightedRecordsSpec",
    "WhenSilent",
    "booting_since",
    "decide",
    "foreign_sizes",
    "heights",
    "pursue",
    "read_model",
    "region_weight",
    "remember_signals",
    "roll_forecast",
    "settled",
]

# Modules under the names that they had before the rooms, for one release.
for _former, _now in (
    ("availability", "pools.backoff"),
    ("foresight", "forecast"),
    ("ladder", "allocation.fill"),
):
    sys.modules[f"{__name__}.{_former}"] = sys.modules[f"{__name__}.{_now}"]
