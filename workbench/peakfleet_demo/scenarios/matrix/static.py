"""Static stability: what decides fails for hours, one part alone or all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.matrix import in_simulator as sim
from peakfleet_demo.scenarios.matrix.capacity import dry
from peakfleet_demo.scenarios.matrix.control import stopped, throttled
from peakfleet_demo.scenarios.matrix.row import (
    CALM,
    Case,
    Row,
    lasting,
    row,
)
from peakfleet_demo.scenarios.scenario import Fault


def _each(several: Sequence[Fault], at: Environment) -> None:
    for one in several:
        one(at)


def _all_at_once(minutes: int, words: str, first: Case, *others: Case) -> Case:
    """Let several faults begin and end together; what the first one promises is promised."""
    parts = (first, *others)
    faults: dict[int, Fault] = {}
    for minute in sorted({minute for part in parts for minute in part.faults}):
        several = tuple(part.faults[minute] for part in parts if minute in part.faults)
        faults[minute] = partial(_each, several)
    simulated = sim.InSimulator(see=sim.no_tick, caps=sim.nothing_more)
    return replace(first, words=words, faults=faults, lasts=minutes, simulated=simulated)


def _static(number: int, name: str, fault: str, make: Callable[[int], Case]) -> Row:
    return row(
        f"S{number}",
        f"static-{name}",
        fault,
        "capacity is as it was, or larger; no stampede afterwards",
        *map(make, (15, 60, 480)),
    )


def _everything(minutes: int) -> Case:
    calls = throttled(minutes, "dynamodb", "cloudwatch")
    parts = (stopped(minutes), calls, replace(dry(minutes, kinds=0), demand=CALM))
    return _all_at_once(minutes, lasting(minutes), *parts)


ROWS: Final = (
    _static(1, "controller", "no tick runs", stopped),
    _static(2, "table", "DynamoDB refuses", lambda minutes: throttled(minutes, "dynamodb")),
    _static(3, "metrics", "CloudWatch refuses", lambda minutes: throttled(minutes, "cloudwatch")),
    _static(
        4,
        "launches",
        "EC2 launches nothing",
        lambda minutes: replace(dry(minutes, kinds=0), demand=CALM),
    ),
    _static(5, "all", "all four at once", _everything),
)
