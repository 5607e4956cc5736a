"""The tutorial, typed line by line, as far as it needs neither a network nor an account."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.commands import run

pytestmark = pytest.mark.slow

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
ELSEWHERE = {
    "python -m venv .venv && . .venv/bin/activate": "make release installs the wheel so",
    'pip install "$(ls ../peakfleet/dist/peakfleet-*.whl)[sim]"': "as above",
    "pip install -r requirements.txt": "as above",
    "pytest": "tests/cli/test_init.py",
    "npm install": "what it pins is in tests/cli/test_init.py",
    "peakfleet doctor cdk.out": "tests/cli/test_doctor.py",
    "npx cdk deploy": "tests/e2e",
    "peakfleet status --watch": "tests/cli/test_status.py",
}
"""Lines that are typed in other tests, or that nothing here can type."""
INSTEAD = {"npx cdk synth --quiet": "python app.py"}
"""The app without the CLI."""
SHORTER = {"peakfleet demand example": "--days 1", "peakfleet compare": "--policy peakfleet"}
"""Options that spare time."""


COMMAND = (
    "-c",
    "import sys; from peakfleet_cli.main import app; sys.argv[0] = 'peakfleet'; app()",
)


def _lines() -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL):
        yield from block.splitlines()


def test_every_line_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    folder, said = tmp_path, {}
    for line in _lines():
        if line in ELSEWHERE:
            continue
        if line.startswith("cd "):
            folder /= line.removeprefix("cd ")
            continue
        options = next((o for start, o in SHORTER.items() if line.startswith(start)), "")
        program, *words = shlex.split(f"{INSTEAD.get(line, line)} {options}")
        command = [sys.executable, *(COMMAND if program == "peakfleet" else ()), *words]
        said[line] = run(
            *command, cwd=folder, CDK_OUTDIR=str(folder / "cdk.out"), AWS_CONFIG_FILE=os.devnull
        )
    assert (folder / "out" / "compare.html").is_file()
    (plan,) = (text for line, text in said.items() if line.endswith("--demand requests.csv"))
    assert re.search(r"MyBurst/Web +2\.\d\d +<= \d+\.\d\d \(\d+\.\d\d % unserved\)", plan)
