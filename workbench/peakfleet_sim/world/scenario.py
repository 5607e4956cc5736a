"""What goes wrong around a fleet: read from a small scenario file."""

from __future__ import annotations

import gzip
import json
import tomllib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from sys import maxsize
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from peakfleet_planner import PoolSpec, SpecError
from peakfleet_planner.codec import from_document
from peakfleet_sim.demand import Floats
from peakfleet_sim.errors import DemandError
from peakfleet_sim.world.world import SECONDS_PER_MINUTE

_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """How many instances could be had, as it was recorded.

    The format is that of github.com/skypilot-org/spot-traces: a JSON file, plain or gzipped,
    with `metadata.gap_seconds` and `data`, nodes that were available at each step. It begins
    with the demand and is repeated where it is shorter.

    Args:
        file: The recording.
        instances_per_node: Instances that each recorded node stands for. Default: 1.
    """

    file: str
    instances_per_node: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolScenario:
    """One pool of a scenario.

    Args:
        name: The pool; of a fleet that is given otherwise, or a new one.
        units_per_instance: Units that one instance serves. Default: 1.
        max_instances: Most instances. Default: 200.
        usd_per_hour: Price of an instance. Default: unknown.
        boot_seconds: From launch to serving; of several, each launch draws one. Default: 180.
        availability: How many could be had; what runs above it is reclaimed, what is launched
            beyond it finds insufficient capacity and is tried again. Default: all.
    """

    name: str
    units_per_instance: float = 1.0
    max_instances: int = 200
    usd_per_hour: float | None = None
    boot_seconds: tuple[float, ...] = (180.0,)
    availability: Availability | None = None

    @property
    def spec(self) -> PoolSpec:
        """The pool as a fleet has it; it plans with the mean boot time."""
        return PoolSpec(
            name=self.name,
            group=self.name,
            units_per_capacity=self.units_per_instance,
            max_capacity=self.max_instances,
            boot_seconds=sum(self.boot_seconds) / max(1, len(self.boot_seconds)),
            usd_per_capacity_hour=self.usd_per_hour,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Minutes of the demand, counted from its first.

    Args:
        from_minute: The first of them.
        minutes: How many.
        usable_fraction: Share of the baseline that is left, for an outage. Default: 0.
    """

    from_minute: int
    minutes: int
    usable_fraction: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a period that cannot be."""
        if self.from_minute < 0 or self.minutes < 1 or not 0 <= self.usable_fraction <= 1:
            raise SpecError(
                "scenario: from_minute must be at least 0, minutes at least 1 and "
                f"usable_fraction between 0 and 1, got {self}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario file.

    Args:
        pool: Pools, in ladder order. Default: those of the fleet, in fair weather.
        metrics_lost: When no metric is published. Default: never.
        baseline_outage: When the on-premises side carries less. Default: never.
    """

    pool: tuple[PoolScenario, ...] = ()
    metrics_lost: tuple[Period, ...] = ()
    baseline_outage: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolWeather:
    """What one pool meets.

    Args:
        available: Most instances by the minute; repeated. Default: no bound.
        boot_seconds: Boot times of which each launch draws one. Default: that of the pool.
    """

    available: NDArray[np.int64] | None = None
    boot_seconds: tuple[float, ...] = ()

    def most_at(self, minute: int) -> int:
        """Return how many instances there may be at the end of *minute*."""
        if self.available is None:
            return maxsize
        return int(self.available[minute % len(self.available)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weather:
    """What a fleet meets.

    Args:
        pools: By pool name. Default: nothing goes wrong.
        lost: When no metric is published.
        outages: When the on-premises side carries less.
    """

    pools: Mapping[str, PoolWeather] = field(default_factory=dict)
    lost: tuple[Period, ...] = ()
    outages: tuple[Period, ...] = ()

    def metrics_lost(self, minutes: int) -> NDArray[np.bool_]:
        """Return for each minute whether its metrics are lost."""
        lost = np.zeros(minutes, np.bool_)
        for period in self.lost:
            lost[period.from_minute : period.from_minute + period.minutes] = True
        return lost

    def usable_fraction(self, minutes: int) -> Floats:
        """Return for each minute the share of the baseline that is left."""
        usable = np.ones(minutes)
        for period in self.outages:
            part = slice(period.from_minute, period.from_minute + period.minutes)
            usable[part] = np.minimum(usable[part], period.usable_fraction)
        return usable


def load_scenario(path: Path) -> Scenario:
    """Return the scenario in a TOML file.

    Raises:
        DemandError: The file cannot be read, or has what no scenario has.
    """
    try:
        document = _with_lists(tomllib.loads(path.read_text(encoding="utf-8")))
        return from_document(Scenario, document, str(path))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, SpecError) as error:
        raise DemandError(f"{path}: cannot be read as a scenario: {error}") from error


def weather_of(scenario: Scenario, *, folder: Path) -> Weather:
    """Return what a fleet meets in *scenario*.

    Args:
        scenario: The scenario.
        folder: Where its recordings are looked for.

    Raises:
        DemandError: A recording cannot be read.
    """
    return Weather(
        pools={
            pool.name: PoolWeather(
                available=_recorded(folder, pool.availability) if pool.availability else None,
                boot_seconds=pool.boot_seconds if len(pool.boot_seconds) > 1 else (),
            )
            for pool in scenario.pool
        },
        lost=scenario.metrics_lost,
        outages=scenario.baseline_outage,
    )


def _with_lists(document: dict[str, Any]) -> dict[str, Any]:
    """Let one boot time stand for a list of one."""
    match document:
        case {"pool": [*pools]}:
            for pool in pools:
                match pool:
                    case {"boot_seconds": int() | float() as boot}:
                        pool["boot_seconds"] = [boot]
    return document


def _recorded(folder: Path, availability: Availability) -> NDArray[np.int64]:
    """Return a recording by the minute: each minute has the fewest of its steps."""
    path = folder / availability.file
    try:
        data = path.read_bytes()
        text = gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data
        document = json.loads(text)
        gap, nodes = float(document["metadata"]["gap_seconds"]), document["data"]
        counts = np.floor(np.array(nodes, dtype=np.float64) * availability.instances_per_node)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise DemandError(
            f"{path}: cannot be read as recorded availability, JSON with metadata.gap_seconds "
            f"and data, a number for each step: {error!r}"
        ) from error
    if counts.ndim != 1 or not len(counts) or not gap > 0:
        raise DemandError(f"{path}: data must be a list of numbers and gap_seconds above 0")
    minutes = max(1, int(len(counts) * gap // SECONDS_PER_MINUTE))
    starts = np.arange(minutes) * SECONDS_PER_MINUTE
    first = (starts // gap).astype(np.int64)
    last = np.minimum(np.ceil((starts + SECONDS_PER_MINUTE) / gap) - 1, len(counts) - 1)
    spans = zip(first, np.maximum(first, last.astype(np.int64)), strict=True)
    return np.array([counts[a : b + 1].min() for a, b in spans], dtype=np.int64)
