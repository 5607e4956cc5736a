"""What decides fails: ticks, their calls, the state table, their specification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.matrix import in_simulator as sim
from peakfleet_demo.scenarios.matrix.row import (
    BEGINS,
    HOLDS_ON,
    RISE,
    Case,
    each_minute,
    lasting,
    never_more_than,
    nothing_let_go,
    row,
    told,
    until,
)
from peakfleet_demo.scenarios.scenario import Fault
from peakfleet_planner.spec import DEMAND

_SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"


def _throttle(minutes: int, *services: str) -> Fault:
    def throttle(at: Environment) -> None:
        for service in services:
            until = at.world.now_epoch_seconds + 60 * minutes
            at.world.throttle(service, until_epoch_seconds=until)

    return throttle


_SEEN: Final[Mapping[str, sim.See]] = {
    "autoscaling": sim.groupless,
    "cloudwatch": sim.unreadable,
    "dynamodb": sim.forgotten,
}


def throttled(minutes: int, *services: str, words: str = "") -> Case:
    """Return a case in which services refuse all calls."""
    return Case(
        words=words or lasting(minutes),
        faults={BEGINS: _throttle(minutes, *services)},
        lasts=minutes,
        promises=(nothing_let_go(minutes),),
        simulated=sim.InSimulator(see=sim.all_of(*(_SEEN[one] for one in services))),
    )


def _tick_again(times: int) -> Fault:
    """Let the scaler run again for the same minute, as EventBridge may."""

    def again(at: Environment) -> None:
        target = at.aws.client("scheduler").get_schedule(Name=at.schedule)["Target"]
        moment = datetime.fromtimestamp(at.world.now_epoch_seconds, UTC)
        told = target["Input"].replace(_SCHEDULED_TIME, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        for _ in range(times):
            at.aws.client("lambda").invoke(FunctionName=at.scaler, Payload=told.encode())

    return again


def _killed(words: str, operation: str, *, ticks: int, after: bool) -> Case:
    def kill(at: Environment) -> None:
        at.aws.kill_at(at.scaler, operation, after=after)

    return Case(
        words=words,
        faults=each_minute(ticks, kill),
        lasts=ticks + 1,
        killed=ticks,
        promises=(never_more_than(30),),
        demand=RISE,
    )


def _misconfigured(minutes: int) -> Case:
    """Deploy a specification that no tick can read, and deploy the right one again."""
    kept: dict[str, str] = {}

    def change(at: Environment, change_input: Callable[[str], str]) -> None:
        scheduler = at.aws.client("scheduler")
        known = scheduler.get_schedule(Name=at.schedule)
        names = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        request = {name: known[name] for name in names}
        request["Target"] = {**known["Target"], "Input": change_input(known["Target"]["Input"])}
        scheduler.update_schedule(**request, State="ENABLED")

    def spoil(at: Environment) -> None:
        def spoiled(text: str) -> str:
            kept["input"] = text
            return text.replace('"pools"', '"pool"')

        change(at, spoiled)

    def mend(at: Environment) -> None:
        change(at, lambda _: kept["input"])

    return Case(
        words=lasting(minutes),
        faults=until(minutes, spoil, mend),
        lasts=minutes,
        killed=minutes,
        promises=(nothing_let_go(minutes),),
        tells=(told(DEMAND, within=4),),
        simulated=sim.InSimulator(see=sim.no_tick),
    )


def stopped(minutes: int) -> Case:
    """Return a case in which no tick runs."""
    return Case(
        words=lasting(minutes),
        faults=until(
            minutes,
            lambda at: at.set_ticking(ticking=False),
            lambda at: at.set_ticking(ticking=True),
        ),
        lasts=minutes,
        killed=minutes,
        promises=(nothing_let_go(minutes),),
        tells=(told(DEMAND, within=4),),
        simulated=sim.InSimulator(see=sim.no_tick),
    )


ROWS: Final = (
    row(
        9,
        "ticks-twice",
        "a tick runs more than once",
        "nothing is launched twice",
        *(
            Case(
                words=f"{times} times more",
                faults=each_minute(20, _tick_again(times)),
                lasts=20,
                promises=(never_more_than(30),),
                demand=RISE,
            )
            for times in (1, 2, 4)
        ),
        unsimulated="it has no state table, whose claim stops the second tick",
    ),
    row(
        10,
        "tick-killed",
        "a tick dies on its way",
        "the next one sees what is there",
        _killed("before it acts, once", "LaunchInstances", ticks=1, after=False),
        _killed("after it acts, three times", "LaunchInstances", ticks=3, after=True),
        _killed("after it acts, eight times", "LaunchInstances", ticks=8, after=True),
        unsimulated="a tick of it decides and acts at once",
    ),
    row(
        11,
        "table-refused",
        "DynamoDB refuses",
        "decides without memory; lets nothing go",
        *(throttled(minutes, "dynamodb") for minutes in (5, 20, 60)),
    ),
    row(
        12,
        "groups-refused",
        "Auto Scaling refuses",
        HOLDS_ON,
        *(throttled(minutes, "autoscaling") for minutes in (3, 10, 30)),
    ),
    row(
        25,
        "specification-broken",
        "a specification cannot be read",
        "what runs stays",
        *map(_misconfigured, (5, 15, 45)),
    ),
    row(
        26,
        "ticks-stop",
        "no tick runs",
        "what runs stays; an alarm tells",
        *map(stopped, (5, 20, 60)),
    ),
)
