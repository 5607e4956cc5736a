"""`peakfleet demand check` says what a recording holds; `simulate` reads it the same way."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from peakfleet_cli.main import app
from tests.cli.demand_files import rough_demand, run, series, write_demand
from tests.sim.exports import TEXTS, VALUES, naive, table

DOCS = Path(__file__).parents[2] / "docs" / "demand.md"


def test_a_check_says_what_was_understood(tmp_path: Path) -> None:
    path = tmp_path / "web.csv"
    path.write_text(TEXTS["Grafana"].replace(f",{VALUES[3]}", ","), encoding="utf-8")
    result = run("demand", "check", path)

    assert result.exit_code == 0, result.output
    said = dict(re.split(r"  +", line.strip(), maxsplit=1) for line in result.stdout.splitlines())
    assert said["rows"] == "90"
    assert said["span"] == "2026-03-10 00:00 to 2026-03-10 01:30 UTC"
    assert said["step"] == "1 min"
    assert said["gaps"] == "1 of 90 steps missing"
    assert said["duplicates"] == "0"
    assert said["values"] == "column 'requests', gauge"
    assert said["peak"] == "1,344.2 units"
    assert said["99th percentile"].endswith("units")
    assert "name no zone and count as UTC" in result.stdout


def test_what_a_check_writes_is_replayed_as_the_recording_is(tmp_path: Path) -> None:
    recorded, written = tmp_path / "web.tsv", tmp_path / "new" / "web.csv.gz"
    recorded.write_text(TEXTS["tab"], encoding="utf-8")
    assert run("demand", "check", recorded, "--write", written).exit_code == 0

    assert gzip.decompress(written.read_bytes()).startswith(
        b"timestamp_utc,demand\n2026-03-10T00:00:00Z,595\n"
    )
    rows = []
    for path in (recorded, written):
        out = tmp_path / "series.csv"
        assert run("simulate", "--demand", path, "--series", out).exit_code == 0
        rows.append(series(out))
    assert rows[0] == rows[1]


def test_standard_input_is_replayed(tmp_path: Path) -> None:
    out = tmp_path / "series.csv"
    arguments = ["simulate", "--demand", "-", "--series", str(out)]
    result = CliRunner().invoke(app, arguments, input=TEXTS["canonical"])

    assert result.exit_code == 0, result.output
    assert [float(row["demand_units"]) for row in series(out)["peakfleet"]] == VALUES


@pytest.mark.parametrize("command", [("demand", "check"), ("simulate", "--demand")])
@pytest.mark.parametrize(
    ("data", "options", "says"),
    [
        (table("t,a,b", value=lambda v: f"1,{v}"), (), "choose one by --value-column"),
        (table(), ("--timezone", "Mars/Base"), "--timezone 'Mars/Base' is not known"),
        (table(), ("--decimal", ":"), "--decimal must be one of . ,"),
        (table(), ("--rate",), "--rate is for a counter"),
        (table(), ("--time-column", "x"), "--time-column 'x' is not there"),
    ],
    ids=["series", "timezone", "decimal", "rate", "time-column"],
)
def test_what_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, command: tuple[str, ...], data: str, options: tuple[str, ...], says: str
) -> None:
    path = tmp_path / "web.csv"
    path.write_text(data, encoding="utf-8")
    result = run(*command, path, *options)

    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not result.stdout


def test_simulate_says_how_it_read_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "web.csv"
    path.write_text(table("when;load", time=naive, row="{time};{value}"), encoding="utf-8")
    result = run("simulate", "--demand", path, "--units-per-instance", 100)

    assert result.stdout.splitlines()[0] == (
        "web: 90 rows of 'load', 2026-03-10 00:00 to 2026-03-10 01:30 UTC, step 1 min, no gaps, "
        "peak 1,344.2 units, 99th percentile 1,332.99; times of 'when' name no zone and count as "
        "UTC"
    )
    assert not result.stderr


# Trials that say nothing


@pytest.mark.parametrize(
    ("values", "options", "says"),
    [
        ([3.0, 4.0] * 9, ("--baseline-units", 5), "nothing bursts: demand peaks at 4 units"),
        ([0.0] * 18, (), "nothing bursts: demand peaks at 0 units"),
        ([7.0] * 18, (), "demand is 7 units in every minute: without a peak"),
        ([9.0, 1.0] * 9, ("--max-instances", 5), "the maximum of 5 instances binds in 50%"),
    ],
    ids=["below the baseline", "zero", "constant", "maximum"],
)
def test_a_trial_that_says_nothing_is_called_so(
    tmp_path: Path, values: list[float], options: tuple[object, ...], says: str
) -> None:
    demand = write_demand(tmp_path / "demand.csv", values)
    result = run("simulate", "--demand", demand, *options)

    assert result.exit_code == 0
    assert f"peakfleet: warning: {says}" in result.stderr


def test_a_maximum_that_nobody_said_never_binds_and_is_said(tmp_path: Path) -> None:
    demand = write_demand(tmp_path / "demand.csv", [500.0, 900.0] * 9)
    result = run("simulate", "--demand", demand, "--policy", "peakfleet", "--baseline-units", 100)

    assert result.exit_code == 0
    assert "maximum: 1,600 instances, twice what the peak needs" in result.stdout
    assert "binds" not in result.stderr


def test_a_trial_that_says_something_has_no_warning(tmp_path: Path) -> None:
    demand = write_demand(tmp_path / "demand.csv", rough_demand(90))

    assert not run("simulate", "--demand", demand, "--baseline-units", 12).stderr


@pytest.mark.parametrize("values", [[7.0] * 40, [0.0] * 40], ids=["constant", "zero"])
def test_demand_without_a_peak_has_no_headline_about_savings(
    tmp_path: Path, values: list[float]
) -> None:
    demand, page = write_demand(tmp_path / "demand.csv", values), tmp_path / "report.html"
    policies = ("--policy", "peakfleet", "target-tracking", "optimum")
    result = run("simulate", "--demand", demand, "--html", page, *policies)

    assert result.exit_code == 0, result.output
    text = page.read_text(encoding="utf-8")
    assert "<h1>Demand never changes: there is no peak to compare policies on</h1>" in text
    assert 'class="card"' not in text
    assert "★" not in result.stdout


@pytest.mark.parametrize("policy", ["target-tracking:70", "keda:1.01", "step:90", "hpa:2"])
def test_a_target_above_the_whole_instance_is_refused(tmp_path: Path, policy: str) -> None:
    demand = write_demand(tmp_path / "demand.csv", rough_demand(30))
    result = run("simulate", "--demand", demand, "--policy", policy)

    assert result.exit_code == 1
    assert "must be above 0 and at most 1" in result.stderr
    assert len(result.stderr.splitlines()) == 1


# The page


def test_the_examples_of_the_documentation_are_true(tmp_path: Path) -> None:
    page = DOCS.read_text(encoding="utf-8")
    pattern = r"```csv\n(.*?)```\n+```sh\n\$ peakfleet demand check (.*?)\n(.*?)```"
    examples = re.findall(pattern, page, re.DOTALL)

    assert len(examples) >= 3
    for text, command, printed in examples:
        name, *options = (word.strip("'") for word in command.split(" "))
        (tmp_path / name).write_text(text, encoding="utf-8")
        result = run("demand", "check", tmp_path / name, *options)
        shown = (result.stdout or result.stderr).replace(f"{tmp_path}/", "")
        assert " ".join(shown.split()) == " ".join(printed.split())


def test_every_option_is_in_the_documentation() -> None:
    page = DOCS.read_text(encoding="utf-8")
    options = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", run("demand", "check", "--help").output))

    assert options - {"--help"}
    assert [one for one in options - {"--help"} if f"`{one}" not in page] == []


def test_json_that_is_read_has_the_same_figures(tmp_path: Path) -> None:
    rows = [{"at": line.split(",")[0], "load": float(line.split(",")[1])}
            for line in TEXTS["canonical"].splitlines()[1:]]  # fmt: skip
    paths = tmp_path / "web.csv", tmp_path / "web.json"
    paths[0].write_text(TEXTS["canonical"], encoding="utf-8")
    paths[1].write_text(json.dumps(rows), encoding="utf-8")
    figures = []
    for path in paths:
        out = tmp_path / "figures.json"
        options = ("--units-per-instance", 50, "--json", out)
        assert run("simulate", "--demand", path, *options).exit_code == 0
        figures.append(out.read_text())

    assert figures[0] == figures[1]


def test_an_example_is_demand_that_every_command_reads(tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    made = run("demand", "example", path, "--days", "1", "--peak-units", "2000")
    assert made.exit_code == 0, made.output
    assert "1,440 minutes" in made.stdout
    checked = json.loads(run("demand", "check", path, "--json").stdout)["facts"]
    assert (checked["rows"], checked["step"]) == ("1,440", "1 min")
    assert 1900 < float(checked["peak"].split()[0].replace(",", "")) < 2100
    again = tmp_path / "again.csv"
    run("demand", "example", again, "--days", "1", "--peak-units", "2000")
    assert again.read_bytes() == path.read_bytes()


def test_an_example_overwrites_nothing_and_refuses_a_peak_below_the_baseline(
    tmp_path: Path,
) -> None:
    path = tmp_path / "requests.csv"
    path.write_text("mine")
    assert "exists already" in run("demand", "example", path).stderr
    assert path.read_text() == "mine"
    refused = run("demand", "example", tmp_path / "low.csv", "--peak-units", "300")
    assert refused.exit_code == 2
    assert "must be above --baseline-units" in refused.stderr
