"""Work that meets capacity: live work is served at once or lost, a backlog has a deadline."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from peakfleet_planner import IN_FLIGHT, WAITING
from peakfleet_planner.spec import finish_within_seconds
from peakfleet_sim.demand import DemandError
from peakfleet_sim.world.world import SECONDS_PER_MINUTE, Minute

DEMAND: Final = "demand"
"""Metric id of live demand, in units."""
_NOTHING: Final = 1e-9
"""Items below this are what is left of floating point, not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMinute:
    """One minute of live work, in units.

    Args:
        burst: Demand above the baseline.
        served: Demand that baseline and cloud served.
        unserved: Demand that nobody served.
    """

    burst: float
    served: float
    unserved: float


@dataclass(slots=True, kw_only=True)
class Live:
    """Live work above a baseline. Nothing waits: what finds no capacity is unserved.

    Args:
        baseline_units: Units that the on-premises side carries.
        cloud_share: Share of demand that the cloud is sent, whatever it can serve; the baseline
            gets the rest. Default: each side gets what it can serve.

    >>> Live(baseline_units=100).step(demand_units=130, cloud_units=20)
    LiveMinute(burst=30, served=120, unserved=10)
    >>> Live(baseline_units=100, cloud_share=0.5).step(demand_units=130, cloud_units=20)
    LiveMinute(burst=30, served=85.0, unserved=45.0)
    """

    baseline_units: float
    cloud_share: float | None = None

    def step(self, *, demand_units: float, cloud_units: float) -> LiveMinute:
        """Serve *demand_units* with the baseline and *cloud_units* for one minute."""
        burst = max(0.0, demand_units - self.baseline_units)
        unserved = max(0.0, burst - cloud_units)
        if self.cloud_share is not None:
            sent = demand_units * self.cloud_share
            own = demand_units - sent
            unserved = max(0.0, sent - cloud_units) + max(0.0, own - self.baseline_units)
        return LiveMinute(burst=burst, served=demand_units - unserved, unserved=unserved)

    @property
    def metric_ids(self) -> tuple[str, ...]:
        """What live work is watched by."""
        return (DEMAND,)

    def step_units(self, demand_units: float, cloud_units: float) -> Minute:
        """Serve one minute for a replay."""
        minute = self.step(demand_units=demand_units, cloud_units=cloud_units)
        return Minute(
            burst_units=minute.burst,
            unserved_units=minute.unserved,
            due_units=minute.burst,
            metrics={DEMAND: demand_units},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogMinute:
    """One minute of a queue, in items.

    Args:
        served: Items finished in this minute.
        late: Items that passed their deadline unfinished in this minute; they stay in the
            queue and are finished later.
        due: Items whose deadline ended with this minute.
        waiting: Items in the queue at the end of the minute.
        in_flight: Items being worked on, on average over the minute.
    """

    served: float
    late: float
    due: float
    waiting: float
    in_flight: float


@dataclass(slots=True, kw_only=True)
class Backlog:
    """A queue in fluid form: items are a quantity, not objects.

    Every unit, on-premises or cloud, finishes one item in `seconds_per_item`. Items leave in
    the order in which they came. What arrives in minute t may be finished in minutes t to
    t + `deadline_minutes`; what is left then is late, and is done all the same.

    Args:
        seconds_per_item: Seconds in which one unit finishes one item.
        deadline_seconds: How long an item may take, in whole minutes rounded down.

    Limitations:
        A unit that leaves hands its work on without loss.

    >>> queue = Backlog(seconds_per_item=30, deadline_seconds=60)
    >>> queue.step(arrivals_items=10, units=2)
    BacklogMinute(served=4.0, late=0.0, due=0.0, waiting=6.0, in_flight=2.0)
    >>> queue.step(arrivals_items=0, units=2)
    BacklogMinute(served=4.0, late=2.0, due=10, waiting=2.0, in_flight=2.0)
    """

    seconds_per_item: float
    deadline_seconds: float
    _arrived: deque[float] = field(init=False, default_factory=deque)
    _left: deque[float] = field(init=False, default_factory=deque)
    _overdue: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        """Refuse work that takes no time."""
        if not self.seconds_per_item > 0:
            raise DemandError(
                f"backlog: seconds_per_item must be above 0, got {self.seconds_per_item:g}"
            )
        if not self.deadline_seconds >= 0:
            raise DemandError(
                f"backlog: deadline_seconds must be at least 0, got {self.deadline_seconds:g}"
            )

    @property
    def deadline_minutes(self) -> int:
        """Whole minutes within the deadline."""
        return int(self.deadline_seconds // SECONDS_PER_MINUTE)

    @property
    def waiting(self) -> float:
        """Items in the queue."""
        return self._overdue + sum(self._left)

    def step(self, *, arrivals_items: float, units: float) -> BacklogMinute:
        """Let *arrivals_items* come and *units* work for one minute."""
        self._arrived.append(arrivals_items)
        self._left.append(arrivals_items)
        served = self._serve(units * SECONDS_PER_MINUTE / self.seconds_per_item)
        late = due = 0.0
        if len(self._left) > self.deadline_minutes:
            due, late = self._arrived.popleft(), self._left.popleft()
            self._overdue += late
        return BacklogMinute(
            served=served,
            late=late,
            due=due,
            waiting=self.waiting,
            in_flight=served * self.seconds_per_item / SECONDS_PER_MINUTE,
        )

    def abandon_overdue(self) -> float:
        """Take what is late out of the queue, and return how many items that was."""
        overdue, self._overdue = self._overdue, 0.0
        return overdue

    def _serve(self, able: float) -> float:
        taken = min(able, self._overdue)
        self._overdue -= taken
        for age, left in enumerate(self._left):
            if taken >= able:
                break
            part = min(able - taken, left)
            rest = left - part
            self._left[age] = rest if rest > _NOTHING else 0.0
            taken += part
        return taken


@dataclass(slots=True, kw_only=True)
class _Cohort:
    """Long items that came in one minute and are equally far."""

    came: int
    items: float
    minutes_left: float


@dataclass(slots=True, kw_only=True)
class LongItems:
    """A queue of items that each keep one unit busy for many minutes, and nobody shares.

    Items begin in the order in which they came, one for each free unit; an item whose unit leaves
    goes on later from where it was, before new ones.

    Args:
        seconds_per_item: Seconds in which one unit finishes one item.
        deadline_seconds: How long an item may take, in whole minutes rounded down.

    >>> queue = LongItems(seconds_per_item=120, deadline_seconds=180)
    >>> queue.step(arrivals_items=3, units=2)
    BacklogMinute(served=0.0, late=0.0, due=0.0, waiting=2.0, in_flight=2.0)
    >>> queue.step(arrivals_items=0, units=9)
    BacklogMinute(served=2.0, late=0.0, due=0.0, waiting=1.5, in_flight=3.0)
    """

    seconds_per_item: float
    deadline_seconds: float
    _minute: int = field(init=False, default=-1)
    _arrived: deque[float] = field(init=False, default_factory=deque)
    _waiting: deque[_Cohort] = field(init=False, default_factory=deque)
    _begun: deque[_Cohort] = field(init=False, default_factory=deque)

    def step(self, *, arrivals_items: float, units: float) -> BacklogMinute:
        """Let *arrivals_items* come and *units* work for one minute."""
        self._minute += 1
        self._arrived.append(arrivals_items)
        if arrivals_items > _NOTHING:
            minutes = self.seconds_per_item / SECONDS_PER_MINUTE
            self._waiting.append(
                _Cohort(came=self._minute, items=arrivals_items, minutes_left=minutes)
            )
        worked, idle = deque[_Cohort](), deque[_Cohort]()
        free = units
        for queue in (self._begun, self._waiting):
            while queue and free > _NOTHING:
                cohort = queue.popleft()
                if cohort.items > free:
                    rest = replace(cohort, items=cohort.items - free)
                    queue.appendleft(rest)
                    cohort.items = free
                free -= cohort.items
                cohort.minutes_left -= 1
                worked.append(cohort)
        idle.extend(self._begun)
        done = sum(cohort.items for cohort in worked if cohort.minutes_left <= _NOTHING)
        in_flight = sum(cohort.items for cohort in worked)
        self._begun = deque(cohort for cohort in (*idle, *worked) if cohort.minutes_left > _NOTHING)
        late = due = 0.0
        deadline = int(self.deadline_seconds // SECONDS_PER_MINUTE)
        if len(self._arrived) > deadline:
            due = self._arrived.popleft()
            overdue = self._minute - deadline
            late = sum(c.items for c in (*self._begun, *self._waiting) if c.came == overdue)
        waiting = sum(cohort.items for cohort in self._waiting)
        return BacklogMinute(
            served=float(done),
            late=float(late),
            due=due,
            waiting=waiting + in_flight / 2,
            in_flight=float(in_flight),
        )

    def abandon_overdue(self) -> float:
        """Take what is late out of the queue, and return how many items that was."""
        last = self._minute - int(self.deadline_seconds // SECONDS_PER_MINUTE)
        overdue = sum(c.items for c in (*self._begun, *self._waiting) if c.came <= last)
        self._begun = deque(cohort for cohort in self._begun if cohort.came > last)
        self._waiting = deque(cohort for cohort in self._waiting if cohort.came > last)
        return overdue


@dataclass(slots=True, kw_only=True)
class BacklogWork:
    """A queue that on-premises and cloud units drain together, for a replay.

    Its burst is what the on-premises units alone could not finish by the deadline, were the
    cloud to do exactly that much. Its metrics are those of a queue that hides what is worked on:
    of each such item half is done on average, the other half is not seen to wait.

    Args:
        seconds_per_item: As in `Backlog`.
        deadline_seconds: How long an item may wait, see `finish_within_seconds`.
        baseline_units: Units that the on-premises side works with.
    """

    seconds_per_item: float
    deadline_seconds: float
    baseline_units: float
    _queue: Backlog | LongItems = field(init=False)
    _baseline_alone: Backlog | LongItems = field(init=False)

    def __post_init__(self) -> None:
        """Start with empty queues."""
        within_seconds = finish_within_seconds(self.seconds_per_item, self.deadline_seconds)
        kind = LongItems if within_seconds > self.deadline_seconds else Backlog
        self._queue, self._baseline_alone = (
            kind(seconds_per_item=self.seconds_per_item, deadline_seconds=within_seconds)
            for _ in range(2)
        )

    @property
    def metric_ids(self) -> tuple[str, ...]:
        """What a queue is watched by."""
        return (WAITING, IN_FLIGHT)

    def step_units(self, demand_units: float, cloud_units: float) -> Minute:
        """Let the items come that keep *demand_units* busy for a minute, and work on them."""
        units_per_item = self.seconds_per_item / SECONDS_PER_MINUTE
        arrivals = demand_units / units_per_item
        minute = self._queue.step(arrivals_items=arrivals, units=self.baseline_units + cloud_units)
        self._baseline_alone.step(arrivals_items=arrivals, units=self.baseline_units)
        return Minute(
            burst_units=self._baseline_alone.abandon_overdue() * units_per_item,
            unserved_units=minute.late * units_per_item,
            due_units=minute.due * units_per_item,
            metrics={
                WAITING: max(0.0, minute.waiting - minute.in_flight / 2),
                IN_FLIGHT: minute.in_flight,
            },
        )
