"""A queue as its counts tell it: how much work falls due by when.

Items leave in the order in which they came, so the age of all that is left follows from the
counts of the queue alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Final, NamedTuple

from peakfleet_planner.forecast import trailing_means
from peakfleet_planner.spec import IN_FLIGHT, MINUTE_SECONDS, WAITING, BacklogSignal, MetricSeries

Batches = Sequence[tuple[float, float]]
"""When work falls due, in seconds since 1970, and how much of it, in unit-seconds; oldest first."""

SPARE_SHARE: Final = 0.05
"""Share of the deadline that is not planned with: counts and seconds for an item are never exact,
and an error beyond it makes late, by a little, all work that waited as long as it might."""
_LATE_SAMPLES: Final = 2
_VANISHED_SHARE: Final = 0.5
_BELIEVED_AFTER: Final = 5
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
        waiting: Items that waited after each.
        in_flight: Items that were worked on after each; each keeps a unit busy.
        seconds_per_item: Seconds that a unit takes for an item.
        in_flight_seen: When the newest sample with a count of what is worked on ended, in seconds
            since 1970; 0 for none.
        has_long_items: Whether those are so many that a busy unit is no help to what waits.
        averaged_samples: Over how many samples a forecast averages what arrives. Default: one.
    """

    deadline_seconds: float
    period_seconds: int
    ends: tuple[int, ...]
    came: tuple[int, ...]
    arrived: tuple[float, ...]
    left: tuple[float, ...]
    waiting: tuple[float, ...]
    in_flight: tuple[float, ...]
    seconds_per_item: float
    has_long_items: bool
    in_flight_seen: int = 0
    averaged_samples: int = 1

    @property
    def arrivals(self) -> tuple[tuple[int, float], ...]:
        """Units that arriving work kept busy, averaged, by the start of each sample.

        Of the first sample nobody knows what of its work was there before.
        """
        paces = self.pace_units(self.averaged_samples, first=1)
        starts = (end - self.period_seconds for end in self.ends[1:])
        return tuple(zip(starts, paces, strict=True))

    @property
    def items(self) -> float:
        """Items there are: more units than these help nobody."""
        return self.waiting[-1] + self.in_flight[-1]

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
        items = self.waiting[sample] + self.in_flight[sample]
        if self.has_long_items:
            return min(items, self.units_for_long_items(self.ends[sample], sample=sample))
        needed = required_units(
            self.outstanding(sample),
            self.ends[sample],
            deadline_seconds=self.deadline_seconds,
            least_seconds=self.period_seconds,
        )
        return min(needed, items)

    def units_for_long_items(self, serves: float, *, sample: int = -1) -> float:
        """Return the units that start every long item in time.

        Each item that is worked on keeps its unit; one after the other of these becomes free.
        What they cannot start in time needs units of its own, each for one item after the other.

        Args:
            serves: When new units serve, in seconds since 1970.
            sample: What waits then. Default: now.
        """
        seconds = self.seconds_per_item
        index = range(len(self.ends))[sample]
        busy, missing = self.in_flight[index], self.waiting[index]
        batches: list[tuple[float, float]] = []
        while missing > 0 and index >= 0:  # what waits came last
            came = min(missing, self.arrived[index] / seconds) if index else missing
            if came > 0:
                batches.append((self.came[index] + self.deadline_seconds - seconds, came))
            missing -= came
            index -= 1
        started = more = 0.0
        for start_by, items in reversed(batches):
            started += items
            freed = self._freed(start_by, sample=sample)
            turns = 1 + max(0.0, start_by - serves) // seconds
            more = max(more, (started - freed) / turns)
        return busy + more

    def _freed(self, until: float, *, sample: int) -> float:
        """Return how many of the units that are busy after a sample are free before *until*.

        Items that were seen to begin end their seconds later, the others at any time.
        """
        index = range(len(self.ends))[sample]
        left, now, seconds = self.in_flight[index], self.ends[index], self.seconds_per_item
        freed = 0.0
        while left > 0 and index > 0 and self.ends[index] > now - seconds:
            begun = min(left, max(0.0, self.in_flight[index] - self.in_flight[index - 1]))
            if self.ends[index] + seconds <= until:
                freed += begun
            left -= begun
            index -= 1
        return freed + left * min(1.0, max(0.0, until - now) / seconds)

    def pace_units(self, samples: int, *, first: int = 0) -> tuple[float, ...]:
        """Return the units that arriving work kept busy, mean of so many samples up to each.

        Args:
            samples: So many.
            first: The first sample that counts. Default: all count.
        """
        means = trailing_means(self.arrived[first:], samples)
        return tuple(mean / self.period_seconds for mean in means)


