"""Promises that many scenarios share."""

from __future__ import annotations

from collections.abc import Callable, Collection

from peakfleet_demo.scenarios.measurements import NOTHING_UNITS, Record
from peakfleet_demo.scenarios.scenario import Promise

MOST_ASKS_PER_HOUR = 10


def nothing_missing(record: Record, *, first: int = 0, last: int | None = None) -> Promise:
    """Everything above the baseline is served in time."""
    return missing_at_most(record, minutes=0, first=first, last=last)


def fault_adds_nothing(record: Record) -> Promise:
    """As much is served as without the fault."""
    missing, calm = sum(record.missing_units), sum(record.calm_missing_units)
    return Promise(
        text="as much is served as without the fault",
        measured=f"{missing:,.0f} unit-minutes are missing, {calm:,.0f} without the fault",
        kept=missing <= calm + NOTHING_UNITS,
    )


def missing_at_most(
    record: Record, *, minutes: int, first: int = 0, last: int | None = None
) -> Promise:
    """Something is missing in at most so many minutes."""
    missing = record.missing_units[first:last]
    count = record.missing_minutes(first, last)
    bound = f"in at most {minutes} minutes" if minutes else "never"
    when = f" from minute {first}" if first else ""
    when += f" to minute {last}" if last is not None else ""
    return Promise(
        text=f"units are missing {bound}{when}",
        measured=f"{count} minutes, {sum(missing):,.0f} unit-minutes, at worst "
        f"{max(missing):,.0f} units",
        kept=count <= minutes,
    )


def nothing_busy_lost(record: Record, *, besides: Collection[str] = ()) -> Promise:
    """No machine ends with work in hand, unless EC2 takes it."""
    own = [one for one in record.endings if one.instance_id not in besides]
    busy = sum(one.busy for one in own)
    whose = "that EC2 did not take " if besides else ""
    return Promise(
        text=f"no busy machine {whose}is ended",
        measured=f"{busy} of {len(own)} that ended",
        kept=busy == 0,
    )


def next_rung_at_once(record: Record, pool: str) -> Promise:
    """Another pool is asked in the tick of the refusal."""
    seconds = record.seconds_to_next(pool)
    return Promise(
        text=f"what {pool} refuses, another pool is asked for in the same tick",
        measured="never" if seconds is None else f"{seconds:.0f} s after the refusal",
        kept=seconds == 0,
    )


def rarely_asked(record: Record, *pools: str, first: int = 0, last: int | None = None) -> Promise:
    """A dry pool is asked at most ten times an hour."""
    worst = {pool: record.asks_in_worst_hour(pool, first, last) for pool in pools}
    return Promise(
        text=f"a dry pool is asked at most {MOST_ASKS_PER_HOUR} times in an hour",
        measured=", ".join(f"{pool} {count}" for pool, count in worst.items()),
        kept=max(worst.values()) <= MOST_ASKS_PER_HOUR,
    )


def handler_never_fails(record: Record, *, besides: int = 0) -> Promise:
    """Every tick answers, but those that the scenario kills."""
    failed = [sample.fleet.error for sample in record.samples if sample.fleet.error]
    bound = "every tick answers" if not besides else f"every tick answers but the {besides} killed"
    return Promise(
        text=bound,
        measured=f"{len(failed)} of {len(record.samples)} did not"
        + (f": {failed[-1]}" if failed and len(failed) != besides else ""),
        kept=len(failed) == besides,
    )


def never_below_start(record: Record) -> Promise:
    """What serves when the fault begins goes on serving."""
    start = record.in_service(0)
    least = min(record.in_service(minute) for minute in range(len(record.samples)))
    return Promise(
        text="what serves when it begins goes on serving",
        measured=f"{start} instances at first, never fewer than {least}",
        kept=least >= start,
    )


def never_above(record: Record, *, instances: int) -> Promise:
    """The fleet never runs more than it can need, so nothing was launched twice."""
    most = max(
        sum(pool.billed_capacity for pool in sample.fleet.pools) for sample in record.samples
    )
    return Promise(
        text=f"never more than {instances} instances, so nothing is launched twice",
        measured=f"at most {most}",
        kept=most <= instances,
    )


def first_minute(record: Record, holds: Callable[[int], bool], *, since: int = 0) -> int | None:
    """Return the first minute from *since* on in which something holds; None if none."""
    found = (minute for minute in range(since, len(record.samples)) if holds(minute))
    return next(found, None)


def serves_all_again(record: Record, *, since: int, within: int) -> Promise:
    """Nothing is missing any more some minutes after a moment."""
    missing = record.missing_units
    last = max(
        (m for m in range(since, len(missing)) if missing[m] > NOTHING_UNITS), default=since - 1
    )
    ended = last == len(missing) - 1
    return Promise(
        text=f"everything is served again within {within} minutes",
        measured="not by the end" if ended else f"after {last + 1 - since} minutes",
        kept=not ended and last + 1 - since <= within,
    )
