"""Recorded demand from a file."""

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

from peakfleet_sim.demand.bridge import to_minutes
from peakfleet_sim.demand.demand import Demand
from peakfleet_sim.errors import DemandError

HEADER: Final = "timestamp_utc,demand"

_GZIP_MAGIC: Final = b"\x1f\x8b"
_COLUMNS: Final = 2


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
    return Demand(name=name, start=rows[0].time, units=to_minutes(means, step, seed))


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
