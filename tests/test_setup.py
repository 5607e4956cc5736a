"""A set-up that fails says which step failed, shows the tool's own error and names the remedies."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout whose Python and npm are stand-ins: they fail where FAILS says so."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("python", "npm"):
        tool = tools / name
        tool.write_text(
            f'#!/bin/sh\ncase "{name} $*" in *"$FAILS"*) echo "certificate refused" >&2; exit 7;; '
            "esac\nmkdir -p node_modules/.bin\n"
        )
        tool.chmod(0o755)
    return tmp_path


def set_up(checkout: Path, *, fails: str) -> subprocess.CompletedProcess[str]:
    python = checkout / ".venv" / "bin" / "python"
    return subprocess.run(  # noqa: S603  the repository's own Makefile
        ["make", f"PYTHON={python}", "node_modules/.bin/cdk"],  # noqa: S607  as a user types it
        cwd=checkout,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "FAILS": fails},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_deployment_without_an_environment_is_refused_with_the_choices(checkout: Path) -> None:
    shutil.copy(ROOT / "cdk.json", checkout)
    refused = subprocess.run(
        ["make", "deploy"],  # noqa: S607  as a user types it
        cwd=checkout,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0
    assert "make deploy ENVIRONMENT=dev or make deploy ENVIRONMENT=prod" in refused.stderr
    assert not list(checkout.glob("node_modules"))


@pytest.mark.parametrize(
    ("command", "step", "remedy"),
    [
        ("-m venv", "virtual environment", "python3-venv"),
        ("--require-hashes", "packages of requirements.txt (pip)", "PIP_CERT"),
        ("peakfleet.prefetch", "numpy for Lambda (pip)", "PIP_CERT"),
        ("npm ci", "the CDK CLI in node_modules (npm)", "NODE_EXTRA_CA_CERTS"),
    ],
)
def test_a_step_that_fails_shows_the_tools_error_and_the_remedies(
    checkout: Path, command: str, step: str, remedy: str
) -> None:
    failed = set_up(checkout, fails=command)

    assert failed.returncode != 0
    assert "certificate refused" in failed.stderr
    assert f"set-up: FAILED: {step}" in failed.stdout
    assert remedy in failed.stdout


def test_set_up_says_each_step_and_continues_after_a_failure(checkout: Path) -> None:
    set_up(checkout, fails="npm ci")
    again = set_up(checkout, fails="nothing")

    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines() == ["set-up: the CDK CLI in node_modules (npm)"]
