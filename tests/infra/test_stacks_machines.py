"""The reference app: what its instances run at boot."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.reference_app import ENVIRONMENTS, WORKERS, App, synthesized

USER_DATA_BYTES = 16_384


@pytest.fixture(params=ENVIRONMENTS)
def app(request: pytest.FixtureRequest) -> App:
    return synthesized(request.param)


def settings_of(user_data: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)='(.*)'$", user_data, flags=re.MULTILINE))


def modules_of(settings: dict[str, str]) -> Iterator[str]:
    for name in ("PEAKFLEET_PROGRAM", "PEAKFLEET_JOB"):
        if name in settings:
            yield settings[name].removeprefix("workers.")


def test_every_worker_is_told_all_that_its_program_reads(app: App) -> None:
    programs = set()
    for user_data in app.user_data().values():
        settings = settings_of(user_data)
        boot = (WORKERS / "boot.sh").read_text()
        known = {*settings, *re.findall(r"^ *echo \"([A-Z_]+)=", boot, flags=re.MULTILINE)}
        for module in modules_of(settings):
            programs.add(module)
            source = (WORKERS / f"{module}.py").read_text()
            assert set(re.findall(r'environ(?:ment)?\["([A-Z_]+)"\]', source)) <= known
    assert programs == {"queue_worker", "ingest_job", "transcode_job", "sync_relay", "live_edge"}


def test_workers_report_as_the_fleet_that_they_belong_to(app: App) -> None:
    told = {settings_of(text)["PEAKFLEET_FLEET"] for text in app.user_data().values()}
    assert told == {spec.fleet for spec in app.specs().values()}


def test_user_data_fits_and_is_clean_shell(app: App, tmp_path: Path) -> None:
    scripts = [WORKERS / "boot.sh", WORKERS / "scratch.sh"]
    for index, user_data in enumerate(app.user_data().values()):
        assert len(user_data.encode()) < USER_DATA_BYTES
        path = tmp_path / f"{index}.sh"
        path.write_text(user_data)
        scripts.append(path)
    checker = Path(sys.executable).parent / "shellcheck"
    checked = subprocess.run(  # noqa: S603  our own scripts
        [checker, *scripts], capture_output=True, text=True, check=False
    )
    assert checked.stdout == ""
    assert checked.returncode == 0


def test_machines_that_cannot_boot_raise_an_alarm(app: App) -> None:
    alarms = app.resources("AWS::CloudWatch::Alarm").values()
    failures = [one for one in alarms if one["Properties"].get("MetricName") == "BootFailures"]
    fleets = [one["Properties"]["Dimensions"][0]["Value"] for one in failures]
    assert sorted(fleets) == sorted(spec.fleet for spec in app.specs().values())
    for text in app.user_data().values():
        assert "trap boot_failed ERR" in text


def test_machines_read_their_own_assets_and_write_objects_and_nothing_else(app: App) -> None:
    read, written = [], set()
    for policy in app.resources("AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            actions = {actions} if isinstance(actions, str) else set(actions)
            written |= {one for one in actions if one.startswith(("s3:Put", "s3:Delete"))}
            resources = statement["Resource"]
            found = resources if isinstance(resources, list) else [resources]
            read += [text for one in found if "-assets-" in (text := json.dumps(one))]
    assert read
    for asset in read:
        assert re.search(r"/([0-9a-f]{64}|peakfleet-agent-\*)\.zip", asset)
    assert written == {"s3:PutObject"}
