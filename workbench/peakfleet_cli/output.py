"""How commands print: text for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

PLAIN_WIDTH: Final = 100
"""Columns of a log; a pipe has no width of its own."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def console() -> Console:
    """Return what text is printed with: as wide as the terminal, and of one width in a pipe."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def say(text: str) -> None:
    """Print a line as it is, however long."""
    Console(soft_wrap=True, highlight=False).print(text, markup=False)


def print_json(document: object, *, indent: int | None = 2) -> None:
    """Print data as JSON to standard output.

    Args:
        document: Plain data, dataclasses, times (as ISO 8601) and paths.
        indent: Spaces for each level. None: one line.
    """
    typer.echo(json_text(document, indent=indent))


def json_text(document: object, *, indent: int | None = 2) -> str:
    """Return what `print_json` prints, without the line's end."""
    return json.dumps(document, indent=indent, default=_plain, allow_nan=False)


def _plain(value: object) -> Any:  # noqa: ANN401  JSON data has no narrower type
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Path():
            return str(value)
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return sorted(value)
        case Sequence():
            return list(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")
