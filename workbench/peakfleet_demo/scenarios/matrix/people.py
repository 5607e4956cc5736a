"""Somebody else acts: deployments, scripts, and a person who freezes the fleet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.matrix import in_simulator as sim
from peakfleet_demo.scenarios.matrix.row import (
    BEGINS,
    ON_DEMAND,
    X86,
    Case,
    Promise,
    lasting,
    nothing_let_go,
    row,
)
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion
from peakfleet_planner import Hold
from peakfleet_table import HOLDS

_NOBODY_ELSE: Final = "nobody else sets sizes in it"


def _sized(words: str, size: int, *pools: str, minutes: Iterable[int] = (0,)) -> Case:
    """Set the size of groups as a person, a script or a deployment does."""

    def set_size(at: Environment) -> None:
        for pool in pools:
            at.aws.client("autoscaling").set_desired_capacity(
                AutoScalingGroupName=at.pool(pool).group, DesiredCapacity=size
            )

    moments = [BEGINS + minute for minute in minutes]
    return Case(
        words=words, faults=dict.fromkeys(moments, set_size), lasts=moments[-1] - BEGINS + 15
    )


def _held(minutes: int) -> Case:
    """A person freezes the fleet while demand falls; then it goes on by itself."""

    def hold(at: Environment) -> None:
        until = int(at.world.now_epoch_seconds) + 60 * minutes
        frozen = Hold(owner="matrix", reason="tried", until_epoch_seconds=until)
        at.aws.client("dynamodb").put_item(
            TableName=at.spec.state_table, Item=HOLDS.item(at.spec.fleet, frozen)
        )

    return Case(
        words=lasting(minutes),
        faults={BEGINS: hold},
        lasts=minutes,
        demand=lambda minute: 300.0 if minute < BEGINS else 200.0,
        promises=(nothing_let_go(minutes - 1), _unmoved(minutes - 1)),
        simulated=sim.InSimulator(see=sim.held(minutes)),
    )


def _unmoved(lasts: int) -> Promise:
    def promise(m: Measurements) -> Assertion:
        sizes = {
            tuple(m.desired(pool.name, minute) for pool in m.spec.pools)
            for minute in range(BEGINS + 1, BEGINS + lasts)
        }
        return Assertion(
            text="no size changes while it is held",
            measured=f"{len(sizes)} different sizes",
            passed=len(sizes) == 1,
        )

    return promise


ROWS: Final = (
    row(
        20,
        "deployed-at-peak",
        "a deployment sets sizes back",
        "the fleet is whole again",
        _sized("one pool to its minimum", 0, X86),
        _sized("another one", 0, ON_DEMAND),
        _sized("two of them", 0, ON_DEMAND, X86),
        unsimulated=_NOBODY_ELSE,
    ),
    row(
        21,
        "other-writer",
        "somebody sets the size of a pool",
        "left alone, then taken back",
        _sized("once", 12, X86),
        _sized("three times", 12, X86, minutes=(0, 15, 30)),
        _sized("every minute for half an hour", 12, X86, minutes=range(30)),
        unsimulated=_NOBODY_ELSE,
    ),
    row(
        30,
        "held",
        "a person freezes the fleet",
        "no size changes; ends by itself",
        *map(_held, (15, 60, 240)),
    ),
)
