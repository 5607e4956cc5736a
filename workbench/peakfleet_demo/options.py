"""What a user asks of a demo. Imports nothing heavy, so that `--help` is quick."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peakfleet_sim import ReadOptions

DEFAULT_HOURS = 6.0
DEFAULT_PEAK_SHARE = 0.65


QUICK_STACKS = ("Media",)
"""What a quick demo deploys of the app, with what that needs."""
PACKAGED_APP = Path(__file__).parent / "reference_app"
"""The reference app in an installed package; a checkout has it at its top."""


class DemoError(Exception):
    """The demo cannot go on for a reason outside its code; the message is all one needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """Which demand is replayed.

    Args:
        file: Recorded demand. Default: a generated premiere night.
        start: First minute that is scored. Default: the busiest hours of the file.
        hours: How many hours are scored.
        seed: Of everything that is random.
        peak_share: Share of a fleet's maximum that the peak needs.
        reading: What is said of the file. Default: nothing.
        quick: Whether only one fleet meets the first act, without two weeks before it.
    """

    file: Path | None = None
    start: datetime | None = None
    hours: float = DEFAULT_HOURS
    seed: int = 0
    peak_share: float = DEFAULT_PEAK_SHARE
    reading: ReadOptions | None = None
    quick: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What is deployed, and where.

    Args:
        directory: Folder of the app, with its cdk.json.
        environment: Value of the app's context `environment`.
        port: Of the local AWS; 0 takes any.
        stacks: Which of its stacks, with those they need. Default: all.
        keep: Whether the local AWS stays up after the replay, until it is stopped.
    """

    directory: Path
    environment: str
    port: int = 0
    stacks: tuple[str, ...] = ()
    keep: bool = False


@contextmanager
def app_folder(directory: Path | None) -> Iterator[Path]:
    """Give the folder of the app that is deployed.

    Args:
        directory: What the user named. None: the current folder if it has a cdk.json, else a copy
            of the reference app of this package, so that nothing is written into the package.
    """
    if directory is not None or Path("cdk.json").exists() or not PACKAGED_APP.exists():
        yield directory or Path()
        return
    with TemporaryDirectory(prefix="peakfleet-app-") as copy:
        shutil.copytree(PACKAGED_APP, copy, dirs_exist_ok=True)
        yield Path(copy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Where the outcome is written besides the terminal.

    Args:
        html: The report.
        json_file: The figures. Default: nowhere.
        command: What was typed, for the report. Default: not said.
    """

    html: Path
    json_file: Path | None = None
    command: str = "peakfleet demo"

    def write_json(self, document: Mapping[str, Any]) -> None:
        """Write the figures, if somebody asked for them."""
        if self.json_file is not None:
            self.json_file.parent.mkdir(parents=True, exist_ok=True)
            self.json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
