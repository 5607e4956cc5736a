"""Fleets, demand and groups that the laws are tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from peakfleet_planner import (
    BaselineSpec,
    FixedBaseline,
    FleetSpec,
    Memory,
    Metric,
    MetricSeries,
    PaceSpec,
    Plan,
    PoolReading,
    PoolSpec,
    RateSignal,
    Snapshot,
    WhenSilent,
)

NOW = 1_800_000_000
STREAMS = Metric(namespace="Live", metric_name="Streams")
JOBS = Metric(namespace="AWS/SQS", metric_name="ApproximateNumberOfMessagesVisible")
REPORT = Metric(namespace="OnPrem", metric_name="HealthyUnits", statistic="Minimum")

demands = st.floats(min_value=0, max_value=1e5)
histories = st.lists(demands, min_size=1, max_size=70)
pools = st.builds(
    lambda units, maximum: (units, maximum),
    st.sampled_from([1.0, 2.5, 10.0, 16.0]),
    st.integers(min_value=1, max_value=500),
)
capacities = st.integers(min_value=0, max_value=500)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[PoolSpec, ...]:
    """One to three pools."""
    drawn = draw(st.lists(pools, min_size=1, max_size=3))
    return tuple(
        PoolSpec(name=f"p{i}", group=f"asg-{i}", units_per_capacity=units, max_capacity=maximum)
        for i, (units, maximum) in enumerate(drawn)
    )


@st.composite
def fleets(draw: st.DrawFn) -> FleetSpec:
    """A fleet on one live signal."""
    ladder = draw(ladders())
    largest = max(pool.units_per_capacity for pool in ladder)
    return fleet(
        pools=ladder,
        baseline=FixedBaseline(units=draw(demands)),
        pace=PaceSpec(
            out_units=draw(st.floats(min_value=largest, max_value=1e6)),
            in_units=draw(st.floats(min_value=largest, max_value=1e6)),
        ),
    )


def fleet(
    *,
    pools: tuple[PoolSpec, ...] = (
        PoolSpec(name="p0", group="asg-0", units_per_capacity=10, max_capacity=100),
    ),
    baseline: BaselineSpec | None = None,
    pace: PaceSpec | None = None,
    when_silent: WhenSilent | None = None,
    plausible_max: float | None = None,
) -> FleetSpec:
    """Return a fleet on one live signal named `streams`."""
    return FleetSpec(
        fleet="Media/Live",
        pools=pools,
        signals=(
            RateSignal(
                name="streams",
                metrics={"m": STREAMS},
                expression="m",
                when_silent=when_silent or WhenSilent(),
                plausible_max=plausible_max,
            ),
        ),
        baseline=baseline or FixedBaseline(units=100),
        pace=pace or PaceSpec(),
    )


def series(values: Sequence[float], *, age_minutes: int = 1) -> MetricSeries:
    """Return one value a minute, the last of them *age_minutes* old."""
    last = NOW - 60 * age_minutes
    first = last - 60 * (len(values) - 1)
    return MetricSeries(points=tuple((first + 60 * i, value) for i, value in enumerate(values)))


def seen(
    spec: FleetSpec, capacity: Sequence[int] = (), *, in_service: Sequence[int] | None = None
) -> tuple[PoolReading, ...]:
    """Return the groups with these desired capacities within their bounds, 0 by default."""
    wanted = [*capacity, *[0] * len(spec.pools)]
    serving = wanted if in_service is None else [*in_service, *[0] * len(spec.pools)]
    return tuple(
        PoolReading(
            name=pool.name,
            desired_capacity=min(wanted[i], pool.max_capacity),
            in_service_capacity=min(serving[i], pool.max_capacity),
            min_capacity=pool.min_capacity,
            max_capacity=pool.max_capacity,
        )
        for i, pool in enumerate(spec.pools)
    )


def snapshot(
    spec: FleetSpec,
    values: Sequence[float],
    capacity: Sequence[int] = (),
    *,
    age_minutes: int = 1,
    memory: Memory | None = Memory(),  # noqa: B008  frozen
) -> Snapshot:
    """Return a snapshot of a fleet on one live signal."""
    return Snapshot(
        now_epoch_seconds=NOW,
        signals={"streams": {"m": series(values, age_minutes=age_minutes)}},
        pools=seen(spec, capacity),
        memory=memory,
    )


def units(plan: Plan) -> float:
    """Return what all pools of a plan supply."""
    return sum(pool.units for pool in plan.pools)


def sizes(plan: Plan) -> list[int]:
    """Return the desired capacities of a plan, in ladder order."""
    return [pool.desired_capacity for pool in plan.pools]


def scaled(spec: FleetSpec, factor: float) -> FleetSpec:
    """Return the same fleet with every unit worth *factor* of itself."""
    assert isinstance(spec.baseline, FixedBaseline)
    return replace(
        spec,
        pools=tuple(
            replace(p, units_per_capacity=p.units_per_capacity * factor) for p in spec.pools
        ),
        baseline=replace(spec.baseline, units=spec.baseline.units * factor),
        pace=PaceSpec(out_units=spec.pace.out_units * factor, in_units=spec.pace.in_units * factor),
    )
