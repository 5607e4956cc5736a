"""`peakfleet simulate` keeps its contract."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from peakfleet_sim.replay import KINDS
from tests.cli.demand_files import rough_demand, run, series, write_demand

COLUMNS = (
    "policy,minute,timestamp_utc,demand_units,desired_instances,ready_instances,"
    "billed_instances,unserved_units"
)
ALONE = ("--policy", "peakfleet", "--max-instances", 200)
"""The default maximum follows from the peak, so a law on what comes later says its own."""


def simulate(folder: Path, demand: Path, *arguments: object) -> dict[str, list[dict[str, str]]]:
    """Run the command and return its series."""
    out = folder / "series.csv"
    result = run("simulate", "--demand", demand, "--series", out, *arguments)
    assert result.exit_code == 0, result.output
    return series(out)


def test_a_series_has_a_row_for_each_policy_and_minute_of_the_file(tmp_path: Path) -> None:
    demand = write_demand(tmp_path / "demand.csv", [5.0, 6.5, 7.0])
    rows = simulate(tmp_path, demand, "--policy", "peakfleet", "keda:0.9", "optimum")

    assert (tmp_path / "series.csv").read_text().splitlines()[0] == COLUMNS
    assert list(rows) == ["peakfleet", "keda:0.9", "optimum"]
    assert [row["minute"] for row in rows["keda:0.9"]] == ["0", "1", "2"]
    assert [row["timestamp_utc"] for row in rows["optimum"]] == [
        "2026-03-02T06:00:00Z",
        "2026-03-02T06:01:00Z",
        "2026-03-02T06:02:00Z",
    ]
    assert [float(row["demand_units"]) for row in rows["peakfleet"]] == [5.0, 6.5, 7.0]


@pytest.mark.parametrize("delay_seconds", [0, 60, 120])
@pytest.mark.parametrize("boot_seconds", [0, 180])
def test_ready_billed_and_unserved_follow_from_what_was_desired(
    tmp_path: Path, delay_seconds: int, boot_seconds: int
) -> None:
    demand = write_demand(tmp_path / "demand.csv", rough_demand(240))
    policies = [name for name in KINDS if name != "optimum"]
    every = simulate(
        tmp_path, demand, "--policy", ",".join(policies), "--units-per-instance", 2,
        "--baseline-units", 15, "--boot-seconds", boot_seconds, "--metric-delay-seconds",
        delay_seconds, "--max-instances", 9,
    )  # fmt: skip
    boot = boot_seconds // 60

    for policy in policies:
        ready = KINDS[policy].least_instances
        serves_from: dict[int, int] = {}
        least = ready
        for minute, row in enumerate(every[policy]):
            ready += serves_from.pop(minute, 0)
            running = ready + sum(serves_from.values())
            burst = max(0.0, float(row["demand_units"]) - 15)
            desired = int(row["desired_instances"])
            assert int(row["ready_instances"]) == ready, (policy, minute)
            assert int(row["billed_instances"]) == running
            assert float(row["unserved_units"]) == pytest.approx(max(0.0, burst - 2 * ready))
            assert least <= desired <= 9
            if desired > running:
                serves_from[minute + 1 + boot] = desired - running
            else:
                ready -= min(running - desired, ready - least)


def test_figures_are_sums_of_the_series_after_the_history(tmp_path: Path) -> None:
    demand = write_demand(tmp_path / "demand.csv", rough_demand(300))
    rows = simulate(
        tmp_path, demand, "--policy", "target-tracking", "--policy", "optimum",
        "--baseline-units", 12, "--history-minutes", 100, "--unserved-cost", 4,
        "--json", tmp_path / "figures.json",
    )  # fmt: skip
    figures = json.loads((tmp_path / "figures.json").read_text())

    assert list(figures) == ["target-tracking", "optimum"]
    costs = {}
    for policy, scored in figures.items():
        after = rows[policy][100:]
        burst = [max(0.0, float(row["demand_units"]) - 12) for row in after]
        missed = [float(row["unserved_units"]) for row in after]
        assert list(scored) == [
            "instance_minutes", "burst_units", "unserved_units", "violation_minutes",
            "cost_ratio", "score",
        ]  # fmt: skip
        assert scored["instance_minutes"] == sum(float(row["billed_instances"]) for row in after)
        assert scored["burst_units"] == pytest.approx(sum(burst))
        assert scored["unserved_units"] == pytest.approx(sum(missed))
        assert scored["violation_minutes"] == sum(
            lost > 0.01 * need + 1e-9 for lost, need in zip(missed, burst, strict=True)
        )
        costs[policy] = scored["instance_minutes"] + 4 * sum(missed)
    assert figures["optimum"]["score"] == figures["optimum"]["cost_ratio"] == 1
    assert figures["target-tracking"]["score"] == pytest.approx(
        costs["target-tracking"] / costs["optimum"]
    )


@pytest.mark.parametrize("delay_seconds", [0, 60])
def test_cutting_the_file_leaves_what_was_before(tmp_path: Path, delay_seconds: int) -> None:
    values = rough_demand(200)
    options = ("--baseline-units", 15, "--metric-delay-seconds", delay_seconds, *ALONE)
    whole = simulate(tmp_path, write_demand(tmp_path / "whole.csv", values), *options)

    for rows in (2, 71, 150):
        cut = write_demand(tmp_path / "cut.csv", values[:rows])
        assert simulate(tmp_path, cut, *options)["peakfleet"] == whole["peakfleet"][:rows]


def test_a_decision_depends_on_nothing_younger_than_the_delay(tmp_path: Path) -> None:
    values = rough_demand(200)
    changed = [*values[:150], *[60.0] * 50]
    options = ("--baseline-units", 15, "--metric-delay-seconds", 120, *ALONE)
    one, other = (
        simulate(tmp_path, write_demand(tmp_path / "demand.csv", demand), *options)["peakfleet"]
        for demand in (values, changed)
    )

    sizes = [[row["desired_instances"] for row in rows] for rows in (one, other)]
    assert sizes[0][:152] == sizes[1][:152]
    assert sizes[0][152] != sizes[1][152]


def test_cutting_coarse_demand_leaves_what_was_before_the_middle_of_its_last_step(
    tmp_path: Path,
) -> None:
    values = rough_demand(60)
    demand = write_demand(tmp_path / "demand.csv", values, step_minutes=10)
    whole = simulate(tmp_path, demand, *ALONE)
    cut = write_demand(tmp_path / "cut.csv", values[:40], step_minutes=10)

    assert len(whole["peakfleet"]) == 600
    assert simulate(tmp_path, cut, *ALONE)["peakfleet"][:395] == whole["peakfleet"][:395]


def test_the_seed_fills_coarse_steps(tmp_path: Path) -> None:
    demand = write_demand(tmp_path / "demand.csv", rough_demand(30), step_minutes=5)
    first, again, other = (simulate(tmp_path, demand, "--seed", seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_every_file_is_written_where_asked(tmp_path: Path) -> None:
    demand = write_demand(tmp_path / "night.csv", rough_demand(90))
    html, png = tmp_path / "new" / "report.html", tmp_path / "new" / "picture.png"
    result = run(
        "simulate", "--demand", demand, "--baseline-units", 12, "--html", html, "--png", png,
        "--policy", "keda", "target-tracking", "optimum", "peakfleet",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    assert png.read_bytes().startswith(b"\x89PNG")
    page = html.read_text(encoding="utf-8")
    assert "AWS target tracking at 70 %" in page
    assert '<tr class="ours"><th scope="row">Peakfleet</th>' in page


def test_a_warm_pool_costs_its_share_and_serves_sooner(tmp_path: Path) -> None:
    demand = write_demand(tmp_path / "demand.csv", [10.0] * 80 + [20.0] * 20)
    options = ("--baseline-units", 10, "--boot-seconds", 600)
    cold = simulate(tmp_path, demand, *options)["peakfleet"]
    warm = simulate(
        tmp_path, demand, *options, "--warm-instances", 50, "--warm-cost-fraction", 0.1
    )["peakfleet"]

    assert float(warm[0]["billed_instances"]) == 5
    assert sum(float(row["unserved_units"]) for row in warm) < sum(
        float(row["unserved_units"]) for row in cold
    )


def test_what_is_let_go_waits_where_the_pool_is_planned_unless_told_otherwise(
    tmp_path: Path,
) -> None:
    demand = write_demand(tmp_path / "demand.csv", ([10.0] * 30 + [20.0] * 10) * 4)
    planned = ("--baseline-units", 10, "--warm-instances", "auto")
    default, asked, refused = (
        simulate(tmp_path, demand, *planned, *options)["peakfleet"]
        for options in ((), ("--warm-reuse",), ("--no-warm-reuse",))
    )

    assert default == asked
    assert default != refused


def test_demand_without_any_burst_has_no_score(tmp_path: Path) -> None:
    demand = write_demand(tmp_path / "demand.csv", [3.0] * 30)
    rows = simulate(tmp_path, demand, "--baseline-units", 5, "--json", tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())["peakfleet"]

    assert figures["score"] is figures["cost_ratio"] is None
    assert all(one["desired_instances"] == other["desired_instances"] == "0"
               for one, other in pairwise(rows["peakfleet"]))  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--policy", "kede"], "policy 'kede' is not known"),
        (["--warm-instances", "many"], "--warm-instances must be a number of at least 0 or auto"),
        (["--warm-instances", "-2"], "--warm-instances must be a number of at least 0 or auto"),
        (["--boot-seconds", "-1"], "boot_seconds must be at least 0"),
        (["--history-minutes", "9"], "history_minutes must be between 0 and 1, got 9"),
        (["--fleet", "A/B"], "--fleet chooses a fleet of a template"),
        (["--unserved-cost", "0.5"], "unserved_cost must be at least 1"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    demand = write_demand(tmp_path / "demand.csv", [1.0, 2.0])
    result = run("simulate", "--demand", demand, *arguments)

    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_names_without_policy_are_refused(tmp_path: Path) -> None:
    demand = write_demand(tmp_path / "demand.csv", [1.0, 2.0])

    assert run("simulate", "--demand", demand, "keda").exit_code == 2
