"""A recording of demand, read at synth: the canonical file only, with nothing but Python."""

from __future__ import annotations

import csv
import gzip
import zlib
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from peakfleet_planner import SpecError
from peakfleet_planner.forecast import HOUR_MINUTES, MINUTE_SECONDS, RecordedDemand

_HEADER: Final = ["timestamp_utc", "demand"]


def read_recording(file: Path) -> RecordedDemand:
    """Return the newest two weeks of a recording by the minute; a row stands up to the next.

    Args:
        file: A file of `timestamp_utc,demand`, .csv or .csv.gz, in steps of whole minutes.

    Raises:
        SpecError: It cannot be read, or is no such file.
    """
    try:
        content = file.read_bytes()
        if file.name.endswith(".gz"):
            content = gzip.decompress(content)
        rows = list(csv.reader(content.decode("utf-8").splitlines()))
        return _demand(rows)
    except SpecError as error:
        raise SpecError(
            f"{file}: {error}; `peakfleet demand check {file} --write demand.csv` says what is "
            f"understood of any recording and writes a file that can be read here"
        ) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise SpecError(f"{file}: cannot be read as a recording of demand: {error}") from error


def _demand(rows: list[list[str]]) -> RecordedDemand:
    if rows[:1] != [_HEADER]:
        raise SpecError(f"its header must be {','.join(_HEADER)}, got {','.join(*rows[:1])[:80]!r}")
    points = [(_epoch_seconds(time), float(demand)) for time, demand in rows[1:]]
    steps = {after - time for (time, _), (after, _) in pairwise(points)}
    minutes, rest = divmod(min(steps, default=0), MINUTE_SECONDS)
    if len(steps) != 1 or rest or not 0 < minutes <= HOUR_MINUTES:
        raise SpecError("its step must be constant, of 1 to 60 whole minutes, oldest first")
    values = [value for _, value in points for _ in range(minutes)]
    return RecordedDemand.newest(points[0][0] // MINUTE_SECONDS, values)


def _epoch_seconds(text: str) -> int:
    time = datetime.fromisoformat(text)
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
