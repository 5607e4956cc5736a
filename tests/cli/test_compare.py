"""`peakfleet compare` says which policy is best."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.demand_files import rough_demand, run, write_demand


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
    best = min(figures, key=lambda name: figures[name]["score"])
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
