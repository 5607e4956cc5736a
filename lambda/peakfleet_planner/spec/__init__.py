"""The specification of a fleet: what a schedule sends."""

from peakfleet_planner.spec.arithmetic import evaluate
from peakfleet_planner.spec.baseline import BaselineSpec, FixedBaseline, ReportedBaseline
from peakfleet_planner.spec.efficiency import EfficiencySpec
from peakfleet_planner.spec.fleet import (
    FleetSpec,
    OtherWriterSpec,
    PaceSpec,
    ServiceLevelSpec,
    TrafficSpec,
)
from peakfleet_planner.spec.known_peaks import KnownPeakSpec
from peakfleet_planner.spec.metrics import MINUTE_SECONDS, SUMS, Metric, MetricSeries
from peakfleet_planner.spec.pool import PoolSpec, PurchaseOption, WarmSpec, hold_seconds
from peakfleet_planner.spec.signals import (
    IN_FLIGHT,
    WAITING,
    BacklogSignal,
    RateSignal,
    Signal,
    SilenceRule,
    WhenSilent,
)

__all__ = [
    "IN_FLIGHT",
    "MINUTE_SECONDS",
    "SUMS",
    "WAITING",
    "BacklogSignal",
    "BaselineSpec",
    "EfficiencySpec",
    "FixedBaseline",
    "FleetSpec",
    "KnownPeakSpec",
    "Metric",
    "MetricSeries",
    "OtherWriterSpec",
    "PaceSpec",
    "PoolSpec",
    "PurchaseOption",
    "RateSignal",
    "ReportedBaseline",
    "ServiceLevelSpec",
    "Signal",
    "SilenceRule",
    "TrafficSpec",
    "WarmSpec",
    "WhenSilent",
    "evaluate",
    "hold_seconds",
]
