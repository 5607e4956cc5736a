"""The command as a whole: without extras, on a narrow terminal, and when it is misused."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from peakfleet_cli.account import Account
from peakfleet_cli.main import app

EXTRAS = ("numpy", "scipy", "polars", "matplotlib", "plotly", "fastexcel", "moto", "cheroot")
WITHOUT_EXTRAS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {extras}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from peakfleet_cli.main import app
{run}
"""


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401  of the library
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from _commands(command, (*path, name))


COMMANDS = list(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_is_whole_on_80_columns(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "80"})

    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines())) <= 80
    assert "…" not in result.output
    text, drawn, _ = result.output.partition("╭")
    prose = text.strip().splitlines()[1:] if drawn else []  # the reporter's own is argparse's
    for line, after in pairwise(prose):
        word = after.strip().partition(" ")[0]
        broken = line.strip() and word and len(line.rstrip()) + 1 + len(word) < 79
        assert not broken or line.rstrip().endswith((".", ":")), f"{line!r} could hold {word!r}"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_option_is_read_from_a_variable_that_means_something_else(path: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]
    names = {name for parameter in command.params for name in _variables(parameter)}
    assert not names & {"FROM", "USER", "PATH", "HOME", "TABLE"}


def _variables(parameter: Any) -> list[str]:  # noqa: ANN401  of the library
    found = parameter.envvar or []
    return [found] if isinstance(found, str) else list(found)


def test_without_extras_help_works_and_what_needs_one_names_it() -> None:
    """One process, as each loads the command anew."""
    run = """
from typer.testing import CliRunner
for arguments in (["--help"], ["simulate", "--help"], ["status", "--help"], ["demo", "--help"],
                  ["simulate", "--demand", "x.csv"], ["compare", "--demand", "x.csv"], ["demo"],
                  ["demand", "check", "x.csv"]):
    result = CliRunner().invoke(app, arguments)
    print(" ".join(arguments), result.exit_code, result.stderr.strip(), sep="|")
"""
    done = subprocess.run(  # noqa: S603  this interpreter, with a program written above
        [sys.executable, "-c", WITHOUT_EXTRAS.format(extras=set(EXTRAS), run=run)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = dict(line.split("|", 1) for line in done.stdout.splitlines())

    assert done.stderr == ""
    for helped in ("--help", "simulate --help", "status --help", "demo --help"):
        assert said[helped] == "0|"
    for asked in ("simulate --demand x.csv", "compare --demand x.csv", "demand check x.csv"):
        assert re.fullmatch(
            r"1\|peakfleet: needs the extra sim: pip install 'peakfleet\[sim\]' \(\w+ is missing\)",
            said[asked],
        )
    assert "needs the extras sim and local: pip install 'peakfleet[sim,local]'" in said["demo"]


@pytest.mark.parametrize("path", [path for path in COMMANDS if path != ("report-baseline",)])
def test_help_shows_only_what_can_be_typed(path: tuple[str, ...]) -> None:
    text = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "120"}).output
    assert "<bool>" not in text
    assert "[more]" not in text
    assert "[[" not in text


@pytest.mark.parametrize("path", [(), ("demand",), ("prices",)])
def test_a_group_without_a_command_shows_its_help_and_nothing_more(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, path)
    assert result.exit_code == 2
    assert "Usage: peakfleet" in result.output
    assert "(see" not in result.output


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"peakfleet {version('peakfleet')}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["status", "--foo"], "peakfleet status: No such option: --foo"),
        (["hold", "F", "--until", "2h"], "peakfleet hold: Missing option '--reason'"),
        (["stauts"], "peakfleet: No such command 'stauts'"),
        (["hold", "F", "--until", "x", "--reason", "y"], "peakfleet"),
    ],
)
def test_wrong_use_is_one_line_that_names_the_help_and_ends_with_2(
    arguments: list[str], says: str
) -> None:
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(says)
    assert result.stderr.count("\n") == 1
    assert "--help)" in result.stderr


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:  # noqa: ANN401  pytest's
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    "arguments", [["status"], ["record", "x.csv", "--namespace", "N", "--metric", "M"]]
)
def test_without_a_region_a_command_fails_in_one_line(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 1
    assert result.stderr.startswith("peakfleet: no AWS region is configured")
    assert result.stderr.count("\n") == 1


@pytest.mark.usefixtures("nowhere")
def test_a_profile_that_does_not_exist_is_said() -> None:
    result = CliRunner().invoke(app, ["status", "--profile", "nobody"])

    assert result.exit_code == 1
    assert "nobody" in result.stderr


@pytest.mark.usefixtures("nowhere")
def test_the_region_is_that_of_the_option_then_of_either_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert Account().place == "eu-west-2"
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert Account().place == "eu-west-3"
    assert Account(region="eu-west-1").place == "eu-west-1"
