"""The same faults in the simulator: what a tick sees, or what can be had, is disturbed.

The simulator drives the decision itself, over the pools of the fleet `workers` of the app in
`examples/faults`. What it has no part for, such as claims or health checks, has no leg here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from peakfleet_demo.scenarios.measurements import Measurements, Sample
from peakfleet_local.replay import FleetMinute, PoolMinute, Work
from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    Hold,
    Metric,
    MetricSeries,
    PaceSpec,
    PoolSpec,
    RateSignal,
    ReportedBaseline,
    Snapshot,
)
from peakfleet_sim import Demand, PeakfleetPolicy, Run, World, replay
from peakfleet_sim.world import DEMAND, Live, PoolScenario, Scenario

SETTLING_MINUTES: Final = 90
BASELINE_UNITS, UNITS_PER_INSTANCE, POOL_INSTANCES = 100.0, 10.0, 30
_START: Final = datetime(2026, 3, 2, tzinfo=UTC)
_PLENTY: Final = 10 * POOL_INSTANCES
See = Callable[[int, Snapshot], Snapshot | None]
"""What a tick sees in a minute of the fault, from 0 on, instead of what is there; None: no tick."""
Caps = Callable[[Mapping[str, int]], Mapping[str, int]]
"""Most instances of each pool while the fault lasts, given what runs when it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InSimulator:
    """A fault as the simulator knows it.

    Args:
        see: What ticks see while it lasts. Default: what is there.
        caps: What can be had while it lasts. Default: all that is asked for.
        reported: Whether the baseline reports. Default: it is fixed.
    """

    see: See | None = None
    caps: Caps | None = None
    reported: bool = False


def workers(*, reported: bool = False) -> FleetSpec:
    """Return the fleet `workers` of the app, or `reported`, as it is replayed."""
    units = BASELINE_UNITS
    read = Metric(namespace="Scenarios", metric_name="HealthyUnits", statistic="Minimum")
    return FleetSpec(
        fleet="Faults/Workers",
        pools=tuple(
            PoolSpec(
                name=name,
                group=name,
                units_per_capacity=UNITS_PER_INSTANCE,
                max_capacity=POOL_INSTANCES,
                usd_per_capacity_hour=usd,
                instance_types=(kind,),
                purchase="spot" if name == "GravitonSpot" else "on-demand",
                launch="direct",
                drain_seconds=1800,
            )
            for name, kind, usd in (
                ("GravitonSpot", "c8g.4xlarge", 0.21),
                ("Graviton", "c8g.4xlarge", 0.63808),
                ("X86", "c7i.4xlarge", 0.714),
            )
        ),
        signals=(
            RateSignal(
                name=DEMAND,
                metrics={DEMAND: Metric(namespace="Scenarios", metric_name="Demand")},
                expression=DEMAND,
            ),
        ),
        baseline=ReportedBaseline(metric=read, declared_units=units)
        if reported
        else FixedBaseline(units=units),
        pace=PaceSpec(out_units=450, in_units=90),
    )


def measure(
    demand_units: Callable[[int], float],
    fault: InSimulator,
    *,
    minutes: int,
    begins: int,
    lasts: int,
) -> Measurements:
    """Replay a fault, and return what the promises of the matrix are held against.

    Args:
        demand_units: Demand by minute; minutes before 0 have the demand of minute 0.
        fault: What happens.
        minutes: How long it is measured.
        begins: The minute in which it begins.
        lasts: For how many.
    """
    spec = workers(reported=fault.reported)
    wanted = [demand_units(max(0, m)) for m in range(-SETTLING_MINUTES, minutes)]
    first = SETTLING_MINUTES + begins

    def disturbed(minute: int, snapshot: Snapshot) -> Snapshot | None:
        if fault.see is None or not 0 <= minute - first < lasts:
            return snapshot
        return fault.see(minute - first, snapshot)

    def run(scenario: Scenario | None) -> Run:
        return replay(
            Demand(name="matrix", start=_START, units=np.array(wanted, dtype=np.float64)),
            world=World(
                units_per_instance=UNITS_PER_INSTANCE,
                baseline_units=BASELINE_UNITS,
                max_instances=len(spec.pools) * POOL_INSTANCES,
            ),
            work=Live(baseline_units=BASELINE_UNITS),
            policy=PeakfleetPolicy(spec=spec, foresight=False, disturbed=disturbed),
            pools=spec.pools,
            scenario=scenario,
        )

    made = run(None)
    if fault.caps is not None:
        runs = {one.spec.name: int(one.desired[first - 1]) for one in made.pools}
        caps = fault.caps(runs)
        made = run(
            Scenario(
                pools={
                    name: PoolScenario(available=_available(len(wanted), first, lasts, most))
                    for name, most in caps.items()
                }
            )
        )
    return _measurements(spec, made)


def _available(minutes: int, first: int, lasts: int, most: int) -> NDArray[np.int64]:
    available = np.full(minutes, _PLENTY, np.int64)
    available[first : first + lasts] = most
    return available


