"""Demand to come: whether a fleet learns it, and what is known of it beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from aws_cdk import Duration

from peakfleet._values import known_number
from peakfleet.calendar import window
from peakfleet.policy.recording import read_recording
from peakfleet_planner import KnownPeakSpec
from peakfleet_planner.forecast import RecordedDemand


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """Whether a fleet learns its demand, so that it grows before a peak and not with it.

    Use `learned`, `from_recording` or `off`.

    Args:
        learns: Whether it does.
        recorded: What its demand was before there was a fleet. Default: nobody knows.
    """

    learns: bool
    recorded: RecordedDemand | None = None

    @classmethod
    def learned(cls) -> Foresight:
        """Learn from the last two weeks, every hour, in a function beside the scaler.

        The fleet starts with the reactive rule. What was learned takes over once it has proved
        itself on recent demand, and steps back as soon as it no longer does. What is learned is
        the largest request of live signals, in periods of a minute or less, or what arrives in
        queues whose work may wait for less than new capacity takes. Any other fleet stays with
        the reactive rule and gets no such function; the synth says why. So does one whose pools
        boot for longer than 50 minutes.
        """
        return cls(learns=True)

    @classmethod
    def from_recording(cls, file: str | Path) -> Foresight:
        """Learn, and begin with a recording of what demand was before there was a fleet.

        With two weeks of it a fleet is foresighted from its first hour on. What lies between the
        recording and the fleet's own metrics is taken to be as a week before. The fleet's own
        demand replaces the recording minute by minute, and after two weeks nothing is left of it.

        Args:
            file: A file of `timestamp_utc,demand`, .csv or .csv.gz, with a constant step of at most
                an hour: what `peakfleet record` writes, and `peakfleet demand check --write` from
                any other recording. Demand is in units of the fleet; for a queue, units that
                what arrives keeps busy. The newest two weeks count, at least a day.

        Raises:
            SpecError: The file is none of these.

        Limitations:
            The recording, 30 to 50 KB, is part of the learner's schedule in the template.
        """
        return cls(learns=True, recorded=read_recording(Path(file)))

    @classmethod
    def off(cls) -> Foresight:
        """Stay with the reactive rule, without a learner and without its numpy."""
        return cls(learns=False)


@dataclass(frozen=True, slots=True)
class KnownPeak:
    """Demand that is known to come: a premiere, a launch, every Friday evening.

    The fleet is ready when it begins and keeps what it needs until it is over. A known peak only
    ever raises what the fleet runs; demand beyond it is served as ever.

    Args:
        name: Unique within the fleet.
        start: When it begins, with a time zone. One that is over changes nothing.
        duration: How long it lasts.
        units: Demand to be ready for, in units, what the baseline carries included.
        repeats: `hourly`, `daily` or `weekly`: it comes back at the same local time. Default: once.
        uncertainty: By which share of its units demand may turn out smaller or larger, up to 1.
            The fleet prepares for more than is announced, by what missed work is worth, and is
            corrected by what comes in the first quarter of an hour. Default: 0, it is as large as
            is said.

    Raises:
        SpecError: A value is out of range, or the start has no time zone.

    Limitations:
        A peak that repeats follows daylight saving time for ten years from its start, by the
        time zone data of the machine that synthesized the stack.

    Example:
        KnownPeak(
            "season finale",
            start=datetime(2027, 3, 5, 20, tzinfo=ZoneInfo("Europe/Berlin")),
            duration=Duration.hours(3),
            units=900,
        )
    """

    name: str
    start: datetime = field(kw_only=True)
    duration: Duration = field(kw_only=True)
    units: float = field(kw_only=True)
    repeats: Literal["hourly", "daily", "weekly"] | None = field(default=None, kw_only=True)
    uncertainty: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse a peak that cannot be."""
        self.to_planner()

    def to_planner(self) -> KnownPeakSpec:
        """Return the peak as the planner reads it."""
        owner = f"known peak '{self.name}'"
        known_number(owner, "units", self.units)
        known_number(owner, "uncertainty", self.uncertainty)
        return KnownPeakSpec(
            name=self.name,
            units=self.units,
            uncertainty=self.uncertainty,
            **window(owner, start=self.start, duration=self.duration, repeats=self.repeats),
        )
