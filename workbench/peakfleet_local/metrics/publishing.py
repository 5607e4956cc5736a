"""Which metric values make a fleet see a given demand: its specification, read backwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose

from peakfleet_local.metrics.store import MINUTE_SECONDS
from peakfleet_planner import BacklogSignal, FleetSpec, Metric, RateSignal
from peakfleet_planner.spec import arithmetic, reports_of, sides_of

_STATISTICS = re.compile(r"Average|Minimum|Maximum|Sum|p\d+(\.\d+)?")


class ReplayError(Exception):
    """A fleet that cannot be replayed; the message says why and what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datapoint:
    """One value to publish.

    Args:
        metric: Where it belongs.
        epoch_seconds: Start of the period it describes, in seconds since 1970 (UTC).
        value: The value, in the metric's own unit.
    """

    metric: Metric
    epoch_seconds: int
    value: float


def value_for_units(signal: RateSignal, units: float) -> float:
    """Return the value that makes *signal* ask for *units* when all its metrics have it.

    The expression is evaluated at 0 and at 1 and taken to be a straight line, which is then
    checked at the result.

    >>> streams = Metric(namespace="Live", metric_name="Streams")
    >>> signal = RateSignal(
    ...     name="s", metrics={"a": streams, "b": streams}, expression="(a + b) / 4"
    ... )
    >>> value_for_units(signal, 30)
    60.0

    Raises:
        ReplayError: The expression does not follow its metrics in a straight line.
    """
    wanted = units / signal.units_per_value
    offset, at_one = (_evaluate(signal, value) for value in (0.0, 1.0))
    if offset is not None and at_one is not None and at_one != offset:
        value = (wanted - offset) / (at_one - offset)
        reached = _evaluate(signal, value)
        if reached is not None and isclose(reached, wanted, rel_tol=1e-6, abs_tol=1e-6):
            return value
    raise ReplayError(
        f"signal '{signal.name}': no equal value of {', '.join(sorted(signal.metrics))} makes "
        f"{signal.expression!r} {wanted:g}; a replay needs an expression that is a straight line "
        "in them"
    )


def demand_datapoints(
    spec: FleetSpec, epoch_seconds: int, demand_units: float
) -> Iterator[Datapoint]:
    """Yield what the rate signals of *spec* read of one minute with this demand."""
    for signal in spec.signals:
        if isinstance(signal, RateSignal):
            value = value_for_units(signal, demand_units)
            for metric in _distinct(signal.metrics.values()):
                yield from _over_minute(metric, epoch_seconds, value)


def past_datapoints(
    spec: FleetSpec, start_epoch_seconds: int, demand_units: Sequence[float]
) -> Iterator[Datapoint]:
    """Yield what the rate signals of *spec* would have read of many minutes, one value a minute.

    A period below a minute is read by the minute after three hours, as AWS keeps it.
    """
    for signal in spec.signals:
        if isinstance(signal, RateSignal):
            for metric in _distinct(signal.metrics.values()):
                periods = max(1, MINUTE_SECONDS // metric.period_seconds)
                times = periods if metric.statistic == "Sum" else 1
                for index, units in enumerate(demand_units):
                    yield Datapoint(
                        metric=metric,
                        epoch_seconds=start_epoch_seconds + MINUTE_SECONDS * index,
                        value=times * value_for_units(signal, units),
                    )


def backlog_datapoints(
    spec: FleetSpec, epoch_seconds: int, counts: Mapping[str, float]
) -> Iterator[Datapoint]:
    """Yield what the backlog signals of *spec* read of a queue with these item counts.

    Args:
        spec: The fleet.
        epoch_seconds: When the minute begins.
        counts: Items by the metric id that counts them.
    """
    for signal in spec.signals:
        if isinstance(signal, BacklogSignal):
            for metric_id, metric in signal.metrics.items():
                yield from _over_minute(metric, epoch_seconds, counts[metric_id])


def baseline_datapoints(
    spec: FleetSpec, epoch_seconds: int, told: Callable[[str], float | None] = lambda _: 1.0
) -> Iterator[Datapoint]:
    """Yield what the on-premises side reports, as far as the fleet reads it.

    Args:
        spec: The fleet.
        epoch_seconds: Of which minute.
        told: The healthy share that a site reports, by its name; None reports nothing. Default:
            all is well.
    """
    for site, side in sides_of(spec.baseline).items():
        if (share := told(site)) is None:
            continue
        for name, value in reports_of(side, share).items():
            yield from _over_minute(side.reads[name], epoch_seconds, value)


def _evaluate(signal: RateSignal, value: float) -> float | None:
    return arithmetic.evaluate(signal.expression, dict.fromkeys(signal.metrics, value))


def _distinct(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """Return each metric once, whatever its statistic: a `Sum` published twice reads double."""
    named = {
        (metric.namespace, metric.metric_name, *sorted(metric.dimensions.items())): metric
        for metric in metrics
    }
    return tuple(named.values())


def _over_minute(metric: Metric, epoch_seconds: int, value: float) -> Iterator[Datapoint]:
    """Yield the datapoints of a minute whose statistic over each period is *value*."""
    if not _STATISTICS.fullmatch(metric.statistic):
        raise ReplayError(
            f"metric '{metric.namespace}/{metric.metric_name}': a replay can publish what is "
            "read as Average, Minimum, Maximum, Sum or a percentile such as p99, "
            f"got statistic {metric.statistic}"
        )
    if metric.statistic == "Sum" and metric.period_seconds > MINUTE_SECONDS:
        value = value * MINUTE_SECONDS / metric.period_seconds
    step = min(metric.period_seconds, MINUTE_SECONDS)
    for offset in range(0, MINUTE_SECONDS, step):
        yield Datapoint(metric=metric, epoch_seconds=epoch_seconds + offset, value=value)
