"""Replays know that traffic is split by weights, and that those of a name act late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    SitesBaseline,
    SiteSpec,
    TrafficSpec,
    WeightedRecordsSpec,
)
from peakfleet_sim import World, live_spec
from peakfleet_sim.demand import Demand
from peakfleet_sim.replay import Run, replay_fleet

BASELINE = 100.0
ELSEWHERE = live_spec(World(units_per_instance=10, baseline_units=BASELINE, max_instances=60))
SITES = replace(
    ELSEWHERE,
    baseline=SitesBaseline(
        sites=tuple(
            SiteSpec(name=name, baseline=FixedBaseline(units=BASELINE / 2))
            for name in ("fra", "ams")
        )
    ),
    traffic=TrafficSpec(
        listener_arn="l",
        cloud_target_group_arn="c",
        site_target_group_arns={"fra": "f", "ams": "a"},
    ),
)


def named(ttl_seconds: int) -> FleetSpec:
    records = WeightedRecordsSpec(
        hosted_zone_id="Z",
        record_name="live.example.com",
        cloud="cloud",
        sites={"": "own"},
        ttl_seconds=ttl_seconds,
    )
    return replace(ELSEWHERE, records=records)


def demand(units: list[float]) -> Demand:
    return Demand(
        name="evening",
        start=datetime(2026, 3, 2, tzinfo=UTC),
        units=np.array(units),
        history_minutes=0,
    )


EVENING = demand(
    [80.0] * 130
    + list(np.linspace(80, 300, 90))
    + [300.0] * 60
    + list(np.linspace(300, 80, 60))
    + [80.0] * 40
)


def run(spec: FleetSpec) -> Run:
    return replay_fleet(EVENING, spec)


def missed(one: Run) -> float:
    return float(one.unserved_units.sum() / one.burst_units.sum())


@pytest.mark.parametrize("spec", [SITES, named(60), named(300)])
def test_traffic_that_is_split_finds_what_serves_it(spec: FleetSpec) -> None:
    assert missed(run(spec)) < 0.03
    assert run(spec).desired_instances[-1] == 0


def test_a_name_that_is_kept_longer_is_grown_for_earlier_and_kept_longer() -> None:
    paid = [float(run(one).billed_instances.sum()) for one in (ELSEWHERE, named(60), named(300))]
    assert paid == sorted(paid)
    first = [int(np.argmax(run(one).desired_instances > 0)) for one in (named(60), named(600))]
    assert first[1] <= first[0]


def test_no_instance_leaves_while_the_name_still_leads_to_it() -> None:
    step = demand([80.0] * 130 + [300.0] * 90 + [90.0] * 60)
    calm = replay_fleet(step, named(900))
    fell = 220
    assert calm.unserved_units[fell : fell + 30].max() == 0
