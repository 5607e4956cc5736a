"""A fleet's specification: from a JSON file or a synthesised template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from peakfleet_cli.errors import CommandError
from peakfleet_planner import FleetSpec, SpecError


class SpecFileError(CommandError):
    """A specification cannot be had; the message says why and the way out."""


def read_spec(path: Path) -> FleetSpec:
    """Return the specification in a JSON file, alone or as what a schedule sends.

    Raises:
        SpecFileError: The file is no specification.
    """
    document = _json(path)
    if isinstance(document, dict) and isinstance(document.get("spec"), dict):
        document = document["spec"]
    return _parsed(document, f"{path}")


def read_template(path: Path, fleet: str | None) -> FleetSpec:
    """Return a fleet's specification from a CloudFormation template in JSON.

    Names that only AWS knows, of groups and queues, are replaced by their logical ids.

    Args:
        path: The template, as `cdk synth` writes it to `cdk.out`.
        fleet: The fleet, by its construct path. Default: the only one.

    Raises:
        SpecFileError: The file is no template, or does not have this fleet.
    """
    document = _json(path)
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise SpecFileError(f"{path}: is no CloudFormation template, it has no Resources")
    found = {spec.fleet: spec for spec in specs_of(f"{path}", document["Resources"])}
    if not found:
        raise SpecFileError(f"{path}: has no fleet: no schedule in it sends a specification")
    names = ", ".join(sorted(found))
    if fleet is None:
        if len(found) > 1:
            raise SpecFileError(f"{path}: has several fleets, choose one with --fleet: {names}")
        return next(iter(found.values()))
    if fleet not in found:
        raise SpecFileError(f"{path}: has no fleet '{fleet}'; it has {names}")
    return found[fleet]


def specs_of(where: str, resources: Mapping[str, Any]) -> Iterator[FleetSpec]:
    """Yield what the schedules of a template send; a learner's is that of its fleet again.

    Args:
        where: The template, for messages.
        resources: What is in it.

    Raises:
        SpecFileError: A specification is none of this version.
    """
    for logical_id, resource in resources.items():
        if resource.get("Type") != "AWS::Scheduler::Schedule":
            continue
        sent = _text(resource.get("Properties", {}).get("Target", {}).get("Input", ""))
        if (document := _sent(sent)) is not None:
            yield _parsed(document, f"{where}, {logical_id}")


def _sent(text: str) -> dict[str, Any] | None:
    """Return the specification in a schedule's input; None if another schedule's input."""
    try:
        payload = json.loads(text)
    except ValueError:
        return None
    spec = payload.get("spec") if isinstance(payload, dict) else None
    return spec if isinstance(spec, dict) else None


def _text(value: object) -> str:
    """Return a template's string with its intrinsic functions replaced by logical ids."""
    match value:
        case str():
            return value
        case {"Ref": str(name)} | {"Fn::ImportValue": str(name)}:
            return name
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{name}.{attribute}"
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_text(part) for part in parts)
        case _:
            return ""


def _json(path: Path) -> Any:  # noqa: ANN401  JSON data has no narrower type
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecFileError(f"{path}: cannot be read as JSON: {error}") from error


def _parsed(document: object, where: str) -> FleetSpec:
    if not isinstance(document, dict):
        raise SpecFileError(f"{where}: a specification must be a JSON object")
    try:
        return FleetSpec.from_json(document)
    except SpecError as error:
        raise SpecFileError(f"{where}: {error}") from error
