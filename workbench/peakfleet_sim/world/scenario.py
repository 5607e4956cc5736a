"""What goes wrong around a fleet: failures of a scenario, read from a TOML file."""

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
from peakfleet_sim.demand import DemandError, Floats
from peakfleet_sim.world.world import SECONDS_PER_MINUTE

_GZIP_MAGIC: Final = b"\x1f\x8b"


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolScenario:
    """What limits one pool.

    Args:
        available: Most instances that can run, by the minute, repeated where the demand is longer.
            What runs above it is reclaimed; what is launched beyond it is refused as insufficient
            capacity. Default: no limit.
        boot_seconds: Boot times; each launch draws one. Default: that of the pool.
    """

    available: NDArray[np.int64] | None = None
    boot_seconds: tuple[float, ...] = ()

    def most_at(self, minute: int) -> int:
        """Return how many instances can run at the end of *minute*."""
        if self.available is None:
            return maxsize
        return int(self.available[minute % len(self.available)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """What goes wrong while demand is replayed.

    Args:
        pools: Limits by pool name. Default: none.
        metrics_lost: When no metric is published. Default: never.
        baseline_outage: When the on-premises side carries less. Default: never.
        specs: The pools of the scenario file as a fleet has them, in ladder order, for a replay
            that is given no other fleet. Each plans with the mean boot time. Default: none.
    """

    pools: Mapping[str, PoolScenario] = field(default_factory=dict)
    metrics_lost: tuple[Period, ...] = ()
    baseline_outage: tuple[Period, ...] = ()
    specs: tuple[PoolSpec, ...] = ()

    def lost(self, minutes: int) -> NDArray[np.bool_]:
        """Return for each minute whether its metrics are lost."""
        lost = np.zeros(minutes, np.bool_)
        for period in self.metrics_lost:
            lost[period.from_minute : period.from_minute + period.minutes] = True
        return lost

    def usable_fraction(self, minutes: int) -> Floats:
        """Return for each minute the share of the baseline that is left."""
        usable = np.ones(minutes)
        for period in self.baseline_outage:
            part = slice(period.from_minute, period.from_minute + period.minutes)
            usable[part] = np.minimum(usable[part], period.usable_fraction)
        return usable


def load_scenario(path: Path) -> Scenario:
    """Return the scenario in a TOML file; recordings are looked for in its folder.

    Raises:
        DemandError: A file cannot be read, or has a field that no scenario has.
    """
    try:
        document = _with_lists(tomllib.loads(path.read_text(encoding="utf-8")))
        file = from_document(_File, document, str(path))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, SpecError) as error:
        raise DemandError(f"{path}: cannot be read as a scenario: {error}") from error
    return Scenario(
        pools={pool.name: pool.limits(path.parent) for pool in file.pool},
        metrics_lost=file.metrics_lost,
        baseline_outage=file.baseline_outage,
        specs=tuple(pool.spec for pool in file.pool),
    )


def load_availability(path: Path, *, instances_per_node: float = 1.0) -> NDArray[np.int64]:
    """Return how many instances could be had, by the minute: the fewest of the steps in it.

    Args:
        path: A recording in the format of github.com/skypilot-org/spot-traces: JSON, plain or
            gzipped, with `metadata.gap_seconds` and `data`, available nodes at each step.
        instances_per_node: Instances that each recorded node stands for. Default: 1.

    Raises:
        DemandError: The file cannot be read.
    """
    try:
        data = path.read_bytes()
        text = gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data
        document = json.loads(text)
        gap, nodes = float(document["metadata"]["gap_seconds"]), document["data"]
        counts = np.floor(np.array(nodes, dtype=np.float64) * instances_per_node)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Availability:
    """A recording that a scenario file names, with the arguments of `load_availability`."""

    file: str
    instances_per_node: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """One `[[pool]]` of a scenario file; `docs/what-if.md` has its fields."""

    name: str
    units_per_instance: float = 1.0
    max_instances: int = 200
    usd_per_hour: float | None = None
    boot_seconds: tuple[float, ...] = (180.0,)
    availability: _Availability | None = None

    @property
    def spec(self) -> PoolSpec:
        return PoolSpec(
            name=self.name,
            group=self.name,
            units_per_capacity=self.units_per_instance,
            max_capacity=self.max_instances,
            boot_seconds=sum(self.boot_seconds) / max(1, len(self.boot_seconds)),
            usd_per_capacity_hour=self.usd_per_hour,
        )

    def limits(self, folder: Path) -> PoolScenario:
        file, available = self.availability, None
        if file is not None:
            available = load_availability(
                folder / file.file, instances_per_node=file.instances_per_node
            )
        return PoolScenario(
            available=available,
            boot_seconds=self.boot_seconds if len(self.boot_seconds) > 1 else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    pool: tuple[_Pool, ...] = ()
    metrics_lost: tuple[Period, ...] = ()
    baseline_outage: tuple[Period, ...] = ()


def _with_lists(document: dict[str, Any]) -> dict[str, Any]:
    """Let one boot time stand for a list of one."""
    match document:
        case {"pool": [*pools]}:
            for pool in pools:
                match pool:
                    case {"boot_seconds": int() | float() as boot}:
                        pool["boot_seconds"] = [boot]
    return document
