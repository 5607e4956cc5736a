"""Assertions that several scenarios share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from peakfleet_demo.scenarios.measurements import NOTHING_UNITS, Measurements
from peakfleet_demo.scenarios.scenario import Assertion
from peakfleet_planner import Reason
from peakfleet_planner.spec import TROUBLES

MOST_ASKS_PER_HOUR: Final = 10


def nothing_missing(m: Measurements, *, first: int = 0, last: int | None = None) -> Assertion:
    """Everything above the baseline is served in time."""
    return missing_at_most(m, minutes=0, first=first, last=last)


def fault_adds_nothing(m: Measurements) -> Assertion:
    """As much is served as without the fault."""
    missing, without = sum(m.missing_units), sum(m.missing_units_without_fault)
    return Assertion(
        text="as much is served as without the fault",
        measured=f"{missing:,.0f} unit-minutes are missing, {without:,.0f} without the fault",
        passed=missing <= without + NOTHING_UNITS,
    )


def missing_at_most(
    m: Measurements, *, minutes: int, first: int = 0, last: int | None = None
) -> Assertion:
    """Units are missing in at most so many minutes."""
    missing = m.missing_units[first:last]
    count = m.missing_minutes(first, last)
    bound = f"in at most {minutes} minutes" if minutes else "never"
    when = f" from minute {first}" if first else ""
    when += f" to minute {last}" if last is not None else ""
    return Assertion(
        text=f"units are missing {bound}{when}",
        measured=f"{count} minutes, {sum(missing):,.0f} unit-minutes, at worst "
        f"{max(missing):,.0f} units",
        passed=count <= minutes,
    )


def nothing_busy_lost(m: Measurements, *, besides: Collection[str] = ()) -> Assertion:
    """No busy instance is ended, except those in *besides*, which EC2 took."""
    own = [one for one in m.endings if one.instance_id not in besides]
    busy = sum(one.busy for one in own)
    whose = "that EC2 did not take " if besides else ""
    return Assertion(
        text=f"no busy machine {whose}is ended",
        measured=f"{busy} of {len(own)} that ended",
        passed=busy == 0,
    )


def next_pool_in_same_tick(m: Measurements, pool: str) -> Assertion:
    """Another pool is asked in the tick of the refusal."""
    seconds = m.seconds_to_next(pool)
    return Assertion(
        text=f"what {pool} refuses, another pool is asked for in the same tick",
        measured="never" if seconds is None else f"{seconds:.0f} s after the refusal",
        passed=seconds == 0,
    )


def rarely_asked(
    m: Measurements, *pools: str, first: int = 0, last: int | None = None
) -> Assertion:
    """A pool that refuses is asked at most ten times an hour."""
    worst = {pool: m.asks_in_worst_hour(pool, first, last) for pool in pools}
    return Assertion(
        text=f"a dry pool is asked at most {MOST_ASKS_PER_HOUR} times in an hour",
        measured=", ".join(f"{pool} {count}" for pool, count in worst.items()),
        passed=max(worst.values()) <= MOST_ASKS_PER_HOUR,
    )


def every_tick_answers(m: Measurements, *, besides: int = 0) -> Assertion:
    """Every tick answers, except as many as the scenario kills."""
    failed = [sample.fleet.error for sample in m.samples if sample.fleet.error]
    return Assertion(
        text="every tick answers" + (f" but the {besides} killed" if besides else ""),
        measured=f"{len(failed)} of {len(m.samples)} did not"
        + (f": {failed[-1]}" if failed and len(failed) != besides else ""),
        passed=len(failed) == besides,
    )


def never_below_start(m: Measurements) -> Assertion:
    """The fleet never serves with fewer instances than in minute 0."""
    start = m.in_service(0)
    least = min(m.in_service(minute) for minute in range(len(m.samples)))
    return Assertion(
        text="what serves when it begins goes on serving",
        measured=f"{start} instances at first, never fewer than {least}",
        passed=least >= start,
    )


def never_above(m: Measurements, *, instances: int) -> Assertion:
    """The fleet never runs more than it can need, so nothing was launched twice."""
    most = max(sample.billed_capacity for sample in m.samples)
    return Assertion(
        text=f"never more than {instances} instances, so nothing is launched twice",
        measured=f"at most {most}",
        passed=most <= instances,
    )


def serves_all_again(m: Measurements, *, since: int, within: int) -> Assertion:
    """No units are missing any more some minutes after a moment."""
    missing = m.missing_units
    last = max(
        (at for at in range(since, len(missing)) if missing[at] > NOTHING_UNITS), default=since - 1
    )
    ended = last == m.last_minute
    return Assertion(
        text=f"everything is served again within {within} minutes",
        measured="not by the end" if ended else f"after {last + 1 - since} minutes",
        passed=not ended and last + 1 - since <= within,
    )


def rings(m: Measurements, metric: str, *, since: int, within: int) -> Assertion:
    """The alarm on a metric rings some minutes after a moment at the latest, and not before it.

    Where a metric counts a trouble, that is the alarm on all troubles of its kind.
    """
    watched = TROUBLES.get(metric, metric)
    at = first_minute(m, lambda minute: watched in m.samples[minute].alarms)
    return Assertion(
        text=f"the alarm on {metric} rings within {within} minutes",
        measured="never" if at is None else f"after {at + 1 - since} minutes",
        passed=at is not None and 0 < at + 1 - since <= within,
    )


def gives_reason(m: Measurements, reason: Reason, *, since: int, within: int) -> Assertion:
    """The plan names its reason some minutes after a moment at the latest."""
    at = first_minute(m, lambda minute: reason in m.reasons(minute), since=since)
    return Assertion(
        text=f"the plan says `{reason}` within {within} minutes",
        measured="never" if at is None else f"after {at + 1 - since} minutes",
        passed=at is not None and at + 1 - since <= within,
    )


def first_minute(m: Measurements, holds: Callable[[int], bool], *, since: int = 0) -> int | None:
    """Return the first minute from *since* on in which something holds; None if none."""
    return next((minute for minute in range(since, len(m.samples)) if holds(minute)), None)
