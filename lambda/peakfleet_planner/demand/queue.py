"""A queue as its counts tell it: how much work falls due by when.

Items leave in the order in which they came, so the age of all that is left follows from the
counts of the queue alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from peakfleet_planner.spec import IN_FLIGHT, WAITING, BacklogSignal, MetricSeries

Batches = Sequence[tuple[float, float]]
"""When work falls due, in seconds since 1970, and how much of it, in unit-seconds; oldest first."""

SPARE_SHARE: Final = 0.05
"""Share of the deadline that is not planned with: counts and seconds for an item are never exact,
and an error beyond it makes late, by a little, all work that waited as long as it might."""
_NOTHING: Final = 1e-9
"""Share of all that is left that is only what remains of floating point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue as its counts tell it, sample by sample, the newest last.

    Args:
        deadline_seconds: How long work may take, less what is spared.
        period_seconds: Length of a sample.
        ends: When each sample ended, in seconds since 1970.
        came: When the work of each sample came at the earliest.
        arrived: Unit-seconds of work that came in each sample.
        left: Unit-seconds of work that were left after each.
    """

    deadline_seconds: float
    period_seconds: int
    ends: tuple[int, ...]
    came: tuple[int, ...]
    arrived: tuple[float, ...]
    left: tuple[float, ...]

    def outstanding(self, sample: int = -1) -> list[tuple[float, float]]:
        """Return what was left after a sample; what is older than all samples is due by then."""
        index = range(len(self.ends))[sample]
        missing = self.left[index]
        batches: list[tuple[float, float]] = []
        least = _NOTHING * missing
        while missing > least and index >= 0:
            work = min(missing, self.arrived[index])
            if work > 0:
                batches.append((self.came[index] + self.deadline_seconds, work))
            missing -= work
            index -= 1
        if missing > least:
            batches.append((self.came[0], missing))
        return batches[::-1]

    def units(self, sample: int = -1) -> float:
        """Return the units that would have finished in time what was left after a sample."""
        return required_units(
            self.outstanding(sample),
            self.ends[sample],
            deadline_seconds=self.deadline_seconds,
            least_seconds=self.period_seconds,
        )

    def pace_units(self, samples: int) -> tuple[float, ...]:
        """Return the units that arriving work kept busy, mean of so many samples up to each."""
        sums = [0.0, *accumulate(self.arrived)]
        return tuple(
            (sums[end] - sums[max(0, end - samples)]) / (min(end, samples) * self.period_seconds)
            for end in range(1, len(sums))
        )


def read_queue(
    signal: BacklogSignal, read: Mapping[str, MetricSeries], times: Iterable[int]
) -> Queue | None:
    """Return the queue behind the counts that were read; None if what is worked on is not known.

    An item that is worked on is half done on average, and keeps a unit busy all the while, so
    what came is what there is more of than before, and what was worked meanwhile.

    Args:
        signal: Seconds and deadline.
        read: Item counts, by metric id.
        times: Starts of the samples that can be true, oldest first.

    >>> from peakfleet_planner import Metric
    >>> sqs = Metric(namespace="AWS/SQS", metric_name="Messages")
    >>> signal = BacklogSignal(
    ...     name="jobs", metrics={"waiting": sqs, "in_flight": sqs}, seconds_per_item=60,
    ...     drain_within_seconds=600,
    ... )
    >>> busy = MetricSeries(points=((0, 2.0), (60, 2.0)))
    >>> waiting = MetricSeries(points=((0, 0.0), (60, 7.0)))
    >>> queue = read_queue(signal, {"waiting": waiting, "in_flight": busy}, (0, 60))
    >>> queue.arrived[-1] / 60, queue.outstanding()
    (9.0, [(690.0, 480.0)])
    """
    waiting, busy = (
        dict(read.get(metric_id, MetricSeries()).points) for metric_id in (WAITING, IN_FLIGHT)
    )
    known = [time for time in times if time in waiting and time in busy]
    if not known:
        return None
    period = signal.metrics[WAITING].period_seconds
    came: list[int] = []
    arrived: list[float] = []
    left: list[float] = []
    since = known[0]
    for time in known:
        work = (waiting[time] + busy[time] / 2) * signal.seconds_per_item
        worked = busy[time] * (time + period - since)
        arrived.append(max(0.0, work - left[-1] + worked) if left else work)
        came.append(since + period)
        left.append(work)
        since = time + period
    return Queue(
        deadline_seconds=signal.drain_within_seconds * (1 - SPARE_SHARE),
        period_seconds=period,
        ends=tuple(time + period for time in known),
        came=tuple(came),
        arrived=tuple(arrived),
        left=tuple(left),
    )


def required_units(
    batches: Batches, start: float, *, deadline_seconds: float, least_seconds: float
) -> float:
    """Return the units that, from *start* on, finish all work by the time it falls due.

    What is late already goes first, for that is the order of a queue, but nothing is gained by
    a hurry: alone, it has as long as new work has.

    Args:
        batches: The work.
        start: When these units begin, in seconds since 1970.
        deadline_seconds: How long new work may take.
        least_seconds: A shorter time than this does not ask for more units.

    >>> required_units([(50, 100), (200, 700)], 100, deadline_seconds=300, least_seconds=60)
    8.0
    """
    most = due_work = 0.0
    for due, work in batches:
        due_work += work
        if due > start:
            most = max(most, due_work / max(due - start, least_seconds))
    return max(most, due_work / max(deadline_seconds, least_seconds))
