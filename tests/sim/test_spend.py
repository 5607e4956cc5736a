"""The simulator keeps a spend limit, because it drives the same decision."""

from __future__ import annotations

from dataclasses import replace

from peakfleet_planner import SpendLimitSpec
from peakfleet_sim.policies.peakfleet_policy import PeakfleetPolicy, live_spec
from tests.sim.ladders import pool, steady


def test_a_replayed_fleet_never_costs_more_than_its_limit_allows() -> None:
    comparison = steady(2, 30, 12, minutes=40)
    pools = (pool("Sure"),)
    spec = replace(
        live_spec(comparison.world),
        pools=pools,
        state_table="state",
        spend_limits=(SpendLimitSpec(usd_per_hour=9),),
    )
    free = comparison.replay(PeakfleetPolicy(spec=replace(spec, spend_limits=())), pools=pools)
    bound = comparison.replay(PeakfleetPolicy(spec=spec), pools=pools)
    assert max(free.billed_instances) > 9
    assert max(bound.billed_instances) == 9
