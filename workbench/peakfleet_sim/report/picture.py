"""One static picture of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from peakfleet_sim.replay import Outcome, Run

_INK, _FAINT = "#1f2933", "#7b8794"
_DEMAND, _BASELINE, _CLOUD, _MISSED = "#1f2933", "#cbd2d9", "#2f80c1", "#d64545"
_INCHES: Final = (12.0, 8.0)
_BAR_INCHES: Final = 0.32


def write_picture(
    path: Path, *, title: str, runs: Sequence[Run], outcomes: Sequence[Outcome], best: str
) -> None:
    """Write demand, the capacity of one policy and the scores of all as a PNG.

    Args:
        path: Where to; its folder is made.
        title: What was replayed.
        runs: The policies; the first is drawn minute by minute.
        outcomes: Their figures, in the same order.
        best: Name of the policy to mark.
    """
    height = _INCHES[1] + _BAR_INCHES * len(runs)
    with mpl.rc_context({"font.family": "sans-serif", "axes.edgecolor": _FAINT}):
        figure = Figure(figsize=(_INCHES[0], height), layout="constrained", facecolor="white")
        time, scores = figure.subplots(
            2, 1, gridspec_kw={"height_ratios": [_INCHES[1], 1 + _BAR_INCHES * len(runs)]}
        )
        _draw_time(time, runs[0])
        time.set_title(title, loc="left", color=_INK, fontsize=14, fontweight="bold")
        _draw_scores(scores, runs, outcomes, best)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)


def _draw_time(axes: Axes, run: Run) -> None:
    """Draw demand, what carried it and what was missed."""
    demand, baseline = run.demand, run.world.baseline_units
    start = np.datetime64(demand.start.replace(tzinfo=None), "m")
    times = start + np.arange(demand.minutes)
    carried = np.minimum(demand.units, baseline)
    top = baseline + run.ready_units
    axes.fill_between(times, 0, carried, color=_BASELINE, label="baseline", linewidth=0)
    axes.fill_between(
        times, baseline, top, step="mid", color=_CLOUD, alpha=0.45, linewidth=0,
        label=f"capacity in AWS ({run.policy})",
    )  # fmt: skip
    axes.plot(times, demand.units, color=_DEMAND, linewidth=0.8, label="demand")
    missed = np.minimum(run.unserved_units, demand.units)
    axes.fill_between(
        times, demand.units - missed, demand.units, where=(missed > 0).tolist(), color=_MISSED,
        label="unserved", linewidth=0.3, edgecolor=_MISSED, zorder=3,
    )  # fmt: skip
    if demand.history_minutes:
        axes.axvspan(
            times[0], times[demand.history_minutes], color=_FAINT, alpha=0.12, label="not scored"
        )
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]  # matplotlib types no dates
    dates = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # as above
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates)
    axes.set_ylabel("units", color=_INK)
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    _quiet(axes)
    axes.legend(loc="upper left", ncols=5, frameon=False)


def _draw_scores(axes: Axes, runs: Sequence[Run], outcomes: Sequence[Outcome], best: str) -> None:
    """Draw what each policy paid and what its missed work is priced at, in instance-hours."""
    names = [outcome.policy for outcome in outcomes]
    paid = np.array([outcome.instance_minutes for outcome in outcomes]) / 60
    prices = [run.world.unserved_cost / run.world.units_per_instance for run in runs]
    missed = np.array([outcome.unserved_units for outcome in outcomes]) * np.array(prices) / 60
    places = np.arange(len(names))
    axes.barh(places, paid, color=_CLOUD, label="paid")
    axes.barh(places, missed, left=paid, color=_MISSED, label="unserved, at its price")
    widest = float((paid + missed).max()) or 1.0
    for place, outcome in enumerate(outcomes):
        score = "" if outcome.score is None else f"{outcome.score:.2f}"
        axes.text(
            paid[place] + missed[place] + 0.01 * widest, place, score, va="center", color=_INK
        )
    axes.set_yticks(places, labels=[f"{name} ★" if name == best else name for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1 * widest)
    axes.set_xlabel("instance-hours; the number is the score, 1.00 is perfect foresight")
    _quiet(axes)
    axes.legend(loc="lower right", frameon=False)


def _quiet(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)
