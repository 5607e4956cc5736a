"""The arithmetic of a bill, on demand that a reader can follow."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.bill import WORKLOADS, Workload, factors
from benchmarks.equal_service import SPOT, SURE, Bill, Bills, Fleets, equal_service
from peakfleet_sim import Comparison, Demand, World
from peakfleet_sim.policies import TargetTracking
from peakfleet_sim.world import PoolScenario, Scenario

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKLOAD = replace(WORKLOADS[0], usual_spot_saving=0.5, chip_spot_saving=0.75, claimed_gain=2.0)


def comparison(units: list[float]) -> Comparison:
    demand = Demand(name="test", start=START, units=np.array(units))
    return Comparison(demand=demand, world=World(baseline_units=10, max_instances=50))


def fleets(units: list[float], *, spot: list[int], costs: tuple[float, ...] = (5, 20)) -> Fleets:
    scenario = Scenario(pools={SPOT: PoolScenario(available=np.array(spot))})
    return Fleets(comparison=comparison(units), scenario=scenario, spot_price=0.3, costs=costs)


def bill(setting: float, missed: float, **hours: float) -> Bill:
    return Bill(setting=setting, hours=hours, unserved_units=missed)


@pytest.mark.parametrize(
    ("most", "least"),
    [
        (60, 1),  # the cheapest already serves
        (21, 3),
        (20, 3),
        (19, 4),
        (0, 5),  # none serves: the best there is
    ],
)
def test_the_least_setting_that_misses_no_more_is_found_without_trying_all(
    most: float, least: float
) -> None:
    tried: list[float] = []

    def at(setting: float) -> Bill:
        tried.append(setting)
        return bill(setting, 60 / setting)

    found = equal_service(at, (1, 2, 3, 4, 5), most_unserved_units=most)

    assert found.setting == least
    assert len(tried) == len(set(tried)) <= 3


def test_each_factor_is_the_usual_bill_with_one_thing_changed() -> None:
    bills = Bills(
        name="test",
        burst_units=100,
        usual=bill(0.7, 5, OnDemand=100),
        spot=bill(0.7, 5, OnDemand=60, Spot=40),
        planner=bill(14, 5, OnDemand=70),
        ladder=bill(20, 5, OnDemand=30, Spot=40),
    )
    usual, chip = (WORKLOAD.usd_per_hour(chip=chip)[SURE] for chip in (False, True))
    listed = {name: cost for name, cost, _ in factors(WORKLOAD, bills)}
    claimed = {name: cost for name, _, cost in factors(WORKLOAD, bills)}

    assert listed == pytest.approx(
        {
            "target tracking on demand, x86": 1,
            "planner alone": 0.7,
            "chip alone": chip / usual,
            "Spot alone": 0.6 + 0.5 * 0.4,
            "planner and chip": 0.7 * chip / usual,
            "planner and Spot": 0.3 + 0.5 * 0.4,
            "planner, chip and Spot": (0.3 + 0.25 * 0.4) * chip / usual,
        }
    )
    assert claimed["chip alone"] == pytest.approx(0.5)
    assert claimed["planner, chip and Spot"] == pytest.approx((0.3 + 0.25 * 0.4) / 2)
    assert claimed["planner and Spot"] == listed["planner and Spot"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_every_workload_compares_priced_types_and_its_chip_is_cheaper_at_list(
    workload: Workload,
) -> None:
    usual, chip = (workload.usd_per_hour(chip=chip) for chip in (False, True))
    assert 0 < chip[SURE] < usual[SURE]
    assert 0 < chip[SPOT] < chip[SURE]


def test_what_a_tracked_ladder_loses_of_spot_it_replaces_on_demand() -> None:
    units = [10.0] * 5 + [24.0] * 95
    priced = fleets(units, spot=[12] * 50 + [4] * 50)
    pools = priced.pools(30)
    policy = TargetTracking(gauge=priced.comparison.gauge, target=0.7)
    run = priced.comparison.replay(policy, pools=pools, scenario=priced.scenario)
    spot, sure = run.pools

    # 14 units at 0.7 are 20 instances: 12 on Spot, 8 on demand, until 8 of Spot are taken back
    assert (spot.billed[45], sure.billed[45]) == (12, 8)
    assert (spot.billed[70], sure.billed[70]) == (4, 16)
    assert run.unserved_units[20:50].sum() == 0
    assert run.unserved_units[51] == 14 - 12
    assert run.unserved_units[60:].sum() == 0


def test_without_reclaims_a_tracked_ladder_is_target_tracking() -> None:
    units = (10 + np.random.default_rng(3).gamma(2, 6, 300)).tolist()
    bills = fleets(units, spot=[50]).bills()

    assert bills.spot.setting == 0.7
    assert bills.spot.unserved_units == bills.usual.unserved_units
    assert sum(bills.spot.hours.values()) == bills.usual.hours[SURE]
    assert bills.spot.hours[SURE] < 0.1 * bills.spot.hours[SPOT]


def test_every_fleet_serves_as_the_usual_one_does_and_the_planner_costs_less() -> None:
    waves = (25 + 15 * np.sin(np.arange(600) / 25)).tolist()
    bills = fleets(waves, spot=[30] * 310 + [20] * 310, costs=(5, 20, 80)).bills()

    assert all(map(bills.serves, (bills.spot, bills.planner, bills.ladder)))
    assert bills.planner.hours[SURE] < bills.usual.hours[SURE]
    assert bills.ladder.hours[SPOT] > bills.ladder.hours[SURE]
    assert bills.burst_units == pytest.approx(sum(max(0.0, one - 10) for one in waves))
