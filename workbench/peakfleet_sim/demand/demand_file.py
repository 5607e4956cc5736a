"""Recorded demand: read from a file, and brought from its step to minutes."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np

from peakfleet_sim.demand.demand import Demand, DemandError, Floats

HEADER: Final = "timestamp_utc,demand"

_GZIP_MAGIC: Final = b"\x1f\x8b"
_COLUMNS: Final = 2
_WINDOW_STEPS: Final = 25
"""Steps whose roughness the filled minutes have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    line: int
    time: datetime
    demand: float


def load_demand(path: Path, *, seed: int = 0) -> Demand:
    """Return the demand recorded in a CSV file, plain or gzipped, by the minute.

    The header is `timestamp_utc,demand`. Each row has an ISO-8601 time, taken as UTC if it
    names no zone, and the mean demand from then until the next row. The step between rows
    is constant and a whole number of minutes; a step of more than one minute is filled in
    by a seeded Brownian bridge between the means.

    Args:
        path: The file.
        seed: Of the bridge; the same seed gives the same minutes. Default: 0.

    Raises:
        DemandError: The file cannot be read, or a row is not what it must be.
    """
    rows = _rows(path, _text(path).splitlines())
    step = _step_minutes(path, rows)
    means = np.array([row.demand for row in rows])
    name = path.name.removesuffix(".gz").removesuffix(".csv")
    return Demand(name=name, start=rows[0].time, units=_to_minutes(means, step, seed))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DemandError(f"{path}: cannot be read as CSV or gzipped CSV: {error}") from error


def _rows(path: Path, lines: list[str]) -> list[_Row]:
    while lines and not lines[-1].strip():
        lines.pop()
    header = lines[0].strip() if lines else ""
    if header != HEADER:
        raise DemandError(f"{path}, line 1: the header must be {HEADER!r}, got {header!r}")
    return [_row(path, number, line) for number, line in enumerate(lines[1:], start=2)]


def _row(path: Path, number: int, line: str) -> _Row:
    where = f"{path}, line {number}"
    fields = line.split(",")
    if len(fields) != _COLUMNS:
        raise DemandError(f"{where}: a row must be a time and a number, got {line!r}")
    try:
        time = datetime.fromisoformat(fields[0].strip())
    except ValueError as error:
        raise DemandError(
            f"{where}: timestamp_utc must be like 1998-04-30T21:30:00Z, got {fields[0]!r}"
        ) from error
    try:
        demand = float(fields[1])
    except ValueError as error:
        raise DemandError(f"{where}: demand must be a number, got {fields[1]!r}") from error
    if not (isfinite(demand) and demand >= 0):
        raise DemandError(f"{where}: demand must be finite and at least 0, got {fields[1]!r}")
    time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    return _Row(line=number, time=time, demand=demand)


def _step_minutes(path: Path, rows: list[_Row]) -> int:
    if len(rows) < _COLUMNS:
        raise DemandError(f"{path}: at least 2 rows are needed to know the step, got {len(rows)}")
    step = rows[1].time - rows[0].time
    seconds = step.total_seconds()
    for earlier, later in pairwise(rows):
        if later.time - earlier.time == step and seconds > 0:
            continue
        raise DemandError(
            f"{path}, line {later.line}: {_mishap(earlier, later, seconds)}: "
            f"{later.time:%Y-%m-%dT%H:%M:%SZ} follows {earlier.time:%Y-%m-%dT%H:%M:%SZ}, "
            f"but the step must be the {seconds:g} s of the first two rows throughout"
        )
    if seconds % 60:
        raise DemandError(
            f"{path}: the step must be a whole number of minutes, got {seconds:g} s: "
            "average the rows to minutes first"
        )
    return int(seconds // 60)


def _mishap(earlier: _Row, later: _Row, step_seconds: float) -> str:
    if later.time == earlier.time:
        return "duplicate time"
    if later.time < earlier.time:
        return "rows are not sorted by time"
    if (later.time - earlier.time).total_seconds() > step_seconds:
        return "gap"
    return "shorter step"


def _to_minutes(means: Floats, step_minutes: int, seed: int) -> Floats:
    """Return *means* of `step_minutes` each as minutes, with plausible detail inside a step.

    The means stand at the middle of their steps and are joined by lines plus a seeded
    Brownian bridge. Lines alone would show a policy the slope towards a mean that nobody
    could know yet, and flatter whoever extrapolates. The bridge is as rough as the steps
    themselves were lately: the root mean square of their second difference, over sqrt(2).

    Everything up to the middle of step i depends on the steps up to i only, so demand that
    is cut short stays the same up to there.
    """
    if step_minutes == 1:
        return means
    steps = len(means)
    middles = np.arange(steps) * step_minutes + step_minutes / 2
    lines = np.interp(np.arange(steps * step_minutes) + 0.5, middles, means)
    walk = np.random.default_rng(seed).standard_normal((steps, step_minutes))
    walk = np.cumsum(walk / np.sqrt(step_minutes), axis=1)
    bridge = walk - walk[:, -1:] * (np.arange(1, step_minutes + 1) / step_minutes)
    detail = (_roughness(means)[:, np.newaxis] * bridge).ravel()
    before_the_first_middle = np.zeros(step_minutes // 2)
    detail = np.concatenate([before_the_first_middle, detail])[: len(lines)]
    minutes: Floats = np.maximum(0.0, lines + detail)
    return minutes


def _roughness(means: Floats) -> Floats:
    """Return, for the way from each step to the next, how rough the last steps were."""
    squares = np.zeros(len(means))
    squares[1:-1] = (means[2:] - 2 * means[1:-1] + means[:-2]) ** 2
    sums = np.concatenate([[0.0], np.cumsum(squares)])
    end = np.arange(1, len(means) + 1)
    start = np.maximum(0, end - _WINDOW_STEPS)
    known = np.maximum(1, end - np.maximum(start, 1))
    roughness: Floats = np.sqrt(np.maximum(0.0, sums[end] - sums[start]) / known / 2)
    return roughness
