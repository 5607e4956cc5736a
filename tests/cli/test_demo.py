from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from peakfleet_cli.main import app
from peakfleet_demo.options import app_folder
from tests.cli import fake_cdk

PATIENCE_SECONDS = 30


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An app folder whose CDK CLI is the fake one."""
    cdk = tmp_path / "node_modules" / ".bin" / "cdk"
    cdk.parent.mkdir(parents=True)
    cdk.write_text(f"#!{sys.executable}\n{Path(fake_cdk.__file__).read_text()}")
    cdk.chmod(0o755)
    return tmp_path


def demo(checkout: Path, *more: str) -> Result:
    """Run the demo's busiest six minutes."""
    files = ("--html", str(checkout / "report.html"), "--json", str(checkout / "figures.json"))
    arguments = ("demo", "--app", str(checkout), "--hours", "0.1", *files, *more)
    return CliRunner().invoke(app, arguments)


def words(result: Result) -> str:
    """Return the output without the lines' ends."""
    return " ".join(result.output.replace("│", " ").split())


def until(happened: Callable[[], bool]) -> bool:
    """Wait until something has happened."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not happened() and time.monotonic() < ends:
        time.sleep(0.05)
    return happened()


def test_a_demo_deploys_replays_compares_and_reports(checkout: Path) -> None:
    result = demo(checkout)

    assert result.exit_code == 0, result.output
    text = words(result)
    assert "Fleets: Media/Live" in text
    assert "generated, not recorded" in text
    assert "Peakfleet misses 100.0 % of the burst" in text
    assert "\x1b" not in result.output
    figures = json.loads((checkout / "figures.json").read_text())
    assert figures["scored_minutes"] == 6
    assert figures["problems"] == []
    assert "Media/Live" in (checkout / "report.html").read_text()


def test_a_kept_demo_says_how_to_use_the_local_aws_and_ends_when_it_is_stopped(
    checkout: Path,
) -> None:
    command = [sys.executable, "-c", "from peakfleet_cli.main import app; app()", "demo", "--keep"]
    files = ("--hours", "0.1", "--html", str(checkout / "report.html"))
    with subprocess.Popen(  # noqa: S603  this Python
        [*command, "--app", str(checkout), *files],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C ends it" in line:
                process.send_signal(signal.SIGINT)
    text = "".join(said)

    assert process.returncode == 0
    assert "export AWS_ENDPOINT_URL=http://localhost" in text
    assert "peakfleet explain Media/Live\n" in text


def test_without_a_checkout_the_demo_has_a_copy_of_the_packaged_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = tmp_path / "package"
    (packaged / "stacks").mkdir(parents=True)
    (packaged / "cdk.json").write_text("{}")
    monkeypatch.setattr("peakfleet_demo.options.PACKAGED_APP", packaged)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    with app_folder(None) as folder:
        assert (folder / "stacks").is_dir()
        assert folder != packaged
    assert not folder.exists()
    monkeypatch.chdir(packaged)
    with app_folder(None) as folder:
        assert folder == Path()


def test_a_handler_that_fails_fails_the_demo_and_is_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CDK", "broken")

    result = demo(checkout)

    assert result.exit_code == 1
    assert "Failed: Media/Live: no permission (36 of 36 ticks)" in words(result)


def test_a_deployment_that_fails_shows_its_whole_log(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CDK", "fails")

    result = demo(checkout)

    assert result.exit_code == 1
    assert "deploying the fleet" in result.output
    assert "the stack cannot be made" in result.output
    assert "peakfleet: the app could not be deployed" in result.output


def test_a_busy_port_is_reported_and_another_one_chosen(checkout: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = demo(checkout, "--port", str(port))

    assert result.exit_code == 0, result.output
    assert f"port {port} is busy" in words(result)
    assert f"localhost:{port};" not in result.output


def test_a_checkout_without_the_cdk_cli_is_told_what_to_do(tmp_path: Path) -> None:
    result = demo(tmp_path)

    assert result.exit_code == 1
    assert "there is no CDK CLI at" in words(result)
    assert "npm ci" in words(result)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--demand", "nowhere.csv"], 1, "nowhere.csv: cannot be read"),
        (["--from", "2026-01-01"], 1, "needs --demand"),
        (["--from", "noon"], 2, "Invalid value for --from: 'noon' is no time"),
        (["--hours", "0"], 2, "'--hours'"),
        (["--peak-share", "1.5"], 2, "'--peak-share'"),
    ],
)
def test_what_cannot_be_replayed_is_refused_before_anything_is_deployed(
    checkout: Path, arguments: list[str], exit_code: int, message: str
) -> None:
    result = demo(checkout, *arguments)

    assert result.exit_code == exit_code
    assert message in words(result)
    assert "Bootstrap" not in result.output


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_nothing_running_and_says_so(checkout: Path, stop: signal.Signals) -> None:
    command = [sys.executable, "-c", "from peakfleet_cli.main import app; app()", "demo"]
    environment = {**os.environ, "FAKE_CDK": "hangs"}
    with subprocess.Popen(  # noqa: S603  this Python
        [*command, "--app", str(checkout)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert until((checkout / "hanging").exists)

        process.send_signal(stop)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert "everything that it started have ended" in output
    assert until(lambda: nobody_holds(checkout / "lock"))


def nobody_holds(lock: Path) -> bool:
    """Return whether the CLI and its child have both ended."""
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_the_command_starts_without_the_libraries_that_only_some_commands_need() -> None:
    heavy = "moto", "numpy", "scipy", "plotly", "matplotlib", "polars"
    code = f"import sys, peakfleet_cli.main; print(sorted(sys.modules.keys() & {set(heavy)}))"
    done = subprocess.run(  # noqa: S603  this Python
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
