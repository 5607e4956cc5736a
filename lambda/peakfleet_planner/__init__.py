"""Decide how much burst capacity each pool should run. Pure: no clock, no I/O, no AWS."""

from peakfleet_planner.baselines import BaselineSpec, FixedBaseline, ReportedBaseline
from peakfleet_planner.decide import decide
from peakfleet_planner.errors import SpecError
from peakfleet_planner.facts import BootTimes, Draining, ForeignSize, Notice
from peakfleet_planner.foresight import DemandModel, read_model
from peakfleet_planner.metrics import Metric, MetricSeries
from peakfleet_planner.outages import Outage, OutageCause
from peakfleet_planner.plan import (
    BaselineState,
    Launch,
    Plan,
    PoolPlan,
    Reason,
    SignalState,
    SignalView,
)
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
    PoolSpec,
    ServiceLevelSpec,
    TrafficSpec,
    WarmSpec,
)

__all__ = [
    "IN_FLIGHT",
    "WAITING",
    "BacklogSignal",
    "BaselineSpec",
    "BaselineState",
    "BootTimes",
    "DemandModel",
    "Draining",
    "FixedBaseline",
    "FleetSpec",
    "ForeignSize",
    "Hold",
    "Launch",
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
    "RateSignal",
    "Reason",
    "ReportedBaseline",
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
    "decide",
    "read_model",
]
