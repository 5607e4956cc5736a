"""The reference app's inference service, which the production environment deploys."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from tests.infra.commands import run
from tests.infra.reference_app import CONTEXT, WORKERS, App, plain, synthesized

STACK = "Inference"
POOLS = ["Inferentia", "Trainium", "Graviton"]
USER_DATA_BYTES = 16_384


@pytest.fixture(name="app", scope="module")
def _app() -> App:
    return synthesized("prod")


def user_data(app: App) -> dict[str, str]:
    """Return what instances get, by pool: MIME parts, each encoded as EC2 gets it."""
    found = {}
    for name, launch in app.resources("AWS::EC2::LaunchTemplate", STACK).items():
        text = as_sent(launch["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"])
        found[next(pool for pool in POOLS if pool in name)] = text
    return found


def as_sent(value: Any) -> str:  # noqa: ANN401  a CloudFormation value
    pieces = value["Fn::Join"][1]
    return "".join(
        base64.b64encode(plain(piece["Fn::Base64"]).encode()).decode()
        if isinstance(piece, dict)
        else piece
        for piece in pieces
    )


def parts(text: str) -> list[tuple[str, str]]:
    """Return content type and text of each part, read as cloud-init reads them."""
    message = message_from_string(text)
    assert message.is_multipart()
    found = []
    for part in message.walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            found.append((part.get_content_type(), content.decode()))
    return found


def test_development_does_not_deploy_it() -> None:
    manifest = json.loads((synthesized("dev").folder / "manifest.json").read_text())
    assert STACK not in manifest["artifacts"]


def test_the_ladder_is_inferentia_then_trainium_then_graviton(app: App) -> None:
    inputs = [
        json.loads(plain(one["Properties"]["Target"]["Input"]))
        for one in app.resources("AWS::Scheduler::Schedule", STACK).values()
    ]
    sent = next(one for one in inputs if "scheduled_time" in one)["spec"]
    assert [pool["name"] for pool in sent["pools"]] == POOLS
    settings = CONTEXT["environments"]["prod"]["inference"]
    assert [pool["units_per_capacity"] for pool in sent["pools"]] == [
        pool["units_per_instance"] for pool in settings["pools"]
    ]


def test_user_data_is_what_cloud_init_runs_and_fits(app: App, tmp_path: Path) -> None:
    scripts = []
    for pool, text in user_data(app).items():
        assert len(text.encode()) < USER_DATA_BYTES
        for index, (kind, script) in enumerate(parts(text)):
            assert kind == "text/x-shellscript"
            assert script.startswith("#!/bin/bash\n")
            scripts.append(tmp_path / f"{pool}-{index}.sh")
            scripts[-1].write_text(script)
    assert len(scripts) == 2 * len(POOLS)
    assert run(Path(sys.executable).parent / "shellcheck", *scripts, cwd=tmp_path) == ""


def test_the_scripts_can_be_read_by_bash(app: App) -> None:
    for text in user_data(app).values():
        for _, script in parts(text):
            subprocess.run(["bash", "-n"], input=script, text=True, check=True)  # noqa: S607  whichever bash


def test_its_program_is_told_all_that_it_reads(app: App) -> None:
    source = (WORKERS / "inference_server.py").read_text()
    read = set(re.findall(r'environ\["([A-Z_]+)"\]', source))
    assert read
    for text in user_data(app).values():
        _, (_, script) = parts(text)
        assert "PEAKFLEET_PROGRAM='workers.inference_server'" in script
        assert read <= set(re.findall(r"^([A-Z_]+)='", script, flags=re.MULTILINE))


def test_the_companys_own_servers_are_filled_first(app: App) -> None:
    targets = app.resources("AWS::ElasticLoadBalancingV2::TargetGroup", STACK).values()
    by_address = [one["Properties"] for one in targets if one["Properties"]["TargetType"] == "ip"]
    addresses = [target["Id"] for target in by_address[0]["Targets"]]
    assert addresses == CONTEXT["environments"]["prod"]["inference"]["on_premises_servers"]


def test_nothing_of_it_is_open_or_has_a_way_to_the_internet(app: App) -> None:
    (balancer,) = app.resources("AWS::ElasticLoadBalancingV2::LoadBalancer", STACK).values()
    assert balancer["Properties"]["Scheme"] == "internal"
    rules = json.dumps(app.resources("AWS::EC2::SecurityGroup", STACK))
    for group in app.resources("AWS::EC2::SecurityGroup", STACK).values():
        for rule in group["Properties"].get("SecurityGroupIngress", []):
            assert rule["CidrIp"] == "10.64.0.0/12"
    assert "10.64.0.0/12" in rules


def test_its_template_passes_cfn_lint(app: App, tmp_path: Path) -> None:
    template = app.folder / f"{STACK}.template.json"
    linter = Path(sys.executable).parent / "cfn-lint"
    regions = ["--regions", "us-east-1"]
    shown = run(linter, template, *regions, "--ignore-checks", "W", cwd=tmp_path)
    assert shown == ""
