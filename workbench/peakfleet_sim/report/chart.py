"""One fleet on a report: what it did by the minute, and its chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import Any, Final

import plotly.graph_objects as go

from peakfleet_sim.demand import DemandError
from peakfleet_sim.replay import Outcome, Rival

POOL_COLOURS: Final = ("#12a594", "#3e7bfa", "#8e6cf0", "#d6609a", "#e2a336", "#5b8c5a")
RIVAL_COLOUR: Final = "#b5650f"
OTHERS_COLOUR: Final = "#8b919d"
WAITING_COLOUR: Final = "#e2a336"
BASELINE_COLOUR: Final = "#9aa3b2"
UNSERVED_COLOUR: Final = "#e5484d"
HEIGHT_PIXELS: Final = 430

_OTHERS: Final = "others"
_HOVER_WIDTH: Final = 68
_Times = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRun:
    """What one fleet did, minute by minute, and how policies compare on the same minutes.

    Args:
        name: The fleet.
        timestamps: When each minute began (UTC).
        demand_units: Units asked for.
        baseline_units: Units that the on-premises side carried.
        capacity_units: Units that served, by pool, in ladder order.
        unserved_units: Units that nobody served in time.
        explanations: The decision at the end of the minute, in words.
        outcomes: One row for each policy: `peakfleet`, `target-tracking:0.7`, `optimum`.
        unit: What a unit is, in the plural. Default: units.
        waits: Whether work above the capacity waits in a queue. Default: it is live.
        rivals_units: Baseline and capacity of other policies, by name; the first is highlighted,
            the others are grey. Default: none.
        rivals: How they compare with ours at equal terms, by the policy of their outcome.
            Default: not searched for.
    """

    name: str
    timestamps: Sequence[datetime]
    demand_units: Sequence[float]
    baseline_units: Sequence[float]
    capacity_units: Mapping[str, Sequence[float]]
    unserved_units: Sequence[float]
    explanations: Sequence[str]
    outcomes: Sequence[Outcome]
    unit: str = "units"
    waits: bool = False
    rivals_units: Mapping[str, Sequence[float]] = field(default_factory=dict)
    rivals: Mapping[str, Rival] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse series that do not fit together."""
        minutes = len(self.timestamps)
        series = {
            "demand_units": self.demand_units,
            "baseline_units": self.baseline_units,
            "unserved_units": self.unserved_units,
            "explanations": self.explanations,
            **{f"capacity_units['{name}']": s for name, s in self.capacity_units.items()},
            **{f"rivals_units['{name}']": s for name, s in self.rivals_units.items()},
        }
        for name, values in series.items():
            if len(values) != minutes:
                raise DemandError(
                    f"fleet run '{self.name}': {name} must have {minutes} entries, one for "
                    f"each timestamp, got {len(values)}"
                )


def chart(run: FleetRun, div_id: str) -> str:
    """Return the chart as HTML that expects plotly.js on its page."""
    figure = go.Figure()
    times = _steps(run.timestamps)
    figure.add_trace(_stacked(times, run.baseline_units, "on-premises baseline", BASELINE_COLOUR))
    for index, (pool, units) in enumerate(run.capacity_units.items()):
        colour = POOL_COLOURS[index % len(POOL_COLOURS)]
        figure.add_trace(_stacked(times, units, pool, colour))
    if run.waits:
        figure.add_trace(_waiting(times, run))
    for trace in _unserved(times, run):
        figure.add_trace(trace)
    figure.add_trace(
        go.Scatter(
            **times,
            y=_short(run.demand_units),
            name="demand",
            legendrank=1,
            meta="ink",
            line={"color": "#1c2024", "width": 2.2, "shape": "hv"},
            customdata=[[_lines(text)] for text in run.explanations],
            hovertemplate="%{y:.4~g}<br><br>%{customdata[0]}",
        )
    )
    for index, (policy, units) in reversed(list(enumerate(run.rivals_units.items()))):
        figure.add_trace(_rival(times, units, policy, first=index == 0))
    if (others := len(run.rivals_units) - 1) > 0:
        name = "1 other policy" if others == 1 else f"{others} other policies"
        line = {"color": OTHERS_COLOUR, "width": 1}
        entry = {"legendgroup": _OTHERS, "legendrank": 5, "hoverinfo": "skip"}
        figure.add_trace(
            go.Scatter(x=[None], y=[None], mode="lines", name=name, line=line, **entry)
        )
    figure.update_layout(
        height=HEIGHT_PIXELS,
        margin={"l": 58, "r": 18, "t": 8, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        font={"family": "Inter, system-ui, -apple-system, Segoe UI, sans-serif", "size": 13},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "xanchor": "left"},
        xaxis={
            "title": {"text": "time (UTC)"},
            "type": "date",
            "showgrid": False,
            "hoverformat": "%a %d %b, %H:%M UTC",
        },
        yaxis={"title": {"text": escape(run.unit)}, "rangemode": "tozero", "zeroline": False},
    )
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=div_id,
        default_height=f"{HEIGHT_PIXELS}px",
        config={"displaylogo": False, "responsive": True, "displayModeBar": False},
    )
    return (
        f'<figure role="img" aria-label="{escape(in_words(run), quote=True)}">{html}</figure>'
        f'<p class="baseline">{escape(_baseline(run))}</p>'
    )


