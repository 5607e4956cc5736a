"""What a cloud assembly promises and what is really there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peakfleet_local.moto import Client


def missing_resources(cloudformation: Client, cdk_out: Path) -> tuple[str, ...]:
    """Compare every template of a cloud assembly with the stacks that exist.

    A green tick of the CLI proves nothing against an emulator that ignores types it does
    not know; this does.

    Args:
        cloudformation: A client.
        cdk_out: Folder of the assembly.

    Returns:
        Each missing resource as `stack/logical id (type)`, or `stack` alone.

    Raises:
        FileNotFoundError: There is no assembly in the folder.
    """
    missing: list[str] = []
    for stack, template in stack_templates(cdk_out):
        existing = _existing(cloudformation, stack)
        if existing is None:
            missing.append(stack)
            continue
        missing += [
            f"{stack}/{logical_id} ({resource['Type']})"
            for logical_id, resource in template.get("Resources", {}).items()
            if logical_id not in existing
        ]
    return tuple(missing)


def stack_templates(cdk_out: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every stack's name and template, of nested assemblies too.

    Raises:
        FileNotFoundError: There is no assembly in the folder.
    """
    manifest = json.loads((cdk_out / "manifest.json").read_text(encoding="utf-8"))
    for name, artifact in manifest.get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "aws:cloudformation:stack":
            text = (cdk_out / properties["templateFile"]).read_text(encoding="utf-8")
            yield properties.get("stackName", name), json.loads(text)
        elif artifact["type"] == "cdk:cloud-assembly":
            yield from stack_templates(cdk_out / properties["directoryName"])


def _existing(cloudformation: Client, stack: str) -> set[str] | None:
    try:
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            summary["LogicalResourceId"]
            for page in pages
            for summary in page["StackResourceSummaries"]
        }
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
