"""Fleets, minutes and ticks that the handler tests share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.tick import run
from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    Metric,
    PoolSpec,
    RateSignal,
    RegionShareSpec,
    ReportedBaseline,
    SitesBaseline,
    SiteSpec,
    TrafficSpec,
    WeightedRecordsSpec,
)
from tests.handlers.fake_aws import FakeAws, FakeGroup

NOW = 1_800_000_000
TABLE = "state"
BASELINE, CLOUD = "arn:baseline", "arn:cloud"

FLEET = FleetSpec(
    fleet="Media/Live",
    pools=(
        PoolSpec(name="Graviton", group="g", units_per_capacity=10, max_capacity=10),
        PoolSpec(name="X86", group="x", units_per_capacity=10, max_capacity=20),
    ),
    signals=(
        RateSignal(
            name="streams",
            metrics={"m": Metric(namespace="Live", metric_name="Streams")},
            expression="m",
        ),
    ),
    baseline=FixedBaseline(units=100),
    state_table=TABLE,
)
ON_PREMISES = Metric(namespace="OnPrem", metric_name="HealthyUnits", statistic="Minimum")
REPORTING_FLEET = replace(FLEET, baseline=ReportedBaseline(metric=ON_PREMISES, declared_units=100))
BALANCED_FLEET = replace(
    FLEET,
    traffic=TrafficSpec(
        listener_arn="arn:listener",
        baseline_target_group_arn=BASELINE,
        cloud_target_group_arn=CLOUD,
    ),
)
SITES_FLEET = replace(
    FLEET,
    baseline=SitesBaseline(
        sites=(
            SiteSpec(name="fra", baseline=FixedBaseline(units=200)),
            SiteSpec(name="ams", baseline=FixedBaseline(units=100)),
        )
    ),
    traffic=TrafficSpec(
        listener_arn="arn:listener",
        site_target_group_arns={"fra": "arn:fra", "ams": "arn:ams"},
        cloud_target_group_arn=CLOUD,
    ),
)
NAMED_FLEET = replace(
    FLEET,
    records=WeightedRecordsSpec(
        hosted_zone_id="Z1", record_name="live.example.com", sites={"": "own"}, cloud="cloud"
    ),
)
SHARED_FLEET = replace(
    FLEET,
    region=RegionShareSpec(
        hosted_zone_id="Z1", record_name="live.example.com", own="here", full_weight=100
    ),
)


def minutes(values: Sequence[float], *, until: int = NOW) -> dict[int, float]:
    """Return one value a minute, the last of a period that ends at *until*."""
    first = until - 60 * len(values)
    return {first + 60 * i: value for i, value in enumerate(values)}


def aws(demand: float = 0, *, graviton: int = 0, x86: int = 0) -> FakeAws:
    """Return an AWS with an hour of steady demand and two groups."""
    return FakeAws(
        metrics={"Streams": minutes([demand] * 70)},
        groups={
            "g": FakeGroup(desired=graviton, maximum=10),
            "x": FakeGroup(desired=x86, maximum=20),
        },
    )


def remembers(fake: FakeAws, *, tick: int = NOW - 600) -> FakeAws:
    """Return *fake* with a state table that remembers the groups as they are."""
    fake.table["Media/Live", "LATEST"] = {
        "fleet": {"S": "Media/Live"},
        "item": {"S": "LATEST"},
        "tick": {"N": str(tick)},
        "desired": {
            "M": {
                "Graviton": {"N": str(fake.groups["g"].desired)},
                "X86": {"N": str(fake.groups["x"].desired)},
            }
        },
        "plan": {"S": "{}"},
    }
    return fake


def event(spec: FleetSpec = FLEET, now: int = NOW) -> dict[str, Any]:
    """Return what the schedule sends."""
    time = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"scheduled_time": time, "spec": spec.to_json()}


def tick(
    fake: FakeAws,
    spec: FleetSpec = FLEET,
    now: int = NOW,
    *,
    timeout_seconds: float = 50,
) -> dict[str, Any]:
    """Run one tick and return what the handler returns."""
    end = fake.elapsed_seconds + timeout_seconds
    deadline = Deadline(remaining_milliseconds=lambda: 1000 * (end - fake.elapsed_seconds))
    fake.calls.clear()
    return run(event(spec, now), clients=fake.clients, deadline=deadline)
