"""Target tracking above a ladder of pools: Spot where it can be had, on-demand for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from peakfleet_planner import PoolSpec
from peakfleet_sim.demand import Floats
from peakfleet_sim.policies import TargetTracking
from peakfleet_sim.replay import Contest, replay_ladder
from peakfleet_sim.world import Weather


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LadderUse:
    """What tracked pools used and missed, minute by minute.

    Args:
        billed: Instances that were paid for, by pool.
        unserved_units: Units that nobody served.
    """

    billed: Mapping[str, Floats]
    unserved_units: Floats


def track_ladder(
    contest: Contest, *, pools: Sequence[PoolSpec], target: float, weather: Weather
) -> LadderUse:
    """Replay demand against target tracking whose instances are Spot where that can be had.

    Args:
        contest: Demand and physics.
        pools: The ladder, as in `replay_ladder`.
        target: Load per instance aimed at.
        weather: What the pools meet.
    """
    policy = TargetTracking(gauge=contest.gauge, target=target)
    replayed = replay_ladder(contest, policy, pools=pools, weather=weather)
    return LadderUse(
        billed={pool.spec.name: pool.billed for pool in replayed.pools},
        unserved_units=replayed.run.unserved_units,
    )
