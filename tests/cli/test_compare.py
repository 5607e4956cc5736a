"""`peakfleet compare` says which policy is best."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.demand_files import rough_demand, run, series, write_demand


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_policies_are_compared_and_everything_is_written(there: Path) -> None:
    demand = write_demand(there / "night.csv", rough_demand(300))
    result = run("compare", "--demand", demand, "--baseline-units", 12)

    assert result.exit_code == 0, result.output
    figures = json.loads((there / "out" / "compare.json").read_text())
    assert list(figures) == [
        "peakfleet", "target-tracking", "target-tracking-10s", "step", "hpa", "keda",
        "predictive", "lcp", "optimum",
    ]  # fmt: skip
    assert (there / "out" / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert "Peakfleet" in (there / "out" / "compare.html").read_text(encoding="utf-8")
    del figures["optimum"]
    ours = figures["peakfleet"]
    costs = {"peakfleet": ours["instance_minutes"]}
    for name, one in figures.items():
        if name != "peakfleet" and (same := one["equal_service"]):
            assert same["unserved_units"] <= ours["unserved_units"] + 1e-6
            costs[name] = same["instance_minutes"]
        if name != "peakfleet" and (same := one["equal_cost"]):
            assert same["instance_minutes"] <= ours["instance_minutes"]
    best = min(costs, key=lambda name: costs[name])
    assert "peakfleet_at_its_service" in figures["target-tracking"]
    assert "equal service" in result.stdout
    marked = [line.split()[1] for line in result.stdout.splitlines() if "★" in line]
    assert marked == [best]


def test_what_reads_its_source_may_see_it_at_once(there: Path) -> None:
    demand = write_demand(there / "night.csv", rough_demand(300))
    options = ("--demand", demand, "--policy", "keda", "step", "--metric-delay-seconds", 300)
    figures = []
    for extra in ([], ["--own-delays"]):
        assert run("compare", *options, *extra).exit_code == 0
        figures.append(json.loads((there / "out" / "compare.json").read_text()))

    assert figures[1]["keda"]["score"] < figures[0]["keda"]["score"]
    assert figures[1]["step"] == figures[0]["step"]


def test_a_long_recording_is_charted_by_its_busiest_week(there: Path) -> None:
    days = [1.0] * 1440 * 2 + [5.0] * 1440 * 7 + [2.0] * 1440
    demand = write_demand(there / "long.csv", days)
    result = run("compare", "--demand", demand, "--policy", "keda", "optimum")

    assert result.exit_code == 0, result.output
    page = (there / "out" / "compare.html").read_text(encoding="utf-8")
    assert "<dd>the busiest 7 days; figures are of all</dd>" in page
    assert json.loads((there / "out" / "compare.json").read_text())["keda"]["burst_units"] == sum(
        days
    )


def write_scenario(folder: Path) -> Path:
    """Write a scenario whose Spot is gone in its second half, with a price for each pool."""
    nodes = {"metadata": {"gap_seconds": 60}, "data": [9] * 150 + [0] * 150}
    (folder / "spot.json").write_text(json.dumps(nodes))
    path = folder / "what-if.toml"
    path.write_text(
        '[[pool]]\nname = "Spot"\navailability = {file = "spot.json"}\nusd_per_hour = 0.3\n'
        '[[pool]]\nname = "OnDemand"\nunits_per_instance = 2\nusd_per_hour = 0.9\n'
        "[[metrics_lost]]\nfrom_minute = 60\nminutes = 20\n"
        "[[baseline_outage]]\nfrom_minute = 100\nminutes = 30\nusable_fraction = 0.5\n"
    )
    return path


def test_in_a_scenario_all_policies_meet_the_same_pools_and_failures(there: Path) -> None:
    demand = write_demand(there / "night.csv", rough_demand(300))
    result = run(
        "compare", "--demand", demand, "--scenario", write_scenario(there),
        "--baseline-units", 12, "--series", there / "all.csv", "--seed", 3,
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    figures = json.loads((there / "out" / "compare.json").read_text())
    peers = [name for name in figures if name != "optimum"]
    assert len(peers) == 8
    assert "pools" not in figures["optimum"]
    rows = series(there / "all.csv")
    assert {row["Spot_ready_instances"] for row in rows["optimum"]} == {""}
    for name in peers:
        pools = figures[name]["pools"]
        for pool, usd in (("Spot", 0.3), ("OnDemand", 0.9)):
            billed = sum(float(row[f"{pool}_billed_instances"]) for row in rows[name])
            assert 0 < billed == pools[pool]["instance_minutes"]
            assert pools[pool]["usd"] == pytest.approx(billed / 60 * usd)
        assert figures[name]["usd"] == pytest.approx(sum(pool["usd"] for pool in pools.values()))
        assert pools["Spot"]["reclaimed_instances"] > 0
        assert all(row["Spot_ready_instances"] == "0" for row in rows[name][151:])
    hours = [line.split() for line in result.stdout.split("by pool")[1].splitlines()]
    assert ["policy", "Spot", "OnDemand", "reclaimed"] in hours
    assert [cells[0] for cells in hours if len(cells) == 4][1:] == peers


def test_the_page_of_a_scenario_shows_the_pools_of_every_policy(there: Path) -> None:
    demand = write_demand(there / "night.csv", rough_demand(300))
    scenario = write_scenario(there)
    options = ("--demand", demand, "--baseline-units", 12, "--policy", "peakfleet")
    peers = ("target-tracking", "keda:0.9", "optimum")
    pages = []
    for extra in ((), ("--scenario", scenario)):
        assert run("compare", *options, *peers, *extra).exit_code == 0
        pages.append((there / "out" / "compare.html").read_text(encoding="utf-8"))

    fair, foul = pages
    # perfect foresight has no pools, the others have them in a section of their own
    assert [foul.count(f'"name":"{pool}"') for pool in ("Spot", "OnDemand")] == [3, 3]
    assert fair.count('"name":"Spot"') == 0
    assert "<h2>keda:0.9</h2>" in foul
    assert "the first pool that has room" in foul
    for page in pages:
        assert "At equal service Peakfleet costs" in page or "No setting of AWS" in page


def test_with_one_pool_without_failures_a_scenario_changes_no_figure_of_a_peer(there: Path) -> None:
    demand = write_demand(there / "night.csv", rough_demand(300))
    (there / "fair.toml").write_text('[[pool]]\nname = "Only"\nmax_instances = 200\n')
    names = ("--policy", "peakfleet", "target-tracking-10s", "keda")
    options = ("--demand", demand, "--baseline-units", 12, "--own-delays", "--one-way", *names)
    figures = []
    for extra in (("--max-instances", 200), ("--scenario", there / "fair.toml")):
        assert run("compare", *options, *extra).exit_code == 0
        figures.append(json.loads((there / "out" / "compare.json").read_text()))

    without, within = figures
    for name, one in without.items():
        assert one == {figure: within[name][figure] for figure in one}


def test_the_scenario_of_the_documentation_is_one(there: Path) -> None:
    page = Path(__file__).parents[2].joinpath("docs", "what-if.md").read_text(encoding="utf-8")
    (there / "what-if.toml").write_text(page.split("```toml\n")[1].split("```")[0])
    nodes = json.dumps({"metadata": {"gap_seconds": 600}, "data": [4, 1, 0, 4]})
    (there / "spot.json.gz").write_text(nodes)
    demand = write_demand(there / "night.csv", [1000 * value for value in rough_demand(90)])
    options = ("--demand", demand, "--baseline-units", 12_000, "--policy", "peakfleet", "step")
    result = run("compare", *options, "--scenario", there / "what-if.toml")

    assert result.exit_code == 0, result.output
    figures = json.loads((there / "out" / "compare.json").read_text())
    assert list(figures["step"]["pools"]) == ["Spot", "OnDemand"]
