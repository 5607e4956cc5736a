"""The demand that is learned: one series of a fleet, in units by the minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from peakfleet_planner.demand.queue import read_queue
from peakfleet_planner.demand.samples import Points, Samples, largest, read_samples, total
from peakfleet_planner.forecast import learned_queues, learned_signals
from peakfleet_planner.snapshot import SignalMemory
from peakfleet_planner.spec import BacklogSignal, FleetSpec, MetricSeries, Signal


def learned_demand(
    spec: FleetSpec,
    read: Mapping[str, Mapping[str, MetricSeries]],
    now: int,
    *,
    memory: Mapping[str, SignalMemory] | None = None,
) -> Points:
    """Return the demand of a fleet as a forecast takes it, oldest first.

    Of several live signals that is the largest request, as the fleet combines them, whether or not
    it has queues as well. Of queues it is what arrives, each averaged over half of the time that
    its work may take: in all of them if they share their workers, else the most. Samples become
    units, and are rejected, by the rules of the tick.

    Args:
        spec: The fleet.
        read: What was read of each signal, by metric id.
        now: Epoch seconds of the decision.
        memory: What is remembered of each signal. Default: nothing.
    """
    memory, found = memory or {}, []
    for signal in learned_signals(spec):
        seen, lead_seconds = read.get(signal.name, {}), spec.lead_seconds_of(signal)
        samples = read_samples(signal, seen, now, lead_seconds, memory.get(signal.name))
        found.append(_of_one(signal, seen, samples))
    return combined_demand(spec, found)


def combined_demand(spec: FleetSpec, demands: Sequence[Points]) -> Points:
    """Return the demands of the learned signals as one, as the fleet combines them."""
    adds = bool(learned_queues(spec)) and spec.queues_share_workers
    return total(demands) if adds else largest(demands)


def _of_one(signal: Signal, read: Mapping[str, MetricSeries], samples: Samples) -> Points:
    if not isinstance(signal, BacklogSignal):
        return samples.points
    queue = read_queue(signal, read, (time for time, _ in samples.points))
    return queue.arrivals if queue else ()
