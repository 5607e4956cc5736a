"""A recording as it was understood: demand at a constant step, and what was found on the way."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from peakfleet_sim.demand.demand import Demand, DemandError, Floats
from peakfleet_sim.demand.minutes import to_minutes

HEADER: Final = "timestamp_utc,demand"

MOST_STEP_MINUTES: Final = 60
"""Nothing is known of the course of a longer step."""
_SECONDS_PER_MINUTE: Final = 60
_EXACT_BELOW: Final = 100_000
_LEAST_STEPS: Final = 60
"""Steps below which nothing is suspicious."""
_SPIKE: Final = 10
_MOST_SPIKES: Final = 3
_LEVEL_CHANGE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """Recorded demand at a constant step, without gaps.

    Args:
        name: What it is, for charts.
        start: When the first step begins (UTC).
        step_minutes: The step.
        units: Mean demand of each step.
        origin: What kind of export it was.
        value_column: The column, or series, that was read.
        rows: Rows of it in the file.
        recorded_step: The step of the file, in words.
        filled_steps: Steps that were missing and were filled.
        repeated_rows: Rows whose time was there before; the last of them counts.
        counter: Whether the values were a counter.
        notes: What was assumed or changed, each a clause for people.
    """

    name: str
    start: datetime
    step_minutes: int
    units: Floats
    origin: str
    value_column: str
    rows: int
    recorded_step: str
    filled_steps: int = 0
    repeated_rows: int = 0
    counter: bool = False
    notes: tuple[str, ...] = ()

    @property
    def end(self) -> datetime:
        """When the last step ends."""
        return self.start + timedelta(minutes=self.step_minutes) * len(self.units)

    def demand(self, *, seed: int = 0) -> Demand:
        """Return the demand by the minute.

        Args:
            seed: Of the bridge that fills steps of several minutes. Default: 0.

        Raises:
            DemandError: The step is above an hour, so that its minutes would be invented.
        """
        if self.step_minutes > MOST_STEP_MINUTES:
            raise DemandError(
                f"{self.name}: a step of {self.recorded_step} says nothing of the minutes in which "
                "machines boot and a replay goes; export the metric with a step of an hour or less"
            )
        minutes = to_minutes(self.units, self.step_minutes, seed)
        return Demand(name=self.name, start=self.start, units=minutes)

    def summary(self) -> str:
        """Return in one line what was understood."""
        gaps = f"{self.filled_steps:,} of {len(self.units):,} steps missing"
        said = (
            f"{self.name}: {self.rows:,} rows of '{self.value_column}', "
            f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC, "
            f"step {self.recorded_step}, {gaps if self.filled_steps else 'no gaps'}, "
            f"peak {amount(self.units.max())} units, "
            f"99th percentile {amount(float(np.percentile(self.units, 99)))}"
        )
        return "; ".join((said, *self.notes))

    def facts(self) -> list[tuple[str, str]]:
        """Return what was understood, as terms and descriptions."""
        units = self.units
        kind = "counter, read as its increase" if self.counter else "gauge"
        return [
            ("file", f"{self.name}, {self.origin}"),
            ("values", f"column '{self.value_column}', {kind}"),
            ("rows", f"{self.rows:,}"),
            ("span", f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"),
            ("step", self.recorded_step),
            ("gaps", f"{self.filled_steps:,} of {len(units):,} steps missing"),
            ("duplicates", f"{self.repeated_rows:,}"),
            ("least", f"{amount(units.min())} units"),
            ("median", f"{amount(float(np.median(units)))} units"),
            ("99th percentile", f"{amount(float(np.percentile(units, 99)))} units"),
            ("peak", f"{amount(units.max())} units"),
            *(("note", note) for note in (*self.notes, *self.suspicious)),
        ]

    @property
    def suspicious(self) -> list[str]:
        """What may be a mistake of the recording, each a clause for people."""
        found = []
        units, minutes = self.units, self.step_minutes

        def at(step: int) -> str:
            return f"{self.start + timedelta(minutes=minutes) * step:%Y-%m-%d %H:%M} UTC"

        if not units.any():
            found.append("demand is zero throughout")
        elif np.ptp(units) == 0:
            found.append("demand is the same in every step")
        if len(units) > _LEAST_STEPS:
            before = np.maximum(units[:-2], units[2:])
            lone = np.flatnonzero(units[1:-1] > _SPIKE * np.maximum(before, np.median(units)))
            if 0 < len(lone) <= _MOST_SPIKES:
                found.append(
                    f"a lone step of {amount(units[lone[0] + 1])} units at {at(int(lone[0]) + 1)} "
                    f"is over {_SPIKE} times its neighbours"
                )
            level = np.median(units[: len(units) // 2]), np.median(units[len(units) // 2 :])
            if min(level) > 0 and max(level) > _LEVEL_CHANGE * min(level):
                found.append(
                    f"the second half is at {level[1] / level[0]:.2g} times the level of the "
                    "first: did the unit or the step change?"
                )
        return found

    def write(self, path: Path) -> None:
        """Write it as a canonical file, gzipped if the name ends so."""
        start = np.datetime64(self.start.replace(tzinfo=None), "s")
        step = np.timedelta64(self.step_minutes * _SECONDS_PER_MINUTE, "s")
        stamps = np.datetime_as_string(start + np.arange(len(self.units)) * step)
        text = "".join(
            f"{stamp}Z,{_number(value)}\n"
            for stamp, value in zip(stamps.tolist(), self.units.tolist(), strict=True)
        )
        data = f"{HEADER}\n{text}".encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def amount(units: float) -> str:
    """Return units for people.

    >>> amount(1234567.8), amount(0.25)
    ('1,234,568', '0.25')
    """
    return f"{units:,.0f}" if abs(units) >= _EXACT_BELOW else f"{units:,.6g}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else repr(value)
