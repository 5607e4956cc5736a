"""What a user asks of a demo. Imports nothing heavy, so that `--help` is quick."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peakfleet_sim import ReadOptions

DEFAULT_HOURS = 6.0
DEFAULT_PEAK_SHARE = 0.65


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
    """

    file: Path | None = None
    start: datetime | None = None
    hours: float = DEFAULT_HOURS
    seed: int = 0
    peak_share: float = DEFAULT_PEAK_SHARE
    reading: ReadOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What is deployed, and where.

    Args:
        directory: Checkout of the app, with its cdk.json and its CDK CLI.
        environment: Value of the app's context `environment`.
        port: Of the local AWS; 0 takes any.
    """

    directory: Path
    environment: str
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Where the outcome is written besides the terminal.

    Args:
        html: The report.
        json_file: The figures. Default: nowhere.
    """

    html: Path
    json_file: Path | None = None

    def write_json(self, document: Mapping[str, Any]) -> None:
        """Write the figures, if somebody asked for them."""
        if self.json_file is not None:
            self.json_file.parent.mkdir(parents=True, exist_ok=True)
            self.json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
