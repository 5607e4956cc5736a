"""Control that fails: APIs, handlers, hooks, and somebody else at the wheel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from peakfleet_demo.scenarios import assertions as p
from peakfleet_demo.scenarios.environment import Stage
from peakfleet_demo.scenarios.measurements import Record
from peakfleet_demo.scenarios.scenario import Promise, Ramp, Scenario, steady
from peakfleet_local import Behaviour

X86 = "X86"
LOW_UNITS, HIGH_UNITS = 200.0, 330.0
MOST_INSTANCES = 30
"""23 serve the peak; the rest is headroom that the reactive rule may want on the way."""
THROTTLED_FROM, THROTTLED_MINUTES = 10, 10
KILLED_MINUTES = (8, 12, 16)
DROP_MINUTE, DROP_UNITS = 20, 120.0
JOB_SECONDS, SWEPT_MINUTES = 240.0, 45
FOREIGN_MINUTE, FOREIGN_SIZE, GRACE_MINUTES = 10, 12, 10
SLACK_MINUTES, MOST_LEFT = 3, 2
"""What works is let go when it is idle, so a last one may stay."""


def _throttled(stage: Stage, minute: int) -> None:
    if minute == THROTTLED_FROM:
        until = stage.world.now_epoch_seconds + 60 * THROTTLED_MINUTES
        stage.world.throttle("autoscaling", until_epoch_seconds=until)


def _throttled_promises(record: Record) -> Iterator[Promise]:
    after = THROTTLED_FROM + THROTTLED_MINUTES
    yield p.never_below_start(record)
    yield p.serves_all_again(record, since=after, within=6)
    yield p.never_above(record, instances=MOST_INSTANCES)
    per_minute = max(
        sum(count for name, count in sample.calls.items() if name.startswith("autoscaling:"))
        for sample in record.samples[THROTTLED_FROM:after]
    )
    yield Promise(
        text="no retry storm: at most 20 calls to Auto Scaling in a minute while it throttles",
        measured=f"at most {per_minute}",
        kept=per_minute <= 20,  # noqa: PLR2004  as the text says
    )
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


def _killed(stage: Stage, minute: int, *, after: bool) -> None:
    if minute in KILLED_MINUTES:
        stage.aws.kill_at(stage.scaler, "LaunchInstances", after=after)


def _killed_promises(record: Record) -> Iterator[Promise]:
    yield p.handler_never_fails(record, besides=len(KILLED_MINUTES))
    yield p.never_above(record, instances=MOST_INSTANCES)
    yield p.never_below_start(record)
    yield p.nothing_busy_lost(record)


def _silent_leavers(stage: Stage, minute: int) -> None:
    if minute == 0:
        behaviour = Behaviour(answers_drain=False, drain_seconds=JOB_SECONDS)
        for pool in stage.spec.pools:
            stage.world.set_behaviour(pool.group, behaviour)


def _drop(minute: int) -> float:
    return 300.0 if minute < DROP_MINUTE else DROP_UNITS


def _silent_promises(record: Record) -> Iterator[Promise]:
    yield p.nothing_busy_lost(record)
    last = len(record.samples) - 1
    left = sum(pool.billed_capacity for pool in record.samples[last].fleet.pools)
    needed = record.in_service(last)
    yield Promise(
        text=f"what was retained is swept within {SWEPT_MINUTES} minutes, so no bill runs on",
        measured=f"{len(record.endings)} ended, {left - needed} more than serve are still paid",
        kept=bool(record.endings) and left == needed,
    )
    yield p.nothing_missing(record)
    yield p.handler_never_fails(record)


def _foreign(stage: Stage, minute: int) -> None:
    if minute == FOREIGN_MINUTE:
        stage.aws.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName=stage.pool(X86).group, DesiredCapacity=FOREIGN_SIZE
        )


def _foreign_promises(record: Record) -> Iterator[Promise]:
    asked = [record.desired(X86, minute) for minute in range(len(record.samples))]
    first = FOREIGN_MINUTE + 1
    back = p.first_minute(record, lambda minute: asked[minute] < FOREIGN_SIZE, since=first)
    yield Promise(
        text=f"the foreign size is left alone for {GRACE_MINUTES} minutes, then taken back",
        measured="never taken back"
        if back is None
        else f"taken back after {back - FOREIGN_MINUTE} minutes, {asked[-1]} of {FOREIGN_SIZE} "
        "still work at the end",
        kept=back is not None
        and 0 <= back - FOREIGN_MINUTE - GRACE_MINUTES <= SLACK_MINUTES
        and asked[-1] <= MOST_LEFT,
    )
    yield p.nothing_missing(record)
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


def _scenario(
    name: str,
    shows: str,
    *,
    script: Callable[[Stage, int], None],
    promises: Callable[[Record], Iterator[Promise]],
    demand_units: Callable[[int], float],
    minutes: int = 60,
) -> Scenario:
    return Scenario(
        name=name,
        shows=shows,
        fleet="workers",
        minutes=minutes,
        demand_units=demand_units,
        script=script,
        promises=promises,
    )


RISING = Ramp(low=LOW_UNITS, high=HIGH_UNITS)
SCENARIOS = (
    _scenario(
        "api-throttled",
        "the Auto Scaling API throttles every call for ten minutes of the rise",
        script=_throttled,
        promises=_throttled_promises,
        demand_units=RISING,
    ),
    _scenario(
        "killed-before-acting",
        "the handler dies between its decision and the launch, in three ticks",
        script=partial(_killed, after=False),
        promises=_killed_promises,
        demand_units=RISING,
    ),
    _scenario(
        "killed-before-recording",
        "the handler dies between the launch and the record of it, in three ticks",
        script=partial(_killed, after=True),
        promises=_killed_promises,
        demand_units=RISING,
    ),
    _scenario(
        "hook-timeout",
        "workers that are told to leave never answer; their hooks time out",
        script=_silent_leavers,
        promises=_silent_promises,
        demand_units=_drop,
        minutes=120,
    ),
    _scenario(
        "foreign-writer",
        "somebody sets the size of a group by hand",
        script=_foreign,
        promises=_foreign_promises,
        demand_units=steady(300.0),
        minutes=90,
    ),
)
