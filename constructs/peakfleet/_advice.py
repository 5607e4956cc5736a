from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Annotations
from constructs import Construct

from peakfleet.demand import DemandSignal
from peakfleet.pools import CapacityPool
from peakfleet_planner import BacklogSignal
from peakfleet_planner.spec import METRIC_DELAY_SECONDS

_SLOW_PERIOD_SECONDS = 60


def on_pools(scope: Construct, pools: Sequence[CapacityPool]) -> None:
    """Warn of a ladder that is legal but unwise."""
    if all(pool.purchase.is_spot for pool in pools):
        Annotations.of(scope).add_warning_v2(
            "peakfleet:BurstFleet.onlySpot",
            "every pool is on Spot, so that nothing is left when Spot runs dry; add an "
            "on-demand pool behind them, it costs nothing while it is empty",
        )


def on_signal(scope: Construct, signal: DemandSignal, pools: Sequence[CapacityPool]) -> None:
    """Warn of a signal that is legal but comes too late."""
    spec = signal.spec
    lead_seconds = METRIC_DELAY_SECONDS + min(pool.boot_seconds for pool in pools)
    if isinstance(spec, BacklogSignal) and spec.drain_within_seconds < lead_seconds:
        Annotations.of(scope).add_warning_v2(
            "peakfleet:BurstFleet.deadlineBeforeCapacity",
            f"signal '{signal.name}': drain_within is {spec.drain_within_seconds:g} seconds, but "
            f"new capacity serves after {lead_seconds} seconds at best, so that work is late "
            f"whenever the fleet has to grow; allow more time, or keep min_instances",
        )
    period_seconds = max(metric.metric.period_seconds for metric in signal.metrics)
    if period_seconds > _SLOW_PERIOD_SECONDS:
        Annotations.of(scope).add_warning_v2(
            "peakfleet:BurstFleet.slowSignal",
            f"signal '{signal.name}': it is read in periods of {period_seconds} seconds, the "
            f"CDK's default being 300, and the fleet sees a peak as late; give its metric "
            f"period=Duration.minutes(1) if it is published every minute",
        )
