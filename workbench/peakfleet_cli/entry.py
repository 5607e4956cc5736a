"""The program `peakfleet`: the reporter starts without what the other commands need."""

from __future__ import annotations

import sys
from typing import NoReturn

from peakfleet_reporter import NAME


def run() -> NoReturn:
    """Run the command that the arguments of the process name, and exit."""
    try:
        if sys.argv[1:2] == [NAME]:
            from peakfleet_reporter.command import main  # noqa: PLC0415  needs boto3, which an extra brings

            sys.exit(main(sys.argv[1:]))
        from peakfleet_cli.main import app  # noqa: PLC0415  needs the extras
    except ModuleNotFoundError as error:
        sys.exit(f"peakfleet: {error}; install it with pip install 'peakfleet[sim,local]'")
    app()
    sys.exit()
