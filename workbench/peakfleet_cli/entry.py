"""The program `peakfleet`, which says in one line which extra brings what it lacks itself."""

from __future__ import annotations

import sys

from peakfleet_cli.errors import FAILED, in_one_line


def run() -> None:
    """Run the command that the arguments of the process name, and exit."""
    try:
        from peakfleet_cli.main import app  # noqa: PLC0415  needs an extra
    except ModuleNotFoundError as error:
        text = in_one_line(error)
        if text is None:
            raise
        sys.stderr.write(f"peakfleet: {text}\n")
        sys.exit(FAILED)
    app()
