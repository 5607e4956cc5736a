"""Decide how much burst capacity each pool should run. Pure: no clock, no I/O, no AWS."""

from peakfleet_planner.baselines import BaselineSpec, FixedBaseline, ReportedBaseline
from peakfleet_planner.decide import decide
from peakfleet_planner.efficiency_spec import EfficiencySpec
from peakfleet_planner.errors import SpecError
from peakfleet_planner.facts import (
    BootTimes,
    Draining,
    ForeignSize,
    Growth,
    Heights,
    MeasuredUnits,
    Notice,
    RolledBack,
    booting_since,
)
from peakfleet_planner.foresight import DemandModel, read_model
from peakfleet_planner.metrics import Metric, MetricSeries
from peakfleet_planner.outages import Outage, OutageCause
from peakfleet_planner.peaks import KnownPeakSpec
from peakfleet_planner.plan import (
    BaselineState,
    Launch,
    Plan,
    PoolPlan,
    Reason,
    SignalState,
    SignalView,
)
from peakfleet_planner.pool_spec import PoolSpec, WarmSpec
from peakfleet_planner.pursue import Answer, Pursued, Refusal, pursue
from peakfleet_planner.reusing import heights
from peakfleet_planner.settling import settled
from peakfleet_planner.signals import (
    IN_FLIGHT,
    WAITING,
    BacklogSignal,
    RateSignal,
    Signal,
    SilenceRule,
    WhenSilent,
)
from peakfleet_planner.snapshot import Hold, Memory, PoolReading, Snapshot
from peakfleet_planner.spec import (
    FleetSpec,
    OtherWriterSpec,
    PaceSpec,
    ServiceLevelSpec,
    TrafficSpec,
)
from peakfleet_planner.standing import foreign_sizes

__all__ = [
    "IN_FLIGHT",
    "WAITING",
    "Answer",
    "BacklogSignal",
    "BaselineSpec",
    "BaselineState",
    "BootTimes",
    "DemandModel",
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
    "MeasuredUnits",
    "Memory",
    "Metric",
    "MetricSeries",
    "Notice",
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
    "ReportedBaseline",
    "RolledBack",
    "ServiceLevelSpec",
    "Signal",
    "SignalState",
    "SignalView",
    "SilenceRule",
    "Snapshot",
    "SpecError",
    "TrafficSpec",
    "WarmSpec",
    "WhenSilent",
    "booting_since",
    "decide",
    "foreign_sizes",
    "heights",
    "pursue",
    "read_model",
    "settled",
]
