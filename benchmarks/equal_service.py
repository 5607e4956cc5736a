"""Comparable bills: fleets on the same demand that miss no more than the usual one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final, TypeVar

from peakfleet_planner import PoolSpec, ServiceLevelSpec
from peakfleet_sim import Comparison, Run, live_spec
from peakfleet_sim.demand import Floats
from peakfleet_sim.policies import TargetTracking
from peakfleet_sim.replay import replay_fleet
from peakfleet_sim.world import Scenario

SPOT, SURE = "Spot", "OnDemand"
TARGET: Final = 0.7
TARGETS: Final = (0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35)
COSTS: Final = (5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0, 80.0, 160.0, 320.0)
SPOT_INSTANCES: Final = (100, 50, 25, 12)
_MINUTES_PER_HOUR: Final = 60

Setting = TypeVar("Setting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a fleet used and missed in the scored minutes.

    Args:
        setting: What it was run with.
        spot_instances: Most instances on Spot. Default: 0.
        hours: Instance-hours that were paid for, by pool.
        unserved_units: Unit-minutes above the baseline that nobody served.
    """

    setting: float
    hours: Mapping[str, float]
    unserved_units: float
    spot_instances: int = 0

    def usd(self, usd_per_hour: Mapping[str, float]) -> float:
        """Return what it costs at these prices, by pool.

        >>> Bill(setting=0.7, hours={"Spot": 3, "Sure": 1}, unserved_units=0).usd(
        ...     {"Spot": 0.5, "Sure": 2}
        ... )
        3.5
        """
        return sum(hours * usd_per_hour[pool] for pool, hours in self.hours.items())


def equal_service(
    bill_at: Callable[[Setting], Bill], settings: Sequence[Setting], *, most_unserved_units: float
) -> Bill:
    """Return the bill of the first of *settings* that misses no more than another fleet.

    It is found by halving, so service must get better from setting to setting. If even the last
    one misses more, its bill is returned.

    Args:
        bill_at: Runs the fleet with a setting.
        settings: What may be set, in the order in which service gets better.
        most_unserved_units: What may be missed.
    """
    least, most = 0, len(settings) - 1
    found: dict[int, Bill] = {}
    while least < most:
        middle = (least + most) // 2
        found[middle] = bill_at(settings[middle])
        if found[middle].unserved_units <= most_unserved_units:
            most = middle
        else:
            least = middle + 1
    return found[least] if least in found else bill_at(settings[least])


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
class Fleets:
    """One demand before four fleets of equal instances.

    Args:
        comparison: Demand and physics; live work.
        scenario: What the Spot pools meet. There are as many as it names, each with an equal
            share of the instances that may be on Spot.
        spot_price: Price of a Spot instance over that of one on demand. Only whether it pays to
            move back to Spot depends on it.
        costs: What `unserved_cost` may be, least first. Default: `COSTS`.
    """

    comparison: Comparison
    scenario: Scenario
    spot_price: float
    costs: Sequence[float] = COSTS

    def bills(self) -> Bills:
        """Return what each fleet used, every one at the service of the usual one if it can.

        Target tracking on Spot has the highest of `TARGETS` with which it misses no more,
        peakfleet the least of `costs`. On Spot peakfleet starts from what it needed on demand,
        then doubles it, then has less and less on Spot.
        """
        comparison = self.comparison
        run = comparison.replay(TargetTracking(gauge=comparison.gauge, target=TARGET))
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
            name=comparison.demand.name,
            burst_units=self._scored(run.burst_units),
            usual=usual,
            spot=equal_service(self._tracked, TARGETS, most_unserved_units=most),
            planner=planner,
            ladder=equal_service(self._planned, ladders, most_unserved_units=most),
        )

    def pools(self, spot_instances: int) -> tuple[PoolSpec, ...]:
        """Return the ladder: Spot pools of equal size, then on-demand."""
        (pool,) = live_spec(self.comparison.world).pools
        sure = replace(pool, name=SURE, group=SURE, usd_per_capacity_hour=1.0)
        names = self.scenario.pools if spot_instances else ()
        spots = (
            replace(
                sure,
                name=name,
                group=name,
                purchase="spot",
                max_capacity=ceil(spot_instances / len(self.scenario.pools)),
                usd_per_capacity_hour=self.spot_price,
            )
            for name in names
        )
        return (*spots, sure)

    def _tracked(self, target: float) -> Bill:
        run = self.comparison.replay(
            TargetTracking(gauge=self.comparison.gauge, target=target),
            pools=self.pools(SPOT_INSTANCES[0]),
            scenario=self.scenario,
        )
        return self._bill(run, target, spot_instances=SPOT_INSTANCES[0])

    def _planned(self, setting: tuple[float, int]) -> Bill:
        """Return the bill of peakfleet with an `unserved_cost` and a number of Spot instances."""
        unserved_cost, spot_instances = setting
        level = ServiceLevelSpec(unserved_cost=unserved_cost)
        spec = live_spec(self.comparison.world, service_level=level)
        found = replay_fleet(
            self.comparison.demand,
            replace(spec, pools=self.pools(spot_instances)),
            scenario=self.scenario,
        )
        return self._bill(found, unserved_cost, spot_instances=spot_instances)

    def _bill(self, run: Run, setting: float, *, spot_instances: int) -> Bill:
        """Return paid hours on demand and on all Spot pools together, and what was missed."""
        hours = {pool.spec.name: self._hours(pool.billed) for pool in run.pools}
        sure = hours.pop(SURE)
        return Bill(
            setting=setting,
            hours={SURE: sure, SPOT: sum(hours.values())},
            unserved_units=self._scored(run.unserved_units),
            spot_instances=spot_instances,
        )

    def _scored(self, minutes: Floats) -> float:
        return float(minutes[self.comparison.demand.history_minutes :].sum())

    def _hours(self, billed: Floats) -> float:
        return self._scored(billed) / _MINUTES_PER_HOUR
