"""What the reference app's machines tell of their usefulness."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from stacks.workers.usefulness import Processors, Usefulness
from tests.infra.test_stacks_workers import FakeCloudWatch, FakeQueue, work

BOOT = Path(__file__).parents[2] / "stacks" / "workers" / "boot.sh"
MACHINE = {
    "PEAKFLEET_WORK_NAMESPACE": "PeakFleet/Workers",
    "PEAKFLEET_FLEET": "Media/Transcode",
    "PEAKFLEET_POOL": "Graviton",
}


class Recorder(FakeCloudWatch):
    """Remembers whole requests."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, list[dict[str, Any]]]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> object:  # noqa: N803  boto3's own names
        self.requests.append((Namespace, MetricData))
        return super().put_metric_data(Namespace=Namespace, MetricData=MetricData)


def test_a_machine_tells_its_work_with_its_fleet_and_pool() -> None:
    cloudwatch = Recorder()
    machine = Usefulness.of_this_machine(cloudwatch, MACHINE)
    machine.report(60.0, useful_units=12.0, busy_share=0.75)
    ((namespace, data),) = cloudwatch.requests
    assert namespace == "PeakFleet/Workers"
    assert {one["MetricName"]: one["Value"] for one in data} == {
        "UsefulUnits": 12.0,
        "BusyShare": 0.75,
    }
    for one in data:
        assert {d["Name"]: d["Value"] for d in one["Dimensions"]} == {
            "Fleet": "Media/Transcode",
            "Pool": "Graviton",
        }


def test_a_load_that_is_not_known_is_not_told() -> None:
    cloudwatch = FakeCloudWatch()
    machine = Usefulness.of_this_machine(cloudwatch, MACHINE)
    machine.report(60.0, useful_units=12.0, busy_share=None)
    assert set(cloudwatch.points) == {"UsefulUnits"}


def test_a_machine_without_a_pool_tells_nothing() -> None:
    cloudwatch = FakeCloudWatch()
    machine = Usefulness.of_this_machine(cloudwatch, {"PEAKFLEET_FLEET": "Media/Transcode"})
    machine.report(60.0, useful_units=12.0, busy_share=1.0)
    assert not cloudwatch.points


def test_the_trouble_of_cloudwatch_is_not_that_of_the_work() -> None:
    cloudwatch = FakeCloudWatch()
    machine = Usefulness.of_this_machine(cloudwatch, MACHINE)
    cloudwatch.broken = True
    machine.report(60.0, useful_units=12.0, busy_share=1.0)
    cloudwatch.broken = False
    machine.report(120.0, useful_units=3.0, busy_share=1.0)
    assert cloudwatch.points["UsefulUnits"] == [(120.0, 3.0)]


def test_a_job_is_worth_as_many_unit_minutes_as_the_demand_counts_for_it() -> None:
    cloudwatch = work(FakeQueue("a", "b"), "pass", seconds_per_job=90.0)
    assert cloudwatch.points["UsefulUnits"] == [(60.0, 3.0)]
    assert cloudwatch.points["BusyShare"] == [(60.0, 0.0)]


def test_a_job_that_failed_is_of_no_use() -> None:
    cloudwatch = work(FakeQueue("a"), "raise SystemExit(1)", seconds_per_job=90.0)
    assert cloudwatch.points["UsefulUnits"] == [(60.0, 0.0)]


def test_processors_are_busy_for_the_time_that_was_not_idle(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 1000 50 0 0 0 9 9\ncpu0 1 1 1 1\n", "ascii")
    processors = Processors(stat)
    assert processors.busy_share() is None
    stat.write_text("cpu  130 0 60 1050 60 0 0 0 99 9\n", "ascii")
    assert processors.busy_share() == pytest.approx(0.4)


def test_this_machine_counts_the_time_of_its_processors() -> None:
    processors = Processors()
    sum(range(10**6))
    share = processors.busy_share()
    assert share is None or 0 <= share <= 1


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"token": "t", "pool": "X86 Spot"}, "PEAKFLEET_POOL='X86 Spot'\n"),
        ({"token": "t"}, ""),
        ({}, ""),
    ],
)
def test_at_boot_a_machine_learns_its_pool_from_its_tag_if_it_has_one(
    tmp_path: Path, answers: dict[str, str], expected: str
) -> None:
    for name, text in answers.items():
        (tmp_path / name).write_text(text, "utf-8")
    curl = tmp_path / "curl"
    curl.write_text(
        "#!/bin/bash\n"
        'case "$*" in\n'
        '  *api/token) exec cat "$(dirname "$0")/token" ;;\n'
        '  *"ec2-metadata-token: t"*/peakfleet:pool) exec cat "$(dirname "$0")/pool" ;;\n'
        "esac\n"
        "exit 22\n",
        "ascii",
    )
    curl.chmod(0o755)
    source = BOOT.read_text("utf-8")
    tell_pool = source[source.index("tell_pool() {") : source.index("\ninstall_packages\n")]
    settings = tmp_path / "settings"
    settings.touch()
    script = f"set -euo pipefail\nreadonly settings={settings}\n{tell_pool}\ntell_pool\n"
    subprocess.run(  # noqa: S603  the app's own script
        ["/bin/bash", "-c", script],
        check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    assert settings.read_text("utf-8") == expected
