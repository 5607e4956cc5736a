"""What runs fails, or must not be let go: Spot is taken back, health flaps, work goes on."""

from __future__ import annotations

from typing import Final

from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.matrix import in_simulator as sim
from peakfleet_demo.scenarios.matrix.row import (
    BEGINS,
    SPOT,
    Case,
    lasting,
    never_more_than,
    row,
)
from peakfleet_local import Behaviour


def _reclaimed(share: float) -> Case:
    def reclaim(at: Environment) -> None:
        at.world.reclaim(share=share, recommended_seconds_before=0)

    return Case(
        words=f"{share:.0%}",
        faults={BEGINS: reclaim},
        lasts=1,
        ends_busy=True,
        simulated=sim.InSimulator(caps=sim.taken_back(SPOT, share)),
    )


def _flapping(words: str, share: float, *, minutes: int = 30) -> Case:
    """Fail a share of what serves every five minutes, as a health check that flaps."""

    def fail(at: Environment) -> None:
        serving = [one for pool in at.spec.pools for one in at.serving(pool.name)]
        for one in serving[: max(1, round(share * len(serving)))]:
            at.aws.client("autoscaling").set_instance_health(
                InstanceId=one.instance_id, HealthStatus="Unhealthy"
            )

    moments = range(BEGINS, BEGINS + minutes, 5)
    return Case(
        words=words,
        faults=dict.fromkeys(moments, fail),
        lasts=minutes,
        ends_busy=True,
        promises=(never_more_than(60),),
    )


def _busy_for(seconds: int) -> Case:
    """Let demand fall while every machine still works for a while."""

    def work(at: Environment) -> None:
        behaviour = Behaviour(answers_drain=False, drain_seconds=float(seconds))
        for pool in at.spec.pools:
            at.world.set_behaviour(at.pool(pool.name).group, behaviour)

    return Case(
        words=f"work of {lasting(seconds // 60)}",
        faults={0: work},
        lasts=60,
        demand=lambda minute: 300.0 if minute < BEGINS else 150.0,
    )


ROWS: Final = (
    row(
        16,
        "spot-reclaimed",
        "EC2 takes Spot back in two minutes",
        "is replaced within bounds",
        *map(_reclaimed, (0.3, 0.6, 1.0)),
    ),
    row(
        19,
        "health-flaps",
        "health checks fail again and again",
        "replaced within bounds",
        _flapping("one machine", 0.0),
        _flapping("a tenth", 0.1),
        _flapping("a third", 0.33),
        unsimulated="it has no health checks",
    ),
    row(
        29,
        "busy-at-scale-in",
        "machines that should go are at work",
        "they finish it first",
        *map(_busy_for, (240, 900, 1_500)),
        unsimulated="its instances are not at work on anything of their own",
    ),
)