def in_words(run: FleetRun) -> str:
    """Return what the chart shows, for whoever cannot see it."""
    peak = max(range(len(run.timestamps)), key=lambda minute: run.demand_units[minute])
    cloud = [sum(units) for units in zip(*run.capacity_units.values(), strict=True)]
    missed = sum(one > 0 for one in run.unserved_units)
    return (
        f"Chart of {run.name}: demand from {min(run.demand_units):,.4g} to "
        f"{max(run.demand_units):,.4g} {run.unit}, highest at "
        f"{run.timestamps[peak]:%Y-%m-%d %H:%M} UTC. {_baseline(run)} Capacity in AWS reaches "
        f"{max(cloud, default=0.0):,.4g} {run.unit}. Work is missed in {missed:,} of "
        f"{len(run.timestamps):,} minutes."
    )


def _baseline(run: FleetRun) -> str:
    least, most = min(run.baseline_units), max(run.baseline_units)
    units = f"{most:,.4g}" if least == most else f"{least:,.4g} to {most:,.4g}"
    return f"Baseline: {units} {run.unit} on-premises. Times are UTC."


def _rival(times: _Times, units: Sequence[float], policy: str, *, first: bool) -> go.Scatter:
    return go.Scatter(
        **times,
        y=_short(units),
        name=policy,
        line={
            "color": RIVAL_COLOUR if first else OTHERS_COLOUR,
            "width": 2 if first else 1,
            "dash": "dot" if first else "solid",
            "shape": "hv",
        },
        opacity=1 if first else 0.6,
        showlegend=first,
        legendrank=4,
        legendgroup=None if first else _OTHERS,
        **({"hovertemplate": "%{y:.4~g}"} if first else {"hoverinfo": "skip"}),
    )


def _waiting(times: _Times, run: FleetRun) -> go.Scatter:
    """Return what arrives above all capacity and waits, as an area above the capacity."""
    carried = [
        baseline + sum(units)
        for baseline, *units in zip(run.baseline_units, *run.capacity_units.values(), strict=True)
    ]
    waits = [
        max(0.0, demand - units) for demand, units in zip(run.demand_units, carried, strict=True)
    ]
    return go.Scatter(
        **times,
        y=_short(waits),
        name="waiting, in time",
        stackgroup="capacity",
        line={"color": WAITING_COLOUR, "width": 0, "shape": "hv"},
        fillcolor=_faded(WAITING_COLOUR, 0.55),
        hovertemplate="%{y:.4~g}",
    )


def _stacked(times: _Times, units: Sequence[float], name: str, colour: str) -> go.Scatter:
    return go.Scatter(
        **times,
        y=_short(units),
        name=name,
        legendrank=3,
        stackgroup="capacity",
        line={"color": colour, "width": 0, "shape": "hv"},
        fillcolor=_faded(colour, 0.42 if colour != BASELINE_COLOUR else 0.28),
        hovertemplate="%{y:.4~g}",
    )


def _unserved(times: _Times, run: FleetRun) -> tuple[go.Scatter, go.Scatter]:
    pairs = list(zip(run.demand_units, run.unserved_units, strict=True))
    edge = {"color": "rgba(0,0,0,0)", "width": 0, "shape": "hv"}
    served = go.Scatter(
        **times,
        y=_short([max(0.0, demand - missed) for demand, missed in pairs]),
        line=edge,
        showlegend=False,
        hoverinfo="skip",
    )
    missed = go.Scatter(
        **times,
        y=_short([demand for demand, _ in pairs]),
        name="late" if run.waits else "missed",
        legendrank=2,
        line=edge,
        fill="tonexty",
        fillcolor=UNSERVED_COLOUR,
        customdata=[[missed] for missed in _short([missed for _, missed in pairs])],
        hovertemplate="%{customdata[0]:.4~g}",
    )
    return served, missed


def _steps(timestamps: Sequence[datetime]) -> _Times:
    """Return where minutes lie; said once if they are evenly spaced, for a page of less weight."""
    gaps = {after - before for before, after in pairwise(timestamps)}
    if len(gaps) != 1:
        return {"x": list(timestamps)}
    return {"x0": timestamps[0], "dx": gaps.pop() / timedelta(milliseconds=1)}


def _short(units: Sequence[float]) -> list[float]:
    """Return *units* to the digits that a chart can show."""
    return [float(f"{value:.6g}") for value in units]


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in wrap(text, _HOVER_WIDTH))


def _faded(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def plotly_script() -> str:
    """Return plotly.js, to be inlined once."""
    from plotly.offline import get_plotlyjs  # noqa: PLC0415  4.5 MB, read only for a report

    source: Any = get_plotlyjs()
    return str(source)
