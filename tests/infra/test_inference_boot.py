"""What a machine of an inference fleet runs at boot, run here with everything around it faked."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from peakfleet import CapacityPool, InferenceFleet, Model
from tests.infra.fleets import network, new_stack, only
from tests.infra.reference_app import plain

FAKES = (
    "aws",
    "chgrp",
    "chmod",
    "curl",
    "groupadd",
    "python3",
    "server",
    "shutdown",
    "sleep",
    "systemctl",
    "tar",
)
"""Commands that only note that they were called, unless a test gives them more to do."""
LOADED_WITHIN_SECONDS = 1000
Boot = Callable[..., list[str]]


@pytest.fixture(name="script", scope="module")
def _script() -> str:
    stack: Stack = new_stack()
    fleet = InferenceFleet(
        stack,
        "Ranking",
        vpc=network(stack),
        pools=[CapacityPool.inferentia("inf2.xlarge", max_instances=2)],
        model=Model.in_bucket(s3.Bucket(stack, "Models"), prefix="ranking/7"),
        loaded_within=Duration.seconds(LOADED_WITHIN_SECONDS),
    )
    fleet.user_data.add_commands("server $PEAKFLEET_CHIP")
    launch = only(Template.from_stack(stack), "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    parts = [
        one for one in launch["UserData"]["Fn::Base64"]["Fn::Join"][1] if isinstance(one, dict)
    ]
    return plain(parts[-1]["Fn::Base64"])


@pytest.fixture(name="boot")
def _boot(script: str, tmp_path: Path) -> Boot:
    """Return a function that boots a machine and returns the commands that it called.

    Args are the seconds in which the model must be loaded, and shell commands for fakes.
    """

    def run(*, seconds: int = LOADED_WITHIN_SECONDS, **doing: str) -> list[str]:
        commands, calls = tmp_path / "bin", tmp_path / "calls"
        for folder in ("bin", "etc/systemd/system", "etc/udev/rules.d", "opt/peakfleet/model"):
            (tmp_path / folder).mkdir(parents=True)
        for name in FAKES:
            fake = commands / name
            fake.write_text(f'#!/bin/bash\necho "{name} $*" >>{calls}\n{doing.get(name, "")}\n')
            fake.chmod(fake.stat().st_mode | stat.S_IEXEC)
        here = script.replace(f"-lt {LOADED_WITHIN_SECONDS} ", f"-lt {seconds} ")
        for folder in ("/etc/", "/opt/"):
            here = here.replace(folder, f"{tmp_path}{folder}")
        path = f"{commands}:{os.environ['PATH']}"
        subprocess.run(
            ["bash", "-s"],  # noqa: S607  whichever bash
            input=here,
            text=True,
            env={"PATH": path},
            capture_output=True,
            check=False,
        )
        return calls.read_text().splitlines()

    return run


def names(calls: list[str]) -> list[str]:
    return [call.partition(" ")[0] for call in calls]


def test_a_machine_fetches_guards_watches_serves_and_is_ready(boot: Boot, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    calls = boot(curl=f"[ -e {asked} ] || {{ touch {asked}; exit 22; }}")
    steps = [one for one in names(calls) if one not in {"aws", "tar", "chgrp", "chmod"}]
    assert steps == [
        "groupadd",
        "systemctl",
        "systemctl",
        "server",
        "curl",
        "sleep",
        "curl",
        "python3",
    ]
    assert "server inferentia2" in calls
    assert "from peakfleet_instance import ready; ready()" in calls[-1]
    unit = (tmp_path / "etc/systemd/system/peakfleet-neuron.service").read_text()
    assert '--fleet "Media/Ranking" --pool "Inferentia"' in unit


@pytest.mark.parametrize(
    "broken",
    [
        {"aws": "exit 1"},
        {"tar": "exit 2"},
        {"chgrp": "exit 1"},
        {"systemctl": "exit 1"},
        {"server": "exit 1"},
    ],
    ids=str,
)
def test_a_machine_that_cannot_boot_switches_itself_off_and_is_never_ready(
    boot: Boot, broken: dict[str, str]
) -> None:
    calls = names(boot(**broken))
    assert calls[-1] == "shutdown"
    assert "python3" not in calls


def test_a_machine_whose_model_never_loads_switches_itself_off(boot: Boot) -> None:
    calls = names(boot(seconds=0, curl="exit 22"))
    assert calls[-1] == "shutdown"
    assert "python3" not in calls
