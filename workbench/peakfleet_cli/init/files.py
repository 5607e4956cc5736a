"""The files of a new app, from the templates that come with the package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from peakfleet_cli.errors import CommandError

CDK_CLI: Final = "2.1148.1"
"""The newest CDK CLI that is known to work; npm's `latest` is an accidental publish (ADR 5)."""
NODE: Final = ">=22"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_SUFFIX: Final = ".template"


def write_starter(name: str, folder: Path) -> tuple[Path, ...]:
    """Write the files of a new app, and return their paths within its folder.

    Args:
        name: Its name.
        folder: Where to; it is made, and may hold other files.

    Raises:
        CommandError: The name is none that CloudFormation takes, or a file exists already.
    """
    if not _NAME.fullmatch(name):
        raise CommandError(
            f"NAME must be letters, digits and hyphens, and begin with a letter, got {name!r}"
        )
    texts = dict(_texts(name))
    if found := [path for path in texts if (folder / path).exists()]:
        raise CommandError(f"{folder / found[0]} exists already; name another folder")
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return tuple(texts)


def _texts(name: str) -> Iterator[tuple[Path, str]]:
    title = "".join(part.capitalize() for part in name.split("-"))
    facts = {
        "name": name,
        "stack": title,
        "version": version("peakfleet"),
        "cdk_cli": CDK_CLI,
        "node": NODE,
    }
    for found in sorted(files("peakfleet_cli").joinpath("init", "starter").iterdir(), key=str):
        if found.name.endswith(_SUFFIX):
            text = Template(found.read_text(encoding="utf-8")).substitute(facts)
            path = found.name.removesuffix(_SUFFIX)
            yield Path(f".{path[4:]}" if path.startswith("dot-") else path), text
