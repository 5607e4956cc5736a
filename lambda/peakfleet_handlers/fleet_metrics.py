"""What is read of CloudWatch for a fleet: by its tick, or by the reader that fleets share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from peakfleet_planner import FleetSpec, Metric, MetricSeries, ReportedBaseline
from peakfleet_planner.forecast import read_seconds
from peakfleet_planner.spec import IN_FLIGHT, TAKEN, sides_of, site_read

FAST_CLOCK_SECONDS: Final = 7200
"""So far ahead of its own time CloudWatch takes a value, such as a report of a fast clock."""
_OF_NO_AGE: Final = (IN_FLIGHT, TAKEN)
"""Nobody asks how old the newest value of these is: no value means that there was nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricGroup:
    """Metrics that say something together, and so must be of the same moment.

    Args:
        metrics: By query id.
        fresh_seconds: By query id, how old the newest value may be before the metric counts as
            silent. One whose age nobody asks for is missing.
    """

    metrics: Mapping[str, Metric]
    fresh_seconds: Mapping[str, int]

    @property
    def may_be_shared(self) -> bool:
        """Whether a reading of up to a minute ago is of use.

        It is not where values come by the second: they are there to decide by.
        """
        return not any(metric.is_fast for metric in self.metrics.values())

    def is_silent(self, series: Mapping[str, MetricSeries], now_epoch_seconds: int) -> bool:
        """Whether a metric would be taken for silent, at a time, by what was read."""
        ends = {
            query_id: series[query_id].points[-1][0] + self.metrics[query_id].period_seconds
            for query_id in self.fresh_seconds
            if series[query_id].points
        }
        return any(
            query_id not in ends or now_epoch_seconds - ends[query_id] > seconds
            for query_id, seconds in self.fresh_seconds.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetMetrics:
    """All that is read for a decision: which metrics, for how long back, how far ahead.

    Args:
        signals: Query ids by signal name and metric id.
        baseline: Query ids by what is read of the baseline.
        downstream: Query ids by downstream limit.
        groups: The metrics.
        history_seconds: How far back.
        ahead_seconds: How far ahead of now.
    """

    signals: Mapping[str, Mapping[str, str]]
    baseline: Mapping[str, str]
    downstream: Mapping[str, str]
    groups: tuple[MetricGroup, ...]
    history_seconds: int
    ahead_seconds: int

    @classmethod
    def of(cls, spec: FleetSpec) -> FleetMetrics:
        """Return what is read for a fleet."""
        signals = {
            signal.name: {metric_id: f"s{i}_m{j}" for j, metric_id in enumerate(signal.reads)}
            for i, signal in enumerate(spec.signals)
        }
        baseline = {name: f"b{i}" for i, name in enumerate(spec.baseline.reads)}
        downstream = {limit.name: f"d{i}" for i, limit in enumerate(spec.downstream)}
        groups = (
            *(
                _group(signals[one.name], one.reads, one.when_silent.after_seconds)
                for one in spec.signals
            ),
            _group(baseline, spec.baseline.reads, _fresh_of_sites(spec)),
            *(
                _group({one.name: downstream[one.name]}, {one.name: one.metric}, one.fresh_seconds)
                for one in spec.downstream
            ),
        )
        return cls(
            signals=signals,
            baseline=baseline,
            downstream=downstream,
            groups=tuple(group for group in groups if group.metrics),
            history_seconds=read_seconds(spec),
            ahead_seconds=FAST_CLOCK_SECONDS if baseline else 0,
        )


def metrics_of(groups: Iterable[MetricGroup]) -> dict[str, Metric]:
    """Return the metrics of groups by query id."""
    return dict(chain.from_iterable(group.metrics.items() for group in groups))


def _group(
    ids: Mapping[str, str], metrics: Mapping[str, Metric], fresh: int | Mapping[str, int]
) -> MetricGroup:
    judged = [name for name in metrics if name.rpartition("/")[2] not in _OF_NO_AGE]
    return MetricGroup(
        metrics={ids[name]: metric for name, metric in metrics.items()},
        fresh_seconds={
            ids[name]: fresh if isinstance(fresh, int) else fresh[name] for name in judged
        },
    )


def _fresh_of_sites(spec: FleetSpec) -> Mapping[str, int]:
    """Return how old a report may be, by what is read of the baseline."""
    return {
        (site_read(site, name) if site else name): side.fresh_seconds
        for site, side in sides_of(spec.baseline).items()
        if isinstance(side, ReportedBaseline)
        for name in side.reads
    }
