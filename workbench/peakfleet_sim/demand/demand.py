"""Demand by the minute: windows of it, and its scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


_PEAK_PERCENTILE: Final = 99.9


class DemandError(ValueError):
    """Demand cannot be read, or what is asked of it does not fit it.

    The one error that the simulator raises. The message names the file, the line or the field, the
    value and what is allowed.
    """


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Demand:
    """Units asked for in each minute.

    Args:
        name: What it is, for people.
        start: When the first minute begins (UTC).
        units: Mean units of each minute.
        history_minutes: Minutes at the start that a policy may see but that are not scored.
            Default: 0.
    """

    name: str
    start: datetime
    units: Floats
    history_minutes: int = 0

    def __post_init__(self) -> None:
        """Refuse demand that nobody can ask for."""
        if not len(self.units):
            raise DemandError(f"demand '{self.name}': at least one minute is needed, got none")
        if not bool(np.all(np.isfinite(self.units)) and self.units.min() >= 0):
            raise DemandError(f"demand '{self.name}': units must be finite and at least 0")
        if not 0 <= self.history_minutes < len(self.units):
            raise DemandError(
                f"demand '{self.name}': history_minutes must be between 0 and "
                f"{len(self.units) - 1}, got {self.history_minutes}"
            )
        self.units.setflags(write=False)

    @property
    def has_peak(self) -> bool:
        """Whether demand changes at all."""
        return bool(np.ptp(self.units) > 0)

    @property
    def minutes(self) -> int:
        """How many minutes there are, history included."""
        return len(self.units)

    @property
    def start_epoch_seconds(self) -> int:
        """When the first minute begins, in seconds since 1970 (UTC)."""
        return int(self.start.timestamp())

    def timestamp(self, minute: int) -> datetime:
        """Return when *minute* begins."""
        return self.start + timedelta(minutes=minute)

    def window(self, start: datetime, *, hours: float, history_minutes: int = 0) -> Self:
        """Return *hours* of demand from *start* on, and some history before it.

        Args:
            start: First minute that is scored; taken as UTC if it names no time zone.
            hours: How long.
            history_minutes: Minutes before `start` to keep as history; fewer where the demand
                begins later. Default: 0.

        Raises:
            DemandError: The window does not lie within the demand.
        """
        at = start if start.tzinfo else start.replace(tzinfo=UTC)
        first = (at - self.start) / timedelta(minutes=1)
        length = round(hours * 60)
        if length < 1 or first < 0 or first + length > self.minutes:
            raise DemandError(
                f"demand '{self.name}': a window of {hours:g} hours from {at:%Y-%m-%dT%H:%MZ} "
                f"must lie within {self.start:%Y-%m-%dT%H:%MZ} and "
                f"{self.timestamp(self.minutes):%Y-%m-%dT%H:%MZ}"
            )
        return self._slice(int(first), length, history_minutes)

    def busiest_window(self, *, hours: float, history_minutes: int = 0) -> Self:
        """Return the *hours* with the most demand in sum, the earliest of them if several.

        Args:
            hours: How long.
            history_minutes: As in `window`. Default: 0.

        Raises:
            DemandError: There is less demand than that.
        """
        length = round(hours * 60)
        if not 1 <= length <= self.minutes:
            raise DemandError(
                f"demand '{self.name}': hours must be between {1 / 60:.2g} and "
                f"{self.minutes / 60:g}, got {hours:g}"
            )
        sums = np.concatenate([[0.0], np.cumsum(self.units)])
        return self._slice(int(np.argmax(sums[length:] - sums[:-length])), length, history_minutes)

    def _slice(self, first: int, length: int, history_minutes: int) -> Self:
        history = min(first, history_minutes)
        return replace(
            self,
            start=self.timestamp(first - history),
            units=self.units[first - history : first + length].copy(),
            history_minutes=history,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScaledDemand:
    """Demand in the units of a fleet, and the baseline that carries its ordinary half.

    Args:
        demand: Demand in units.
        baseline_units: What the on-premises side carries: the median.
    """

    demand: Demand
    baseline_units: float


def scale_to(
    demand: Demand, *, peak_burst_units: float, baseline_units: float | None = None
) -> ScaledDemand:
    """Return *demand* scaled to a fleet.

    The baseline is the median of the demand; the 99.9th percentile of what lies above it
    becomes `peak_burst_units`. Scale the whole recording first, then take a window of it.

    Args:
        demand: Demand on any scale.
        peak_burst_units: Units above the baseline at the peak.
        baseline_units: What the baseline should be: demand below the median is stretched to
            it. Default: the median on the scale of the peak, so that all is one straight scale.

    Raises:
        DemandError: The demand never rises above its median for long enough to have a peak.
    """
    median = float(np.median(demand.units))
    above = np.maximum(0.0, demand.units - median)
    peak = float(np.percentile(above, _PEAK_PERCENTILE))
    if peak <= 0:
        raise DemandError(f"demand '{demand.name}': it never rises above its median {median:g}")
    scale = peak_burst_units / peak
    baseline = median * scale if baseline_units is None else baseline_units
    below = np.minimum(demand.units, median) * (baseline / median if median > 0 else 0.0)
    return ScaledDemand(
        demand=replace(demand, units=below + above * scale), baseline_units=baseline
    )
