"""The whole way: the reference app, deployed by the real CDK CLI, follows a steep peak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from peakfleet_cli.main import app as command_line
from peakfleet_demo.demo import max_units, physics_of
from peakfleet_local import LocalAws, deploy
from peakfleet_local.replay import (
    Minute,
    Phases,
    ReplayedFleet,
    deployed_fleets,
    replay,
    usable_baseline_units,
)
from peakfleet_planner import FleetSpec, Plan, Reason

ROOT = Path(__file__).parents[2]
START = 1_774_209_000
"""The second full hour comes while the fleets tick: then the learners run too."""
PHASES = Phases(history_minutes=64, warm_up_minutes=0, scored_minutes=45)
PEAK_MINUTES = range(67, 76)
FLEETS = {"Media-dev/Live", "Media-dev/Transcode", "Storage-dev/Ingest", "Storage-dev/Sync"}
LIVE_FLEETS = {"Media-dev/Live", "Storage-dev/Sync"}


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What came of it."""

    aws: LocalAws
    specs: Sequence[FleetSpec]
    minutes: Sequence[Minute]

    def desired(self, fleet: str) -> list[int]:
        return [
            sum(pool.desired_capacity for pool in minute.fleets[fleet].pools)
            for minute in self.minutes
        ]

    def in_service(self, fleet: str) -> list[int]:
        return [
            sum(pool.in_service_capacity for pool in minute.fleets[fleet].pools)
            for minute in self.minutes
        ]

    def plans(self, fleet: str) -> list[Plan]:
        plans = [minute.fleets[fleet].plan for minute in self.minutes]
        return [plan for plan in plans if plan is not None]


def steep_peak(spec: FleetSpec) -> ReplayedFleet:
    """Return half the baseline, and a few minutes in which half the fleet is needed besides."""
    baseline = usable_baseline_units(spec)
    high = baseline + max_units(spec) / 2
    return ReplayedFleet(
        spec=spec,
        demand_units=[
            high if minute in PEAK_MINUTES else baseline / 2
            for minute in range(PHASES.total_minutes)
        ],
        physics=physics_of(spec),
    )


@pytest.fixture(scope="module")
def replayed() -> Iterator[Replayed]:
    log: list[str] = []
    with LocalAws() as aws:
        deploy(
            aws,
            app_directory=ROOT,
            cdk_command=(str(ROOT / "node_modules" / ".bin" / "cdk"),),
            on_output=log.append,
        )
        specs = deployed_fleets(region=aws.region)
        fleets = [steep_peak(spec) for spec in specs]
        minutes = tuple(replay(aws, fleets, start_epoch_seconds=START, phases=PHASES))
        yield Replayed(aws=aws, specs=specs, minutes=minutes)


def test_every_fleet_of_the_app_is_found_by_its_schedule(replayed: Replayed) -> None:
    assert {spec.fleet for spec in replayed.specs} == FLEETS


def test_no_handler_and_no_call_failed(replayed: Replayed) -> None:
    for minute in replayed.minutes:
        for name, fleet in minute.fleets.items():
            assert (name, fleet.error, fleet.failed_calls) == (name, "", 0)


@pytest.mark.parametrize("fleet", sorted(FLEETS))
def test_groups_grow_for_the_peak_and_shrink_after_it(replayed: Replayed, fleet: str) -> None:
    desired, in_service = replayed.desired(fleet), replayed.in_service(fleet)

    assert desired[0] == in_service[0] == 0
    assert max(desired) >= max(in_service) > 0
    assert in_service[-1] == desired[-1] < max(desired)


def test_a_group_really_has_the_size_that_was_decided(replayed: Replayed) -> None:
    described = replayed.aws.client("autoscaling").describe_auto_scaling_groups()
    sizes: Mapping[str, int] = {
        group["AutoScalingGroupName"]: group["DesiredCapacity"]
        for group in described["AutoScalingGroups"]
    }

    last = replayed.minutes[-1]
    for spec in replayed.specs:
        for pool, minute in zip(spec.pools, last.fleets[spec.fleet].pools, strict=True):
            assert sizes[pool.group] == minute.desired_capacity


def test_plans_say_what_set_the_size_before_during_and_after_the_peak(replayed: Replayed) -> None:
    reasons = [plan.reason for plan in replayed.plans("Media-dev/Live")]

    assert reasons[0] is Reason.BASELINE_SUFFICES
    assert {Reason.DEMAND, Reason.STEP_LIMITED} & set(reasons)
    assert reasons[-1] in {Reason.HOLDING_PEAK, Reason.BASELINE_SUFFICES}


def test_an_engineer_can_ask_why_a_fleet_has_its_size(
    replayed: Replayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in replayed.aws.environment.items():
        monkeypatch.setenv(name, value)
    live = next(spec for spec in replayed.specs if spec.fleet == "Media-dev/Live")
    assert live.state_table is not None

    changes = [
        plan for plan in replayed.plans(live.fleet) if any(pool.changes for pool in plan.pools)
    ]

    result = CliRunner().invoke(command_line, ["explain", live.fleet])

    assert result.exit_code == 0, result.output
    assert "Media-dev/Live has had this size since 2026-03-22" in result.output
    assert changes[-1].explain() in result.output


def test_fleets_with_live_demand_have_learned_from_it(replayed: Replayed) -> None:
    dynamodb = replayed.aws.client("dynamodb")
    tables = {spec.state_table for spec in replayed.specs}
    kept = [item for table in tables for item in dynamodb.scan(TableName=table)["Items"]]
    models = [item for item in kept if item["item"]["S"] == "MODEL"]
    assert {item["fleet"]["S"] for item in models} == LIVE_FLEETS
    before_the_hour_seconds = {-int(item["learned"]["N"]) % 3600 for item in models}
    assert max(before_the_hour_seconds) <= 300
