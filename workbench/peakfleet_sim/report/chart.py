"""The chart of one fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import Any, Final, Protocol

import plotly.graph_objects as go

POOL_COLOURS: Final = ("#12a594", "#3e7bfa", "#8e6cf0", "#d6609a", "#e2a336", "#5b8c5a")
RIVAL_COLOURS: Final = ("#c2741a", "#7a7f8c", "#a8577e")
BASELINE_COLOUR: Final = "#9aa3b2"
UNSERVED_COLOUR: Final = "#e5484d"
HEIGHT_PIXELS: Final = 430

_HOVER_WIDTH: Final = 68
_Times = dict[str, Any]


class Series(Protocol):
    """What a chart needs of a fleet run."""

    @property
    def timestamps(self) -> Sequence[datetime]:
        """When each minute began."""
        ...

    @property
    def demand_units(self) -> Sequence[float]:
        """Units asked for."""
        ...

    @property
    def baseline_units(self) -> Sequence[float]:
        """Units of the on-premises side."""
        ...

    @property
    def capacity_units(self) -> Mapping[str, Sequence[float]]:
        """Units that served, by pool."""
        ...

    @property
    def unserved_units(self) -> Sequence[float]:
        """Units that nobody served."""
        ...

    @property
    def explanations(self) -> Sequence[str]:
        """Why, in words."""
        ...

    @property
    def rivals_units(self) -> Mapping[str, Sequence[float]]:
        """Baseline and capacity of other policies."""
        ...

    @property
    def unit(self) -> str:
        """What a unit is."""
        ...


def chart(run: Series, div_id: str) -> str:
    """Return the chart as HTML that expects plotly.js on its page."""
    figure = go.Figure()
    times = _steps(run.timestamps)
    figure.add_trace(_stacked(times, run.baseline_units, "on-premises baseline", BASELINE_COLOUR))
    for index, (pool, units) in enumerate(run.capacity_units.items()):
        colour = POOL_COLOURS[index % len(POOL_COLOURS)]
        figure.add_trace(_stacked(times, units, pool, colour))
    for index, (policy, units) in enumerate(run.rivals_units.items()):
        figure.add_trace(
            go.Scatter(
                **times,
                y=_short(units),
                name=policy,
                visible="legendonly",
                line={
                    "color": RIVAL_COLOURS[index % len(RIVAL_COLOURS)],
                    "width": 1.6,
                    "dash": "dot",
                    "shape": "hv",
                },
                hovertemplate="%{y:.4~g}",
            )
        )
    for trace in _unserved(times, run):
        figure.add_trace(trace)
    figure.add_trace(
        go.Scatter(
            **times,
            y=_short(run.demand_units),
            name="demand",
            meta="ink",
            line={"color": "#1c2024", "width": 2.2, "shape": "hv"},
            customdata=[[_lines(text)] for text in run.explanations],
            hovertemplate="%{y:.4~g}<br><br>%{customdata[0]}",
        )
    )
    figure.update_layout(
        height=HEIGHT_PIXELS,
        margin={"l": 58, "r": 18, "t": 8, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        font={"family": "Inter, system-ui, -apple-system, Segoe UI, sans-serif", "size": 13},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "xanchor": "left"},
        xaxis={"type": "date", "showgrid": False, "hoverformat": "%a %d %b, %H:%M UTC"},
        yaxis={"title": {"text": escape(run.unit)}, "rangemode": "tozero", "zeroline": False},
    )
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=div_id,
        default_height=f"{HEIGHT_PIXELS}px",
        config={"displaylogo": False, "responsive": True, "displayModeBar": False},
    )
    return html


def _stacked(times: _Times, units: Sequence[float], name: str, colour: str) -> go.Scatter:
    return go.Scatter(
        **times,
        y=_short(units),
        name=name,
        stackgroup="capacity",
        line={"color": colour, "width": 0, "shape": "hv"},
        fillcolor=_faded(colour, 0.42 if colour != BASELINE_COLOUR else 0.28),
        hovertemplate="%{y:.4~g}",
    )


def _unserved(times: _Times, run: Series) -> tuple[go.Scatter, go.Scatter]:
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
        name="unserved",
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
