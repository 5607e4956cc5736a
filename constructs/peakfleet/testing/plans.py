"""What a stack will decide at a demand: its specifications, snapshots, and the decision."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isclose

from aws_cdk.assertions import Template

from peakfleet.control_plane import SCHEDULED_TIME, readable
from peakfleet_planner import (
    WAITING,
    BacklogSignal,
    FleetSpec,
    Memory,
    MetricSeries,
    Plan,
    PoolReading,
    SharedSpend,
    Signal,
    Snapshot,
    SpecError,
    SpotPrices,
    decide,
)
from peakfleet_planner.spec import MINUTE_SECONDS, reports_of

NOW_EPOCH_SECONDS = 1_800_000_000
"""When the ticks of `snapshot_at` happen: 2027-01-15T08:00:00Z."""
_MINUTES = 60


def fleet_specs(template: Template) -> dict[str, FleetSpec]:
    """Return what the schedules of a stack will send, by the name of the fleet.

    Names that only the deployment knows are replaced by the logical ids of their resources.

    Args:
        template: Of a stack with fleets.
    """
    specs = {}
    for schedule in template.find_resources("AWS::Scheduler::Schedule").values():
        sent = json.loads(readable(schedule["Properties"]["Target"].get("Input", "null")))
        if (
            isinstance(sent, dict)
            and sent.get("scheduled_time") == SCHEDULED_TIME
            and "spec" in sent  # a training fleet's has another kind
        ):
            spec = FleetSpec.from_json(sent["spec"])
            specs[spec.fleet] = spec
    return specs


def snapshot_at(
    spec: FleetSpec,
    *,
    demand_units: float | Sequence[float],
    baseline_units: float | None = None,
    desired: Mapping[str, int] | None = None,
    in_service: Mapping[str, int] | None = None,
    memory: Memory | None = None,
) -> Snapshot:
    """Return a snapshot in which every signal asks for the same demand.

    Args:
        spec: The fleet.
        demand_units: Demand in units: one number for a steady hour, or one number for each
            period of the signals, of a minute at least, oldest first.
        baseline_units: What a reported baseline reports, all its sites in the same proportion.
            Default: what it declares.
        desired: Capacity that each pool is asked to run. Default: its minimum.
        in_service: Capacity of each pool that serves. Default: what it is asked to run.
        memory: What the fleet remembers. Default: nothing, from a readable state table.

    Raises:
        SpecError: No metric values make a signal ask for that much.
    """
    history = (
        (demand_units,) * _MINUTES if isinstance(demand_units, int | float) else tuple(demand_units)
    )
    desired = desired or {}
    in_service = in_service or {}
    reported = 1.0
    if baseline_units is not None and spec.baseline.reads:
        reported = baseline_units / spec.baseline.declared_units
    baseline = {
        name: _series((value,) * len(history), spec.baseline.reads[name].period_seconds)
        for name, value in reports_of(spec.baseline, reported).items()
    }
    return Snapshot(
        now_epoch_seconds=NOW_EPOCH_SECONDS,
        signals={
            signal.name: {
                metric_id: _series(
                    [_value(signal, units, spec.lead_seconds) for units in history],
                    signal.metrics[metric_id].period_seconds,
                )
                for metric_id in _asking(signal)
            }
            for signal in spec.signals
        },
        baseline=baseline,
        pools=tuple(
            PoolReading(
                name=pool.name,
                desired_capacity=desired.get(pool.name, pool.min_capacity),
                in_service_capacity=in_service.get(
                    pool.name, desired.get(pool.name, pool.min_capacity)
                ),
                min_capacity=pool.min_capacity,
                max_capacity=pool.max_capacity,
            )
            for pool in spec.pools
        ),
        memory=memory or Memory(spot_prices=SpotPrices.declared(spec, NOW_EPOCH_SECONDS)),
        shared_spend={
            limit.shared: SharedSpend(since_epoch_seconds=0)  # of which nobody else has anything
            for limit in spec.spend_limits
            if limit.shared
        },
    )


def plan_at(
    spec: FleetSpec,
    *,
    demand_units: float | Sequence[float],
    baseline_units: float | None = None,
    desired: Mapping[str, int] | None = None,
    in_service: Mapping[str, int] | None = None,
    memory: Memory | None = None,
) -> Plan:
    """Return what the fleet would decide at that demand: the production decision itself.

    Args:
        spec: The fleet.
        demand_units: Demand in units, see `snapshot_at`.
        baseline_units: What a reported baseline reports, all its sites in the same proportion.
            Default: what it declares.
        desired: Capacity that each pool is asked to run. Default: its minimum.
        in_service: Capacity of each pool that serves. Default: what it is asked to run.
        memory: What the fleet remembers. Default: nothing, from a readable state table.

    Raises:
        SpecError: No metric values make a signal ask for that much.
    """
    return decide(
        spec,
        snapshot_at(
            spec,
            demand_units=demand_units,
            baseline_units=baseline_units,
            desired=desired,
            in_service=in_service,
            memory=memory,
        ),
    )


def _series(values: Sequence[float], period_seconds: int) -> MetricSeries:
    step = max(period_seconds, MINUTE_SECONDS)
    first = NOW_EPOCH_SECONDS - len(values) * step
    newest = range(NOW_EPOCH_SECONDS - step, NOW_EPOCH_SECONDS - period_seconds, period_seconds)
    return MetricSeries(
        points=tuple((first + i * step, value) for i, value in enumerate(values)),
        newest=tuple((time, values[-1]) for time in newest),
    )


def _asking(signal: Signal) -> tuple[str, ...]:
    """Return the metrics through which demand is put in: for a backlog, what is waiting."""
    return (WAITING,) if isinstance(signal, BacklogSignal) else tuple(signal.metrics)


def _value(signal: Signal, units: float, lead_seconds: float) -> float:
    """Return the value of all asking metrics at which a signal asks for *units*."""

    def asked(value: float) -> float:
        answer = signal.units(dict.fromkeys(_asking(signal), value), lead_seconds)
        return float("nan") if answer is None else answer

    at_zero, at_one = asked(0.0), asked(1.0)
    value = (units - at_zero) / (at_one - at_zero) if at_one != at_zero else 0.0
    if not isclose(asked(value), units, rel_tol=1e-9, abs_tol=1e-9):
        raise SpecError(
            f"signal '{signal.name}': no common value of its metrics asks for {units:g} units; "
            f"make the snapshot by hand"
        )
    return value
