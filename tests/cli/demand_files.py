"""Demand files, and what the command wrote about them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from typer.testing import CliRunner, Result

from peakfleet_cli.main import app

START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rough_demand(rows: int, *, seed: int = 7) -> list[float]:
    """Return demand with bursts above 20 and quiet stretches below."""
    random = np.random.default_rng(seed)
    waves = 14 + 12 * np.sin(np.arange(rows) / 19) + random.normal(0, 4, rows)
    return [round(max(0.0, float(value)), 2) for value in waves]


def write_demand(path: Path, values: Iterable[float], *, step_minutes: int = 1) -> Path:
    rows = (
        f"{START + timedelta(minutes=step_minutes * index):%Y-%m-%dT%H:%M:%SZ},{value}\n"
        for index, value in enumerate(values)
    )
    path.write_text("timestamp_utc,demand\n" + "".join(rows), encoding="utf-8")
    return path


def series(path: Path) -> dict[str, list[dict[str, str]]]:
    """Return the rows of a series file, by policy."""
    rows: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["policy"], []).append(row)
    return rows
