"""The same demand served by four fleets, each at the service of the usual one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from benchmarks.equal_service import Bill, equal_service
from benchmarks.tracked_ladder import track_ladder
from peakfleet_planner import PoolSpec, ServiceLevelSpec
from peakfleet_sim.demand import Floats
from peakfleet_sim.policies import TargetTracking, live_spec
from peakfleet_sim.replay import Contest, replay_fleet
from peakfleet_sim.world import Weather

SPOT, SURE = "Spot", "OnDemand"
TARGET: Final = 0.7
TARGETS: Final = (0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35)
COSTS: Final = (5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0, 80.0, 160.0, 320.0)
SPOT_INSTANCES: Final = (100, 50, 25, 12)
_MINUTES_PER_HOUR: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Bills:
    """The four fleets.

    Args:
        name: Of the demand.
        burst_units: Unit-minutes above the baseline.
        usual: Target tracking at 70 %, on demand.
        spot: Target tracking on Spot where it can be had.
        planner: peakfleet on demand.
        ladder: peakfleet on Spot before on-demand.
    """

    name: str
    burst_units: float
    usual: Bill
    spot: Bill
    planner: Bill
    ladder: Bill

    def serves(self, bill: Bill) -> bool:
        """Return whether a fleet missed no more than the usual one."""
        return bill.unserved_units <= self.usual.unserved_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """One demand before four fleets of equal instances.

    Args:
        contest: Demand and physics; live work.
        weather: What the Spot pools meet. There are as many as it names, each with an equal
            share of the instances that may be on Spot.
        spot_price: Price of a Spot instance over that of one on demand. Only whether it pays to
            move back to Spot depends on it.
        costs: What `unserved_cost` may be, least first. Default: `COSTS`.
    """

    contest: Contest
    weather: Weather
    spot_price: float
    costs: Sequence[float] = COSTS

    def bills(self) -> Bills:
        """Return what each fleet used, every one at the service of the usual one if it can.

        Target tracking on Spot has the highest of `TARGETS` with which it misses no more,
        peakfleet the least of `costs`. On Spot peakfleet starts from what it needed on demand,
        then doubles it, then has less and less on Spot.
        """
        contest = self.contest
        run = contest.replay(TargetTracking(gauge=contest.gauge, target=TARGET))
        usual = Bill(
            setting=TARGET,
            hours={SURE: self._hours(run.billed_instances)},
            unserved_units=self._scored(run.unserved_units),
        )
        most = usual.unserved_units
        planner = equal_service(
            lambda cost: self._planned((cost, 0)), self.costs, most_unserved_units=most
        )
        cost = planner.setting
        ladders = [(cost, SPOT_INSTANCES[0]), *((2 * cost, most) for most in SPOT_INSTANCES)]
        return Bills(
            name=contest.demand.name,
            burst_units=self._scored(run.burst_units),
            usual=usual,
            spot=equal_service(self._tracked, TARGETS, most_unserved_units=most),
            planner=planner,
            ladder=equal_service(self._planned, ladders, most_unserved_units=most),
        )

    def pools(self, spot_instances: int) -> tuple[PoolSpec, ...]:
        """Return the ladder: Spot pools of equal size, then on-demand."""
        (pool,) = live_spec(self.contest.world).pools
        sure = replace(pool, name=SURE, group=SURE, usd_per_capacity_hour=1.0)
        names = self.weather.pools if spot_instances else ()
        spots = (
            replace(
                sure,
                name=name,
                group=name,
                purchase="spot",
                max_capacity=ceil(spot_instances / len(self.weather.pools)),
                usd_per_capacity_hour=self.spot_price,
            )
            for name in names
        )
        return (*spots, sure)

    def _tracked(self, target: float) -> Bill:
        pools = self.pools(SPOT_INSTANCES[0])
        use = track_ladder(self.contest, pools=pools, target=target, weather=self.weather)
        return Bill(
            setting=target,
            hours=self._by_purchase(use.billed),
            unserved_units=self._scored(use.unserved_units),
            spot_instances=SPOT_INSTANCES[0],
        )

    def _planned(self, setting: tuple[float, int]) -> Bill:
        """Return the bill of peakfleet with an `unserved_cost` and a number of Spot instances."""
        unserved_cost, spot_instances = setting
        level = ServiceLevelSpec(unserved_cost=unserved_cost)
        spec = live_spec(self.contest.world, service_level=level)
        found = replay_fleet(
            self.contest.demand,
            replace(spec, pools=self.pools(spot_instances)),
            weather=self.weather,
        )
        return Bill(
            setting=unserved_cost,
            hours=self._by_purchase({pool.spec.name: pool.billed for pool in found.pools}),
            unserved_units=self._scored(found.run.unserved_units),
            spot_instances=spot_instances,
        )

    def _by_purchase(self, billed: Mapping[str, Floats]) -> Mapping[str, float]:
        """Return paid hours on demand and on all Spot pools together."""
        spot = sum(self._hours(minutes) for name, minutes in billed.items() if name != SURE)
        return {SURE: self._hours(billed[SURE]), SPOT: spot}

    def _scored(self, minutes: Floats) -> float:
        return float(minutes[self.contest.demand.history_minutes :].sum())

    def _hours(self, billed: Floats) -> float:
        return self._scored(billed) / _MINUTES_PER_HOUR
