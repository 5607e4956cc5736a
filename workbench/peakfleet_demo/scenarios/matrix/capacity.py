"""What is asked for does not come: types, pools, quotas, images, or everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.matrix import in_simulator as sim
from peakfleet_demo.scenarios.matrix.row import (
    BEGINS,
    ON_DEMAND,
    RISE,
    SPOT,
    X86,
    Case,
    lasting,
    never_more_than,
    nothing_let_go,
    row,
    until,
)
from peakfleet_demo.scenarios.scenario import Fault, Ramp
from peakfleet_local import Behaviour


def dry(minutes: int, words: str = "", *, kinds: int = 2, zones: int = 3) -> Case:
    """Return a case in which some types, or with 0 all, cannot be had in some zones."""

    def dry(at: Environment) -> None:
        at.limit(_kinds(at, kinds), zones=at.zones[:zones])

    def wet(at: Environment) -> None:
        at.limit(_kinds(at, kinds), zones=at.zones[:zones], instances=None)

    return Case(
        words=words or lasting(minutes),
        faults=until(minutes, dry, wet),
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(32)),
        demand=RISE,
        simulated=None if kinds else sim.InSimulator(caps=sim.nothing_more),
    )


def _kinds(at: Environment, kinds: int) -> tuple[str, ...]:
    return at.all_types()[:kinds] if kinds else at.all_types()


def _back_after_drought(minutes: int) -> Case:
    """A drought with demand far above what runs, so that all of it is wanted when it ends."""
    case = dry(minutes, kinds=0)
    high = Ramp(low=200.0, high=700.0, begins=BEGINS, minutes=10)
    return replace(case, demand=high, promises=(nothing_let_go(minutes),))


def _broken(minutes: int) -> Case:
    def set_broken(*, broken: bool) -> Fault:
        return lambda at: at.world.break_image(at.image_of(SPOT), broken=broken)

    return Case(
        words=lasting(minutes),
        faults=until(minutes, set_broken(broken=True), set_broken(broken=False)),
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(32)),
        demand=RISE,
    )


def _unready(words: str, *pools: str, minutes: int = 60) -> Case:
    def set_ready(*, ready: bool) -> Fault:
        def behave(at: Environment) -> None:
            for pool in pools:
                at.world.set_behaviour(at.pool(pool).group, Behaviour(becomes_ready=ready))

        return behave

    return Case(
        words=words,
        faults=until(minutes, set_ready(ready=False), set_ready(ready=True)),
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(60)),
        demand=RISE,
    )


def _suspended(words: str, *pools: str, minutes: int) -> Case:
    def change(at: Environment, method: str) -> None:
        for pool in pools:
            getattr(at.aws.client("autoscaling"), method)(
                AutoScalingGroupName=at.pool(pool).group, ScalingProcesses=["Launch"]
            )

    return Case(
        words=words,
        faults=until(
            minutes,
            lambda at: change(at, "suspend_processes"),
            lambda at: change(at, "resume_processes"),
        ),
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(40)),
        demand=RISE,
        simulated=sim.InSimulator(see=sim.suspended(*pools)),
    )


def _quotas(words: str, spot: int, on_demand: int) -> Case:
    def set_quotas(at: Environment) -> None:
        at.world.set_quota(purchase="spot", instances=spot)
        at.world.set_quota(purchase="on-demand", instances=on_demand)

    def lift(at: Environment) -> None:
        at.world.set_quota(purchase="spot", instances=None)
        at.world.set_quota(purchase="on-demand", instances=None)

    return Case(
        words=words,
        faults=until(60, set_quotas, lift),
        lasts=60,
        promises=(nothing_let_go(60), never_more_than(32)),
        demand=RISE,
        # Of one quota for both On-Demand pools it knows one for each.
        simulated=sim.InSimulator(caps=sim.only(GravitonSpot=spot, Graviton=on_demand, X86=0)),
    )


def _above_all(words: str, units: float) -> Case:
    """More demand than all pools together may carry."""
    demand = Ramp(low=300.0, high=units, begins=BEGINS, minutes=30)
    falls = Ramp(low=0.0, high=300.0 - units, begins=BEGINS + 60, minutes=10)
    return Case(
        words=words,
        faults={},
        lasts=75,
        demand=lambda minute: demand(minute) + falls(minute),
        promises=(nothing_let_go(60),),
        simulated=sim.InSimulator(),
    )


ROWS: Final = (
    row(
        13,
        "launch-suspended",
        "a group refuses to launch",
        "others are asked",
        _suspended("one pool, 15 minutes", SPOT, minutes=15),
        _suspended("two pools, 30 minutes", SPOT, ON_DEMAND, minutes=30),
        _suspended("all pools, 15 minutes", SPOT, ON_DEMAND, X86, minutes=15),
    ),
    row(
        14,
        "type-dry",
        "one type cannot be had",
        "spills to others, asks rarely",
        dry(60, "in one zone", kinds=1, zones=1),
        dry(60, "anywhere", kinds=1),
        dry(60, "two types, anywhere", kinds=2),
        unsimulated="a pool of it has one type in one zone; row 15 has pools that are dry",
    ),
    row(
        15,
        "all-dry",
        "nothing can be had",
        "what runs is held; no launch loop",
        *(dry(minutes, kinds=0) for minutes in (30, 60, 240)),
    ),
    row(
        17,
        "image-broken",
        "an image cannot be launched",
        "other pools; asked rarely",
        *map(_broken, (15, 60, 180)),
        unsimulated="it has no images; row 15 has launches that are refused",
    ),
    row(
        18,
        "never-ready",
        "machines never become ready",
        "no loop of launches",
        _unready("one pool", SPOT),
        _unready("two pools", SPOT, ON_DEMAND),
        _unready("one pool for three hours", SPOT, minutes=180),
        unsimulated="every instance of it serves after its boot time",
    ),
    row(
        23,
        "quota-reached",
        "the account's quota ends",
        "what it allows is used",
        _quotas("15 Spot, 6 on demand", 15, 6),
        _quotas("12 Spot, 2 on demand", 12, 2),
        _quotas("nothing more", 0, 0),
    ),
    row(
        24,
        "limit-reached",
        "more is wanted than may be spent",
        "stops at the limit, kills nothing",
        *(_above_all(f"{units:g} units of demand", units) for units in (1_000.0, 1_500.0, 9_000.0)),
    ),
    row(
        28,
        "all-at-once-back",
        "capacity comes back with much to do",
        "grows by steps, no stampede",
        *map(_back_after_drought, (15, 60, 120)),
    ),
)
