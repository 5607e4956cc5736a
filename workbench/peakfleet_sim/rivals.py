"""The same demand served by four fleets, each at the service of the usual one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from peakfleet_planner import PoolSpec, ServiceLevelSpec
from peakfleet_sim._bridge import Floats
from peakfleet_sim.compare import Contest
from peakfleet_sim.equal_service import Bill, equal_service
from peakfleet_sim.fleet_replay import replay_fleet
from peakfleet_sim.peakfleet_policy import live_spec
from peakfleet_sim.peers import TargetTracking
from peakfleet_sim.tracked_ladder import track_ladder
from peakfleet_sim.weather import Weather

SPOT, SURE = "Spot", "OnDemand"
TARGET: Final = 0.7
TARGETS: Final = (0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3)
COSTS: Final = (5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0, 80.0, 160.0)
_FIRST_COST: Final = 14.0
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
    """One demand before four fleets of equal instances, an instance being as many units.

    Args:
        contest: Demand and physics; live work.
        weather: What the pool `Spot` meets.
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
        peakfleet the least of `costs`.
        """
        contest = self.contest
        run = contest.replay(TargetTracking(gauge=contest.gauge, target=TARGET))
        usual = Bill(
            setting=TARGET,
            hours={SURE: self._hours(run.billed_instances)},
            unserved_units=self._scored(run.unserved_units),
        )
        most, (spot, sure) = usual.unserved_units, self._pools()
        start = _FIRST_COST if _FIRST_COST in self.costs else self.costs[0]
        planner = equal_service(
            lambda cost: self._planned(cost, sure),
            self.costs,
            most_unserved_units=most,
            first=start,
        )
        return Bills(
            name=contest.demand.name,
            burst_units=self._scored(run.burst_units),
            usual=usual,
            spot=equal_service(self._tracked, TARGETS, most_unserved_units=most, first=TARGETS[0]),
            planner=planner,
            ladder=equal_service(
                lambda cost: self._planned(cost, spot, sure),
                self.costs,
                most_unserved_units=most,
                first=planner.setting,
            ),
        )

    def _tracked(self, target: float) -> Bill:
        spot, sure = self._pools()
        use = track_ladder(self.contest, spot=spot, sure=sure, target=target, weather=self.weather)
        return Bill(
            setting=target,
            hours={name: self._hours(billed) for name, billed in use.billed.items()},
            unserved_units=self._scored(use.unserved_units),
        )

    def _planned(self, unserved_cost: float, *ladder: PoolSpec) -> Bill:
        level = ServiceLevelSpec(unserved_cost=unserved_cost)
        spec = replace(live_spec(self.contest.world, service_level=level), pools=ladder)
        found = replay_fleet(self.contest.demand, spec, weather=self.weather)
        return Bill(
            setting=unserved_cost,
            hours={pool.spec.name: self._hours(pool.billed) for pool in found.pools},
            unserved_units=self._scored(found.run.unserved_units),
        )

    def _pools(self) -> tuple[PoolSpec, PoolSpec]:
        (pool,) = live_spec(self.contest.world).pools
        sure = replace(pool, name=SURE, group="on-demand", usd_per_capacity_hour=1.0)
        spot = replace(
            sure, name=SPOT, group="spot", purchase="spot", usd_per_capacity_hour=self.spot_price
        )
        return spot, sure

    def _scored(self, minutes: Floats) -> float:
        return float(minutes[self.contest.demand.history_minutes :].sum())

    def _hours(self, billed: Floats) -> float:
        return self._scored(billed) / _MINUTES_PER_HOUR
