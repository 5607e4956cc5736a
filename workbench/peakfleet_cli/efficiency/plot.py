"""What each chip does for its money, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from peakfleet_planner.efficiency import ChipEfficiency

_INK, _CHIP, _BASELINE, _TARGET = "#1f2933", "#2f80c1", "#7b8794", "#d64545"
_INCHES_A_ROW: Final = 0.5
_PERCENT: Final = 100


def write_plot(path: Path, chips: Mapping[str, Sequence[ChipEfficiency]]) -> None:
    """Write units per dollar and the gain over x86 of each chip, with their bounds, as a PNG.

    Args:
        path: Where to; its folder is made.
        chips: The chips of each fleet.
    """
    count = sum(len(rows) + 1 for rows in chips.values())
    figure = Figure(
        figsize=(11, 1.4 * len(chips) + _INCHES_A_ROW * count),
        layout="constrained",
        facecolor="white",
    )
    panels = figure.subplots(
        len(chips), 2, squeeze=False, height_ratios=[len(rows) + 1 for rows in chips.values()]
    )
    for (fleet, rows), (units, gains) in zip(chips.items(), panels, strict=True):
        _draw_units(units, rows)
        _draw_gains(gains, rows)
        units.set_title(fleet, loc="left", color=_INK, fontweight="bold")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _draw_units(axes: Axes, rows: Sequence[ChipEfficiency]) -> None:
    for place, row in enumerate(rows):
        bounds = row.units_per_usd
        if bounds is None:
            _say_too_little(axes, place)
            continue
        color = _BASELINE if row.is_baseline else _CHIP
        axes.barh(place, bounds.mean, color=color, height=0.6)
        axes.errorbar(bounds.mean, place, xerr=_error(bounds.mean, bounds.low, bounds.high),
                      color=_INK, capsize=4)  # fmt: skip
    axes.set_xlabel("units per dollar, with 95 % bounds", color=_INK)
    axes.set_xlim(left=0)
    _label(axes, rows)


def _draw_gains(axes: Axes, rows: Sequence[ChipEfficiency]) -> None:
    for place, row in enumerate(rows):
        if row.is_baseline:
            continue
        target = _PERCENT * row.target_gain
        axes.vlines(target, place - 0.4, place + 0.4, color=_TARGET, linewidth=2)
        if row.gain is None:
            _say_too_little(axes, place)
            continue
        mean, low, high = (_PERCENT * x for x in (row.gain.mean, row.gain.low, row.gain.high))
        axes.errorbar(mean, place, xerr=_error(mean, low, high), fmt="o", color=_CHIP, capsize=4)
        axes.annotate(row.verdict, (mean, place), xytext=(0, 7), textcoords="offset points",
                      ha="center", fontsize=8, color=_INK)  # fmt: skip
    axes.axvline(0, color=_BASELINE, linewidth=1)
    axes.set_xlabel("gain over x86 in %, red: what is quoted", color=_INK)
    _label(axes, rows)


def _error(mean: float, low: float, high: float) -> list[list[float]]:
    return [[mean - low], [high - mean]]


def _say_too_little(axes: Axes, place: int) -> None:
    axes.text(0.98, place, "not enough data", transform=axes.get_yaxis_transform(), va="center",
              ha="right", color=_BASELINE, fontsize=8)  # fmt: skip


def _label(axes: Axes, rows: Sequence[ChipEfficiency]) -> None:
    axes.set_yticks(range(len(rows)), labels=[f"{row.chip}, {row.purchase}" for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)
