"""The reference app as it is deployed: `app.py` with the context of `cdk.json`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from peakfleet_planner import FleetSpec

ROOT = Path(__file__).parents[2]
WORKERS = ROOT / "stacks" / "workers"
CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
ENVIRONMENTS = sorted(CONTEXT["environments"])
STACKS = ("Network", "Storage", "Media")
FLEETS = ["Media/Live", "Media/Transcode", "Storage/Ingest", "Storage/Sync"]
LIVE_FLEETS = ["Media/Live", "Storage/Sync"]
COMPARED_FLEETS = ["Media/Transcode"]
"""Those with one live signal, which is what can be learned."""

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One synthesized app.

    Args:
        environment: Which block of settings it was made from.
        folder: The cloud assembly.
    """

    environment: str
    folder: Path

    def template(self, stack: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / f"{stack}.template.json").read_text())
        return document

    def resources(self, kind: str, *stacks: str) -> dict[str, Resource]:
        """Return the resources of a type by `stack/logical id`; all stacks by default."""
        return {
            f"{stack}/{name}": resource
            for stack in stacks or STACKS
            for name, resource in self.template(stack)["Resources"].items()
            if resource["Type"] == kind
        }

    def specs(self) -> dict[str, FleetSpec]:
        """Return what each schedule sends, as the tick reads it, by the fleet's construct path."""
        documents = [
            json.loads(plain(schedule["Properties"]["Target"]["Input"]))
            for schedule in self.resources("AWS::Scheduler::Schedule").values()
        ]
        specs = [FleetSpec.from_json(document["spec"]) for document in documents]
        return {spec.fleet.replace(f"-{self.environment}/", "/"): spec for spec in specs}

    def user_data(self) -> dict[str, str]:
        """Return what the instances of each launch template run at boot."""
        templates = self.resources("AWS::EC2::LaunchTemplate")
        return {
            name: plain(template["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"])
            for name, template in templates.items()
        }


def plain(value: Any) -> str:  # noqa: ANN401  a CloudFormation value
    """Return a CloudFormation value as text, with names in the place of references."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(plain(part) for part in argument[1])
    if function == "Fn::Sub":
        return re.sub(r"\$\{([^}]*)\}", r"\1", argument)
    return ".".join(argument) if isinstance(argument, list) else str(argument)


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Kept until the process ends, as several modules read them."""


@cache
def synthesized(environment: str) -> App:
    """Return the app of an environment, synthesized with no account and no way out."""
    folder = tempfile.TemporaryDirectory(prefix="peakfleet-app-")
    _FOLDERS.append(folder)
    kept = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "PYTHONPATH", "XDG_CACHE_HOME")
        if name in os.environ
    }
    nowhere = "http://127.0.0.1:9"
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        check=True,
        env={
            **kept,
            "CDK_CONTEXT_JSON": json.dumps({"environment": environment}),
            "CDK_OUTDIR": folder.name,
            "CDK_VALIDATION": "false",
            "HTTP_PROXY": nowhere,
            "HTTPS_PROXY": nowhere,
        },
    )
    return App(environment=environment, folder=Path(folder.name))
