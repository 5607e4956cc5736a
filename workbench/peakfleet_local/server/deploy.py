"""The real CDK CLI against the local AWS, and the proof that everything was made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from peakfleet_local.moto import Client

EVERY_STACK = "**"
"""Also those in stages, which `--all` leaves out."""
TAIL_LINES = 25


class Target(Protocol):
    """What a deployment needs of the local AWS; `LocalAws` has it."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead the CLI to it."""

    @property
    def region(self) -> str:
        """The region to bootstrap."""

    def missing_resources(self, cdk_out: Path) -> tuple[str, ...]:
        """What the templates promise and is not there."""


class DeployError(RuntimeError):
    """A deployment that failed, or that looked well and left resources out."""


def deploy(
    aws: Target,
    *,
    app_directory: Path,
    cdk_command: Sequence[str],
    on_output: Callable[[str], None],
    account: str = "123456789012",
    stacks: Sequence[str] = (),
) -> None:
    """Bootstrap and deploy a CDK app with the real CLI, then look for every resource.

    The templates are written to a folder of their own, so that the app's cdk.out stays as it is.

    Args:
        aws: The local AWS.
        app_directory: Where the app's cdk.json is.
        cdk_command: How to start the CDK CLI, such as ["node_modules/.bin/cdk"].
        on_output: Called with each line that the CLI prints.
        account: Account to bootstrap. Default: the one that the local AWS has.
        stacks: Which stacks, with those they need. Default: all.

    Raises:
        DeployError: The CLI failed, or a resource of a template does not exist afterwards.
    """
    environment = _environment(aws)
    with tempfile.TemporaryDirectory(prefix="peakfleet-bootstrap-") as empty:
        # Where a cdk.json is, bootstrap would synthesize the whole app first.
        bootstrap = [*cdk_command, "bootstrap", f"aws://{account}/{aws.region}", "--no-notices"]
        _run(bootstrap, cwd=Path(empty), environment=environment, on_output=on_output)
    with tempfile.TemporaryDirectory(prefix="peakfleet-templates-") as cdk_out:
        options = [
            *(stacks or [EVERY_STACK]),
            "--require-approval",
            "never",
            "--no-notices",
            "--output",
            cdk_out,
        ]
        _run(
            [*cdk_command, "deploy", *options],
            cwd=app_directory,
            environment=environment,
            on_output=on_output,
        )
        missing = () if stacks else aws.missing_resources(Path(cdk_out))
    if missing:
        raise DeployError(
            f"the CLI reported success, but {len(missing)} resources do not exist: "
            + ", ".join(missing)
        )


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


def _environment(aws: Target) -> dict[str, str]:
    """The caller's environment without its AWS settings, and with this Python first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        # The CDK's validation of templates takes as long as everything else of a synth.
        "CDK_VALIDATION": "false",
        **kept,
        **aws.environment,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_COLOR": "1",
    }


def _run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: dict[str, str],
    on_output: Callable[[str], None],
) -> None:
    lines: list[str] = []
    try:
        process = subprocess.Popen(  # noqa: S603 - the caller chooses the command
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise DeployError(f"cannot start the CDK CLI {command[0]}: {error}") from error
    with process:
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                on_output(lines[-1])
        except BaseException:
            _end(process)
            raise
    if process.returncode != 0:
        tail = "\n".join(lines[-TAIL_LINES:])
        raise DeployError(f"{' '.join(command[:2])} ended with {process.returncode}:\n{tail}")


def _end(process: subprocess.Popen[str]) -> None:
    """End the CLI and all that it started: Node, the app, the app's own Node."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
