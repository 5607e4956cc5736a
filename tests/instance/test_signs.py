"""What workers and agent tell each other."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from peakfleet_instance import Leaving, busy, leaving, ready
from peakfleet_instance.signs import Signs

PACKAGE = Path(__file__).parents[2] / "constructs" / "peakfleet_instance"
WORKS = """\
import pathlib, sys, time
from peakfleet_instance import busy
with busy(pathlib.Path(sys.argv[1])):
    print("works", flush=True)
    time.sleep(60)
"""


def test_a_machine_is_busy_while_anybody_works(tmp_path: Path) -> None:
    signs = Signs(tmp_path)
    assert not signs.is_busy
    with busy(tmp_path):
        assert signs.is_busy
        with busy(tmp_path):
            assert signs.is_busy
        assert signs.is_busy
    assert not signs.is_busy


def test_work_that_fails_is_over_too(tmp_path: Path) -> None:
    signs = Signs(tmp_path)
    with pytest.raises(ZeroDivisionError), busy(tmp_path):
        _ = 1 / 0
    assert not signs.is_busy


def test_a_worker_that_was_killed_is_not_busy_any_more(tmp_path: Path) -> None:
    signs = Signs(tmp_path)
    worker = subprocess.Popen(  # noqa: S603  a program of our own
        [sys.executable, "-c", WORKS, tmp_path], stdout=subprocess.PIPE, cwd=PACKAGE.parent
    )
    assert worker.stdout is not None
    with worker:
        assert worker.stdout.readline() == b"works\n"
        assert signs.is_busy
        worker.kill()
    assert not signs.is_busy


@pytest.mark.skipif(shutil.which("flock") is None, reason="this machine has no util-linux")
def test_a_program_in_any_language_says_that_it_works_with_flock(tmp_path: Path) -> None:
    signs = Signs(tmp_path)
    command = ["flock", "--shared", str(tmp_path / "busy"), "sh", "-c", "echo works; read line"]
    worker = subprocess.Popen(  # noqa: S603  a program of our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdout is not None
    with worker:
        assert worker.stdout.readline() == b"works\n"
        assert signs.is_busy
        worker.communicate(b"\n")
    assert not signs.is_busy


def test_a_machine_whose_work_cannot_be_seen_counts_as_busy(tmp_path: Path) -> None:
    signs = Signs(tmp_path)
    (tmp_path / "busy").unlink()
    assert signs.is_busy


def test_where_no_agent_runs_the_same_worker_runs_too(tmp_path: Path) -> None:
    with busy(tmp_path):
        ready(tmp_path)
    assert leaving(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "why", [Leaving("scale-in", since=1.5), Leaving("spot", since=1.5, until=90.25)]
)
def test_workers_read_what_the_agent_tells_them(tmp_path: Path, why: Leaving) -> None:
    signs = Signs(tmp_path)
    assert signs.leaving is None
    signs.tell(why)
    assert leaving(tmp_path) == why
    assert Signs(tmp_path).leaving == why
    signs.tell(None)
    signs.tell(None)
    assert leaving(tmp_path) is None


def test_a_new_agent_takes_nothing_back(tmp_path: Path) -> None:
    Signs(tmp_path)
    ready(tmp_path)
    with busy(tmp_path):
        signs = Signs(tmp_path)
        assert signs.is_ready
        assert signs.is_busy


@pytest.mark.parametrize("module", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_what_runs_on_instances_is_written_for_the_python_of_amazon_linux_2023(
    module: Path,
) -> None:
    tree = ast.parse(module.read_text(), feature_version=(3, 9))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    options = {option.arg for call in calls for option in call.keywords}
    assert not {"slots", "kw_only", "strict"} & options
