"""The reporter as a host of the company runs it, against the local AWS."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from peakfleet_local import LocalAws

REGION = "eu-central-1"
START = "from peakfleet_reporter.command import run; run()"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAws]:
    with LocalAws(region=REGION) as local:
        yield local


def command(*options: str, url: str) -> tuple[list[str], dict[str, str]]:
    started = [sys.executable, "-c", START, "report-baseline", "--namespace", "OnPrem/live/fra"]
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ENDPOINT_URL_CLOUDWATCH": url,
        "AWS_DEFAULT_REGION": REGION,
    }
    return [*started, *options], environment


def report(*options: str, url: str) -> subprocess.CompletedProcess[str]:
    arguments, environment = command(*options, "--once", url=url)
    return subprocess.run(  # noqa: S603  the command under test
        arguments, env=environment, capture_output=True, text=True, check=False
    )


def read(cloud: LocalAws, metric: str) -> list[float]:
    client = cloud.client("cloudwatch")
    stat = {"Namespace": "OnPrem/live/fra", "MetricName": metric}
    query = {"Id": "q", "MetricStat": {"Metric": stat, "Period": 60, "Stat": "Minimum"}}
    span = {"StartTime": time.time() - 600, "EndTime": time.time() + 600}
    answer = client.get_metric_data(MetricDataQueries=[query], **span)
    values: list[float] = answer["MetricDataResults"][0]["Values"]
    return values


def test_a_link_that_is_cut_and_restored(cloud: LocalAws, tmp_path: Path) -> None:
    units = tmp_path / "units"
    units.write_text("360")
    cut = report("--file", str(units), url="http://127.0.0.1:9")
    assert (cut.returncode, "takes no report; values are dropped" in cut.stderr) == (3, True)
    assert read(cloud, "HealthyUnits") == []
    units.write_text("200")
    restored = report("--file", str(units), url=cloud.endpoint_url)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert (read(cloud, "HealthyUnits"), read(cloud, "Reporting")) == ([200], [1])
    broken = report("--command", "false", url=cloud.endpoint_url)
    assert broken.returncode == 1
    assert 0 in read(cloud, "Reporting")
    assert read(cloud, "HealthyUnits") == [200]


def test_the_service_is_ready_once_it_has_reported_and_stops_when_told(
    cloud: LocalAws, tmp_path: Path
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        systemd.settimeout(60)
        arguments, environment = command("--command", "echo 7", url=cloud.endpoint_url)
        with subprocess.Popen(  # noqa: S603  the command under test
            arguments, env={**environment, "NOTIFY_SOCKET": str(address)}
        ) as service:
            told = systemd.recv(100)
            service.send_signal(signal.SIGTERM)
            assert service.wait() == 0
    assert told == b"READY=1\nWATCHDOG=1"
    assert 7 in read(cloud, "HealthyUnits")


def test_it_starts_without_what_other_commands_need() -> None:
    code = (
        "import sys; sys.argv = ['peakfleet', 'report-baseline', '--help']\n"
        "import peakfleet_reporter.command as command\n"
        "try:\n    command.run()\nexcept SystemExit:\n"
        "    print(sys.modules.keys() & {'typer', 'aws_cdk', 'numpy', 'peakfleet_cli', 'rich'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  this interpreter
    assert done.stdout.endswith("set()\n")
