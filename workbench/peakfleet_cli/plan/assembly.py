"""The stacks and fleets of a synthesized app: what `cdk synth` writes to cdk.out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from peakfleet_cli.errors import CommandError
from peakfleet_cli.fleet_spec import specs_of
from peakfleet_planner import FleetSpec

_STACK, _NESTED = "aws:cloudformation:stack", "cdk:cloud-assembly"
_UNKNOWN: Final = ("unknown-account", "unknown-region")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One stack.

    Args:
        name: Its name in CloudFormation.
        resources: What is in its template, by logical id.
        parameters: Of its template, by name. Default: none.
        template: The file that has it. Default: none, it is deployed.
        region: Where it goes; None if the app leaves that to the deployment.
    """

    name: str
    resources: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    template: Path | None = None
    region: str | None = None


def read_assembly(folder: Path) -> tuple[Stack, ...]:
    """Return the stacks of an assembly, those in stages included.

    Raises:
        CommandError: The folder is no assembly.
    """
    if not (folder / "manifest.json").is_file():
        raise CommandError(
            f"{folder} is no synthesized app, it has no manifest.json: run cdk synth first, or "
            "name the folder that it writes"
        )
    return tuple(_stacks(folder))


def fleets_of(stacks: Sequence[Stack]) -> dict[str, tuple[Stack, FleetSpec]]:
    """Return each fleet with its stack, by name.

    Raises:
        SpecFileError: A schedule sends a specification of another version.
    """
    found = {}
    for stack in stacks:
        for spec in specs_of(f"stack {stack.name}", stack.resources):
            found[spec.fleet] = (stack, spec)
    return found


def _stacks(folder: Path) -> Iterator[Stack]:
    manifest = _json(folder / "manifest.json")
    for artifact in manifest.get("artifacts", {}).values():
        properties = artifact.get("properties", {})
        if artifact.get("type") == _NESTED:
            yield from _stacks(folder / properties["directoryName"])
        elif artifact.get("type") == _STACK:
            template = folder / properties["templateFile"]
            *_, region = str(artifact.get("environment", "")).rsplit("/", 1)
            document = _json(template)
            yield Stack(
                name=properties.get("stackName") or artifact.get("displayName", template.stem),
                resources=document.get("Resources", {}),
                parameters=document.get("Parameters", {}),
                template=template,
                region=None if region in _UNKNOWN else region or None,
            )


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise CommandError(f"{path} is no JSON object")
    return document