def read_queue(
    signal: BacklogSignal, read: Mapping[str, MetricSeries], times: Iterable[int]
) -> Queue | None:
    """Return the queue behind the counts that were read; None if what is worked on is not known.

    An item that is worked on is half done on average, and keeps a unit busy all the while, so
    what came is what there is more of than before, and what was worked meanwhile. Of long items
    that says little: there, what came is what waits more than before, and what was begun.

    SQS counts what is in flight only while there is some: beside a count of what waits, a count
    that is missing is the last one for two more samples, as it may be late, and then 0. Counts
    are approximate: if more than half of the items vanished that nobody could have finished,
    the count is not believed before five in a row say so.

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
    if IN_FLIGHT not in signal.metrics:
        return None
    waiting, busy = (
        dict(read.get(metric_id, MetricSeries()).points) for metric_id in (WAITING, IN_FLIGHT)
    )
    period, seconds = signal.metrics[WAITING].period_seconds, signal.seconds_per_item
    counts: list[_Count] = []
    reported, in_flight, doubted = -inf, 0.0, 0
    times = [time for time in times if time in waiting]
    for time in times:
        if time in busy:
            reported, in_flight = time, busy[time]
        elif time > reported + _LATE_SAMPLES * period:
            in_flight = 0.0
        count = _Count(time + period, waiting[time], in_flight)
        if len(counts) > 1:
            least = min(_least_believed(one, count, seconds) for one in counts[-2:])
            doubted = doubted + 1 if count.items < least else 0
            if 0 < doubted < _BELIEVED_AFTER:
                if time < times[-1]:
                    continue
                count = count._replace(waiting=least - in_flight)
        counts.append(count)
        doubted = 0
    if not counts:
        return None
    is_long = signal.has_long_items
    return Queue(
        deadline_seconds=signal.finish_within_seconds - SPARE_SHARE * signal.drain_within_seconds,
        period_seconds=period,
        ends=tuple(count.end for count in counts),
        came=(counts[0].end, *(count.end + period for count in counts[:-1])),
        arrived=(
            counts[0].work(seconds),
            *(_arrived(one, after, seconds, is_long=is_long) for one, after in pairwise(counts)),
        ),
        left=tuple(count.work(seconds) for count in counts),
        waiting=tuple(count.waiting for count in counts),
        in_flight=tuple(count.in_flight for count in counts),
        seconds_per_item=seconds,
        has_long_items=is_long,
        averaged_samples=max(1, signal.averaged_minutes * MINUTE_SECONDS // period),
        in_flight_seen=int(reported) + period if reported > 0 else 0,
    )


class _Count(NamedTuple):
    """What a queue held when a sample ended."""

    end: int
    waiting: float
    in_flight: float

    @property
    def items(self) -> float:
        return self.waiting + self.in_flight

    def work(self, seconds: float) -> float:
        """Return the unit-seconds of work that are left."""
        return (self.waiting + self.in_flight / 2) * seconds


def _least_believed(before: _Count, count: _Count, seconds: float) -> float:
    """Return the fewest items that can be left of those before, give or take a half."""
    busy = max(before.in_flight, count.in_flight)
    finished = busy * (count.end - before.end) / seconds
    return (1 - _VANISHED_SHARE) * before.items - finished


def _arrived(before: _Count, count: _Count, seconds: float, *, is_long: bool) -> float:
    """Return the unit-seconds of work that came in a sample."""
    if is_long:
        begun = max(0.0, count.in_flight - before.in_flight)
        return max(0.0, count.waiting - before.waiting + begun) * seconds
    worked = count.in_flight * (count.end - before.end)
    return max(0.0, count.work(seconds) - before.work(seconds) + worked)


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
