"""Warnings: what is legal but unwise."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Annotations, Stack
from constructs import Construct

from peakfleet._values import is_known, seconds
from peakfleet.policy import KnownPeak
from peakfleet.pools import CapacityPool, WarmPool, tell_age, types_with_local_nvme, unknown_types
from peakfleet.signals import Baseline, DemandSignal
from peakfleet_chips import Prices
from peakfleet_planner import BacklogSignal, FleetSpec, RateSignal
from peakfleet_planner.forecast import why_reactive, work_may_wait

_SLOW_PERIOD_SECONDS = 60
_FAST_SECONDS = 20
"""A period of ten seconds, and as much until it is seen."""


def on_pools(scope: Construct, pools: Sequence[CapacityPool], prices: Prices) -> None:
    """Warn of pools that are legal but unwise, and say how old the prices are that count."""
    if any(pool.relies_on(prices) for pool in pools):
        tell_age(scope, prices)
    if all(pool.purchase.is_spot for pool in pools):
        Annotations.of(scope).add_warning_v2(
            "peakfleet:BurstFleet.onlySpot",
            "every pool is on Spot, so that nothing is left when Spot runs dry; add an "
            "on-demand pool behind them, it costs nothing while it is empty",
        )
    for pool in pools:
        _on_warm_pool(scope, pool)
        if unknown := unknown_types(pool.instance_types):
            Annotations.of(scope).add_info_v2(
                "peakfleet:BurstFleet.unknownType",
                f"pool '{pool.name}': the catalogue does not have {', '.join(unknown)}, so that "
                f"nothing checks what its chip forbids, and usd_per_hour has no default",
            )


def on_signal(scope: Construct, signal: DemandSignal, pools: Sequence[CapacityPool]) -> None:
    """Warn of a signal that is legal but comes too late."""
    spec = signal.spec
    lead_seconds = spec.delay_seconds + min(pool.boot_seconds for pool in pools)
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


def on_account_and_region(scope: Construct, signal: DemandSignal, stack: Stack) -> None:
    """Say what has to be for a signal of another account, or maybe of another place, to be read."""
    if not any(one.account or one.region for one in signal.metrics):
        return
    here = {one for one in (stack.account, stack.region) if is_known(one)}
    for account in sorted({m.account for m in signal.metrics if m.account} - here):
        if is_known(account):
            Annotations.of(scope).add_info_v2(
                f"peakfleet:BurstFleet.otherAccount:{signal.name}:{account}",
                f"signal '{signal.name}': it is read from account {account}"
                + " if that is not the stack's own" * (stack.account not in here)
                + ", which has to share its metrics with the fleet's account (CloudWatch "
                "Observability Access Manager)",
            )
    for region in sorted({m.region for m in signal.metrics if m.region} - here):
        if is_known(region):
            Annotations.of(scope).add_info_v2(
                f"peakfleet:BurstFleet.region:{signal.name}",
                f"signal '{signal.name}': it can be read in {region} only, and the stack does not "
                f"say that it is deployed there; give the stack an env",
            )


def on_foresight(scope: Construct, spec: FleetSpec) -> None:
    """Say why demand that might be learned is not."""
    if why := why_reactive(spec):
        Annotations.of(scope).add_info_v2(
            "peakfleet:BurstFleet.notLearned",
            f"its demand is not learned, for {why}; it is followed by the reactive rule, and "
            f"Foresight.off() says that this is meant",
        )


def on_lead(scope: Construct, spec: FleetSpec, pools: Sequence[CapacityPool]) -> None:
    """Say how much sooner new capacity could serve, where signals and pools allow it."""
    if work_may_wait(spec) or spec.mode != "active":
        return
    ways = []
    own = all(
        isinstance(signal, RateSignal)
        and signal.period_seconds == _SLOW_PERIOD_SECONDS
        and not any(metric.namespace.startswith("AWS/") for metric in signal.metrics.values())
        for signal in spec.signals
    )
    if own:
        sooner = max(one.period_seconds + one.delay_seconds for one in spec.signals) - _FAST_SECONDS
        ways.append(
            f"{sooner / 60:.1f} minutes less if its metrics are published every 10 seconds "
            f"(StorageResolution 1; each costs what it does now, and six calls a minute) and read "
            f"with period=Duration.seconds(10)"
        )
    start = seconds("warm pool", "start", WarmPool.reused().start)
    cold = [pool for pool in pools if pool.might_wait and pool.boot_seconds > start]
    if cold and len(cold) == sum(not pool.purchase.is_spot for pool in pools):
        least = min(pool.boot_seconds for pool in cold) - start
        names = ", ".join(f"'{pool.name}'" for pool in cold)
        ways.append(
            f"{least / 60:.1f} minutes less, after the first peak, if {names} had "
            f"warm=WarmPool.reused(), which bills the volumes of what waits"
        )
    if ways:
        Annotations.of(scope).add_info_v2(
            "peakfleet:BurstFleet.shorterLead",
            f"new capacity serves {spec.lead_seconds / 60:.1f} minutes after demand has changed: "
            + "; ".join(ways),
        )


def on_known_peaks(
    scope: Construct, peaks: Sequence[KnownPeak], pools: Sequence[CapacityPool], baseline: Baseline
) -> None:
    """Warn of a known peak that baseline and pools together cannot carry."""
    pool_units = sum(pool.to_planner(group=pool.name).max_units for pool in pools)
    most = baseline.spec.carried_units + pool_units
    for peak in peaks:
        needed = peak.to_planner().most_units
        if needed > most:
            Annotations.of(scope).add_warning_v2(
                f"peakfleet:BurstFleet.peakAboveMaximum:{peak.name}",
                f"known peak '{peak.name}' is of {'up to ' if peak.uncertainty else ''}{needed:g} "
                f"units, but the baseline and every pool at its maximum carry {most:g}; raise "
                f"max_instances, or add a pool",
            )


def _on_warm_pool(scope: Construct, pool: CapacityPool) -> None:
    """Warn of a warm pool that gains nothing, or loses what is on local disks."""
    warm = pool.to_planner(group=pool.name).warm
    if warm and warm.start_seconds >= pool.boot_seconds:
        Annotations.of(scope).add_warning_v2(
            f"peakfleet:BurstFleet.warmNoSooner:{pool.name}",
            f"pool '{pool.name}': what waits in its warm pool serves after "
            f"{warm.start_seconds:g} seconds, which is no sooner than a new instance after "
            f"{pool.boot_seconds}; give start as measured, or leave warm out",
        )
    lost = types_with_local_nvme(pool.instance_types)
    if pool.warm and not pool.warm.is_running and lost:
        Annotations.of(scope).add_warning_v2(
            f"peakfleet:BurstFleet.warmDisks:{pool.name}",
            f"pool '{pool.name}': the local NVMe disks of {', '.join(lost)} are empty whenever an "
            f"instance starts again from the warm pool, where it waits stopped; format them at "
            f"every boot, not at the first one only, or keep what must last on EBS",
        )