def _measurements(spec: FleetSpec, run: Run) -> Measurements:
    """Return the minutes after settling, as a scenario's are."""
    start = int(run.demand.start_epoch_seconds)
    samples = []
    for minute in range(SETTLING_MINUTES, run.demand.minutes):
        pools = tuple(
            PoolMinute(
                name=one.spec.name,
                in_service_capacity=int(one.ready[minute]),
                billed_capacity=int(one.billed[minute]),
                desired_capacity=int(one.desired[minute]),
            )
            for one in run.pools
        )
        came = {
            one.spec.name: [0.0] * max(0, int(one.desired[minute] - one.desired[minute - 1]))
            for one in run.pools
        }
        work = Work(
            demand_units=float(run.demand.units[minute]),
            burst_units=float(run.burst_units[minute]),
            ready_units=float(run.ready_units[minute]),
            unserved_units=float(run.unserved_units[minute]),
            due_units=float(run.due_units[minute]),
        )
        samples.append(
            Sample(
                start_epoch_seconds=start + 60 * minute,
                fleet=FleetMinute(work=work, pools=pools, plan=None),
                tries={},
                asks={},
                calls={},
                launched_at=came,
            )
        )
    return Measurements(spec=spec, samples=samples)


# What ticks see.


def unreadable(_minute: int, snapshot: Snapshot) -> Snapshot:
    """CloudWatch cannot be read."""
    return _read(snapshot, lambda _: MetricSeries(readable=False))


def forgotten(_minute: int, snapshot: Snapshot) -> Snapshot:
    """The state table cannot be read."""
    return replace(snapshot, memory=None)


def groupless(_minute: int, snapshot: Snapshot) -> Snapshot:
    """Groups cannot be read, nor sized."""
    return replace(snapshot, pools=())


def no_tick(_minute: int, _snapshot: Snapshot) -> None:
    """No tick runs, or it cannot read its specification, or dies before it acts."""


def baseline_silent(minute: int, snapshot: Snapshot) -> Snapshot:
    """The own side reports nothing since the fault began."""
    since = snapshot.now_epoch_seconds - 60 * (minute + 1)
    return replace(
        snapshot,
        baseline={name: _before(since, series) for name, series in snapshot.baseline.items()},
    )


def silent(minute: int, snapshot: Snapshot) -> Snapshot:
    """The signal has no value since the fault began."""
    since = snapshot.now_epoch_seconds - 60 * (minute + 1)
    return _read(snapshot, lambda series: _before(since, series))


def late(minutes: int) -> See:
    """Return: values are seen so many minutes later."""

    def see(_minute: int, snapshot: Snapshot) -> Snapshot:
        since = snapshot.now_epoch_seconds - 60 * (minutes + 1)
        return _read(snapshot, lambda series: _before(since, series))

    return see


def partly(share: float) -> See:
    """Return: the newest minute can be read in part."""

    def see(_minute: int, snapshot: Snapshot) -> Snapshot:
        return _read(
            snapshot,
            lambda series: replace(
                series,
                points=(*series.points[:-1], *((at, v * share) for at, v in series.points[-1:])),
            ),
        )

    return see


def beside(value: float) -> See:
    """Return: a value is published beside each true one; the metric is their mean."""

    def see(minute: int, snapshot: Snapshot) -> Snapshot:
        since = snapshot.now_epoch_seconds - 60 * (minute + 2)
        return _read(
            snapshot,
            lambda series: replace(
                series,
                points=tuple(
                    (at, (v + value) / 2 if at >= since else v) for at, v in series.points
                ),
            ),
        )

    return see


def ahead(minutes: int, value: float) -> See:
    """Return: a value has a time that has not come."""

    def see(_minute: int, snapshot: Snapshot) -> Snapshot:
        at = snapshot.now_epoch_seconds + 60 * minutes
        return _read(snapshot, lambda series: replace(series, points=(*series.points, (at, value))))

    return see


def suspended(*pools: str) -> See:
    """Return: somebody has suspended the launches of these pools."""

    def see(_minute: int, snapshot: Snapshot) -> Snapshot:
        told = tuple(
            replace(one, suspended=("Launch",)) if one.name in pools else one
            for one in snapshot.pools
        )
        return replace(snapshot, pools=told)

    return see


def held(minutes: int) -> See:
    """Return: a person holds the fleet for so long."""

    def see(minute: int, snapshot: Snapshot) -> Snapshot:
        until = snapshot.now_epoch_seconds + 60 * (minutes - minute)
        hold = Hold(owner="matrix", reason="tried", until_epoch_seconds=until)
        return replace(snapshot, memory=replace(snapshot.recalled, hold=hold))

    return see


def all_of(*several: See) -> See:
    """Return: all of these at once."""

    def see(minute: int, snapshot: Snapshot) -> Snapshot | None:
        seen: Snapshot | None = snapshot
        for one in several:
            seen = one(minute, seen) if seen else None
        return seen

    return see


# What can be had.


def nothing_more(runs: Mapping[str, int]) -> Mapping[str, int]:
    """What runs, and no more."""
    return runs


def only(**most: int) -> Caps:
    """Return: so many of each pool, and never fewer than what runs."""
    return lambda runs: {name: max(runs[name], count) for name, count in most.items()}


def taken_back(pool: str, share: float) -> Caps:
    """Return: EC2 takes back this share of what runs in a pool."""
    return lambda runs: {pool: runs[pool] - round(share * runs[pool])}


def _read(snapshot: Snapshot, change: Callable[[MetricSeries], MetricSeries]) -> Snapshot:
    return replace(
        snapshot,
        signals={
            signal: {name: change(series) for name, series in read.items()}
            for signal, read in snapshot.signals.items()
        },
    )


def _before(since: int, series: MetricSeries) -> MetricSeries:
    return replace(series, points=tuple(point for point in series.points if point[0] < since))
