"""A demand file that is appended to: `timestamp_utc,demand`, a constant step, no gap."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from peakfleet_cli.errors import CommandError

HEADER = "timestamp_utc,demand"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class RecordError(CommandError):
    """Demand cannot be recorded; the message says why and the way out."""


@dataclass(slots=True, kw_only=True)
class DemandFile:
    """A demand file, new or to be continued.

    Args:
        path: The file, plain or, by its name, gzipped.
        step_seconds: Its step; a file that has rows keeps its own.
        count: Rows that it has.
        filled: Rows written since it was opened that had no datapoint.
    """

    path: Path
    step_seconds: int
    count: int = field(init=False, default=0)
    filled: int = field(init=False, default=0)
    _last: tuple[int, float] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Read the rows of the file, and drop a row that was only half written."""
        if not self.path.exists() or not self.path.stat().st_size:
            return
        text = self._read()
        whole, half = text[: text.rfind("\n") + 1], text[text.rfind("\n") + 1 :]
        header, *lines = whole.splitlines() or [""]
        if header != HEADER:
            raise RecordError(f"{self.path}: is no demand file, its header must be {HEADER!r}")
        rows = [self._row(line) for line in lines]
        if half:
            self._write("w", whole)
        self.count = len(rows)
        if rows:
            self._last = rows[-1]
        if len(rows) > 1 and rows[-1][0] - rows[-2][0] != self.step_seconds:
            self.step_seconds = rows[-1][0] - rows[-2][0]

    @property
    def next_epoch_seconds(self) -> int | None:
        """When the next row begins; None if there is none yet."""
        return None if self._last is None else self._last[0] + self.step_seconds

    def append(self, points: Sequence[tuple[int, float]], *, zero_until: int | None) -> None:
        """Write datapoints, oldest first, and what is missing between them, at once.

        Args:
            points: Start of each period in seconds since 1970 (UTC), and its demand.
            zero_until: Missing periods are zero, up to here; None fills the gap between two
                datapoints by a straight line.
        """
        rows = list(self._filled(points, zero_until))
        if not rows:
            return
        text = "".join(
            f"{datetime.fromtimestamp(time, UTC).strftime(_TIME)},{value:.10g}\n"
            for time, value in rows
        )
        if not self.count:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write("w", f"{HEADER}\n{text}")
        else:
            self._write("a", text)
        self.count += len(rows)
        self._last = rows[-1]

    def _filled(
        self, points: Sequence[tuple[int, float]], zero_until: int | None
    ) -> Iterator[tuple[int, float]]:
        last = self._last
        for time, value in points:
            yield from self._between(last, (time, value), zero=zero_until is not None)
            yield time, value
            last = time, value
        if last is not None and zero_until is not None:
            yield from self._between(last, (zero_until, 0.0), zero=True)

    def _between(
        self, last: tuple[int, float] | None, point: tuple[int, float], *, zero: bool
    ) -> Iterator[tuple[int, float]]:
        """Yield the rows that are missing between two datapoints."""
        if last is None:
            return
        span = point[0] - last[0]
        for time in range(last[0] + self.step_seconds, point[0], self.step_seconds):
            self.filled += 1
            share = (time - last[0]) / span
            yield time, 0.0 if zero else last[1] + share * (point[1] - last[1])

    def _row(self, line: str) -> tuple[int, float]:
        time, _, value = line.partition(",")
        try:
            moment = datetime.fromisoformat(time)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return int(moment.timestamp()), float(value)
        except ValueError as error:
            raise RecordError(f"{self.path}: {line!r} is no row of a demand file") from error

    def _read(self) -> str:
        try:
            data = self.path.read_bytes()
            return (gzip.decompress(data) if self._zipped else data).decode()
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise RecordError(f"{self.path}: cannot be continued: {error}") from error

    def _write(self, mode: str, text: str) -> None:
        data = gzip.compress(text.encode()) if self._zipped else text.encode()
        with self.path.open(f"{mode}b") as file:
            file.write(data)

    @property
    def _zipped(self) -> bool:
        return self.path.suffix == ".gz"
