"""`peakfleet simulate` of a specification, of a template, and in a scenario."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from peakfleet_planner import (
    BacklogSignal,
    FixedBaseline,
    FleetSpec,
    Metric,
    PoolSpec,
    RateSignal,
    ServiceLevelSpec,
)
from tests.cli.demand_files import rough_demand, run, series, write_demand

STREAMS = RateSignal(
    name="streams",
    metrics={"m": Metric(namespace="Live", metric_name="Streams", statistic="Sum")},
    expression="m / 60",
    units_per_value=3,
)
JOBS = BacklogSignal(
    name="jobs",
    metrics={"waiting": Metric(namespace="AWS/SQS", metric_name="Visible")},
    seconds_per_item=60,
    drain_within_seconds=600,
)


def fleet(name: str = "Media/Live", signal: RateSignal | BacklogSignal = STREAMS) -> FleetSpec:
    return FleetSpec(
        fleet=name,
        pools=(
            PoolSpec(name="Spot", group="s", units_per_capacity=2, max_capacity=4),
            PoolSpec(name="Arm", group="a", units_per_capacity=1, max_capacity=9),
        ),
        signals=(signal,),
        baseline=FixedBaseline(units=12),
        service_level=ServiceLevelSpec(unserved_cost=5),
    )


def write_spec(folder: Path, spec: FleetSpec) -> Path:
    path = folder / "spec.json"
    path.write_text(json.dumps(spec.to_json()), encoding="utf-8")
    return path


def schedule(spec: FleetSpec) -> dict[str, Any]:
    """Return a schedule as CDK writes it: the specification in pieces around references."""
    sent = json.dumps({"scheduled_time": "<aws.scheduler.scheduled-time>", "spec": spec.to_json()})
    before, after = sent.split('"group": "s"')
    pieces = [before, '"group": "', {"Ref": "SpotGroup9F"}, '"', after]
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {"Target": {"Input": {"Fn::Join": ["", pieces]}}},
    }


def write_template(folder: Path, *specs: FleetSpec) -> Path:
    other = {"Type": "AWS::Scheduler::Schedule", "Properties": {"Target": {"Input": "tick"}}}
    resources = {"Queue": {"Type": "AWS::SQS::Queue"}, "Other": other}
    path = folder / "Media.template.json"
    template = {"Resources": resources | {f"S{i}": schedule(s) for i, s in enumerate(specs)}}
    path.write_text(json.dumps(template), encoding="utf-8")
    return path


def simulate(folder: Path, *arguments: object, demand: Path | None = None) -> Any:  # noqa: ANN401  JSON data
    demand = demand or write_demand(folder / "demand.csv", rough_demand(240))
    out = folder / "figures.json"
    result = run(
        "simulate", "--demand", demand, "--json", out, "--series", folder / "series.csv",
        *arguments,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return json.loads(out.read_text())


def test_a_specification_says_pools_baseline_and_what_missed_work_costs(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, fleet())
    figures = simulate(tmp_path, "--spec", spec, "--policy", "peakfleet", "hpa", "optimum")
    rows = series(tmp_path / "series.csv")

    burst = sum(max(0.0, float(row["demand_units"]) - 12) for row in rows["hpa"])
    assert figures["peakfleet"]["burst_units"] == pytest.approx(burst)
    # 4 instances of 2 units and 9 of 1 unit are 8.5 of the first kind; one group has 8 of them
    assert max(float(row["ready_instances"]) for row in rows["peakfleet"]) == 8.5
    assert max(float(row["ready_instances"]) for row in rows["hpa"]) == 8
    assert min(float(row["unserved_units"]) for row in rows["peakfleet"]) == 0


def test_signals_in_periods_below_a_minute_are_seen_at_once_unless_told_otherwise(
    tmp_path: Path,
) -> None:
    metric = replace(STREAMS.metrics["m"], period_seconds=10)
    quick = write_spec(tmp_path, fleet(signal=replace(STREAMS, metrics={"m": metric})))
    usual, at_once, later = (
        simulate(tmp_path, "--spec", quick, *delay)
        for delay in ((), ("--metric-delay-seconds", 0), ("--metric-delay-seconds", 60))
    )
    assert usual == at_once
    assert usual != later
    assert later == simulate(tmp_path, "--spec", write_spec(tmp_path, fleet()))


def test_a_template_gives_the_same_as_its_specification(tmp_path: Path) -> None:
    template = write_template(tmp_path, fleet(), fleet("Media/Other", JOBS))
    from_template = simulate(tmp_path, "--template", template, "--fleet", "Media/Live")

    assert from_template == simulate(tmp_path, "--spec", write_spec(tmp_path, fleet()))


def test_the_only_fleet_of_a_template_needs_no_name(tmp_path: Path) -> None:
    template = write_template(tmp_path, fleet())

    assert simulate(tmp_path, "--template", template)["peakfleet"]["instance_minutes"] > 0


def test_work_of_a_backlog_waits_until_its_deadline(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, fleet("Media/Jobs", JOBS))
    demand = write_demand(tmp_path / "demand.csv", [8.0] * 60 + [24.0] * 5 + [2.0] * 60)
    figures = simulate(
        tmp_path, "--spec", spec, "--policy", "peakfleet", "keda:0.2", "optimum", demand=demand
    )

    assert figures["optimum"]["unserved_units"] == 0
    assert figures["peakfleet"]["unserved_units"] == pytest.approx(0)
    assert figures["keda:0.2"]["instance_minutes"] > 0


def test_a_setting_of_peakfleet_is_the_cost_that_it_plans_with(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, fleet())
    figures = simulate(tmp_path, "--spec", spec, "--policy", "peakfleet:1", "peakfleet:50")

    careless, careful = figures["peakfleet:1"], figures["peakfleet:50"]
    assert careful["instance_minutes"] > careless["instance_minutes"]
    assert careful["unserved_units"] < careless["unserved_units"]


def test_a_scenario_has_pools_prices_and_failures(tmp_path: Path) -> None:
    (tmp_path / "spot.json").write_text('{"metadata": {"gap_seconds": 60}, "data": [0]}')
    (tmp_path / "what-if.toml").write_text(
        '[[pool]]\nname = "Spot"\navailability = {file = "spot.json"}\nusd_per_hour = 0.3\n'
        '[[pool]]\nname = "OnDemand"\nmax_instances = 9\nboot_seconds = 60\nusd_per_hour = 0.9\n'
    )
    demand = write_demand(tmp_path / "demand.csv", rough_demand(240))
    result = run(
        "simulate", "--demand", demand, "--scenario", tmp_path / "what-if.toml",
        "--baseline-units", 12, "--policy", "peakfleet", "optimum",
        "--json", tmp_path / "figures.json",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    priced = [line.split()[-1] for line in result.stdout.splitlines() if "optimum" in line]
    assert float(priced[0]) > 0  # its instances fill the ladder, each at its price
    assert json.loads((tmp_path / "figures.json").read_text())["peakfleet"]["unserved_units"] > 0


def test_a_given_fleet_with_a_backlog_meets_the_failures_under_every_policy(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, fleet("Media/Jobs", JOBS))
    (tmp_path / "spot.json").write_text('{"metadata": {"gap_seconds": 60}, "data": [0]}')
    dry = tmp_path / "dry.toml"
    dry.write_text('[[pool]]\nname = "Spot"\navailability = {file = "spot.json"}\n')
    policies = ("--spec", spec, "--policy", "peakfleet", "target-tracking", "lcp", "optimum")
    fair, foul = (simulate(tmp_path, *policies, *extra) for extra in ((), ("--scenario", dry)))

    assert foul["optimum"] == fair["optimum"]
    for name in ("peakfleet", "target-tracking", "lcp"):
        pools = foul[name]["pools"]
        assert (pools["Spot"]["instance_minutes"], foul[name]["usd"]) == (0, None)
        assert pools["Arm"]["instance_minutes"] == 2 * foul[name]["instance_minutes"] > 0
        assert "pools" not in fair[name]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--spec", "SPEC", "--template", "TEMPLATE"], "give one of them"),
        (["--spec", "SPEC", "--fleet", "Media/X"], "is of fleet 'Media/Live', not 'Media/X'"),
        (["--spec", "SPEC", "--boot-seconds", "9"], "--boot-seconds must be left out"),
        (["--template", "TEMPLATE"], "choose one with --fleet: Media/A, Media/B"),
        (["--template", "TEMPLATE", "--fleet", "C"], "has no fleet 'C'; it has Media/A, Media/B"),
        (["--template", "SPEC"], "is no CloudFormation template"),
        (["--spec", "TEMPLATE"], "version must be 1, got None"),
        (["--scenario", "SCENARIO", "--min-instances", "1"], "--min-instances must be left out"),
        (["--scenario", "SCENARIO", "--spec", "SPEC"], "scenario has a pool 'X', but fleet"),
    ],
)
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "scenario.toml").write_text('[[pool]]\nname = "X"\n')
    files = {
        "SPEC": str(write_spec(tmp_path, fleet())),
        "TEMPLATE": str(write_template(tmp_path, fleet("Media/A"), fleet("Media/B"))),
        "SCENARIO": str(tmp_path / "scenario.toml"),
    }
    demand = write_demand(tmp_path / "demand.csv", [1.0, 2.0])
    result = run("simulate", "--demand", demand, *(files.get(one, one) for one in arguments))

    assert result.exit_code == 1
    assert says in result.stderr
