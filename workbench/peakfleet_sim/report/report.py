"""The report, one HTML file: the outcome in words, then a chart and a table for each fleet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from peakfleet_sim.demand import DemandError
from peakfleet_sim.replay import Outcome
from peakfleet_sim.report import words
from peakfleet_sim.report.chart import FleetRun, chart, plotly_script

NUMBER = ' class="n"'


def render_report(
    *, title: str, fleets: Sequence[FleetRun], about: Sequence[tuple[str, str]] = ()
) -> str:
    """Return the report as one HTML page that needs nothing else and no network.

    Args:
        title: What was replayed, for the heading.
        fleets: What the fleets did; at least one.
        about: What the run was, as terms and descriptions: trace, window, assumptions.
            Default: nothing beyond the figures.

    Raises:
        DemandError: There is no fleet to report on.
    """
    if not fleets:
        raise DemandError(f"report '{title}': at least one fleet is needed, got none")
    assets = files("peakfleet_sim") / "assets"
    sections = "\n".join(_section(fleet, index) for index, fleet in enumerate(fleets))
    outcomes = [(fleet.outcomes, fleet.rivals) for fleet in fleets if fleet.rivals] or [
        (fleet.outcomes, fleet.rivals) for fleet in fleets
    ]
    peak = any(min(fleet.demand_units) < max(fleet.demand_units) for fleet in fleets)
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
        for value, label in (words.figures(outcomes) if peak else ())
    )
    facts = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in about)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}: peakfleet</title>
<style>{(assets / "report.css").read_text(encoding="utf-8")}</style>
<script>{plotly_script()}</script>
</head>
<body>
<header>
<p class="kicker">peakfleet &middot; {escape(title)}</p>
<h1>{escape(words.headline(outcomes, peak=peak))}</h1>
</header>
<main>
<div class="cards">{cards}</div>
{sections}
<section class="about"><h2>What was replayed</h2><dl>{facts}
<dt>How policies are scored</dt><dd>{escape(words.HOW_SCORED)}</dd></dl></section>
</main>
<script>{(assets / "report.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""


def write_report(
    path: Path, *, title: str, fleets: Sequence[FleetRun], about: Sequence[tuple[str, str]] = ()
) -> None:
    """Write the report of `render_report` to *path*, making its folder."""
    html = render_report(title=title, fleets=fleets, about=about)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")


def _section(fleet: FleetRun, index: int) -> str:
    said = words.fleet_sentence(fleet.outcomes, fleet.rivals, waits=fleet.waits)
    return f"""<section>
<h2>{escape(fleet.name)}</h2>
<p class="lead">{escape(said)}</p>
{chart(fleet, f"fleet-{index}")}
{_table(fleet)}
</section>"""


def _table(fleet: FleetRun) -> str:
    outcomes = fleet.outcomes
    most = max((outcome.instance_minutes for outcome in outcomes), default=0.0)
    priced = any(outcome.usd is not None for outcome in outcomes)
    rows = "\n".join(_row(outcome, fleet, most, priced=priced) for outcome in outcomes)
    heads = [
        "instance-hours",
        *(["dollars"] if priced else []),
        "cost against perfect foresight",
        "burst missed",
        "minutes short",
        *(["cost at equal service"] if fleet.rivals else []),
    ]
    columns = "".join(
        f'<th scope="col"{NUMBER if index else ""}>{head}</th>' for index, head in enumerate(heads)
    )
    return f"""<div class="scroll" tabindex="0" role="region" aria-label="Policies compared"><table>
<thead><tr><th scope="col">policy</th>{columns}</tr></thead>
<tbody>
{rows}
</tbody></table></div>"""


def _row(outcome: Outcome, fleet: FleetRun, most_minutes: float, *, priced: bool) -> str:
    ours = ' class="ours"' if outcome.policy.partition(":")[0] == words.OURS else ""
    share = 100 * outcome.instance_minutes / most_minutes if most_minutes else 0.0
    cells = [
        *([_optional(outcome.usd, "${:,.2f}")] if priced else []),
        _optional(outcome.cost_ratio, "{:.2f} x"),
        f"{outcome.unserved_percent:.2f} %",
        f"{outcome.violation_minutes:,}",
        *([_at_equal_service(fleet, outcome)] if fleet.rivals else []),
    ]
    return (
        f'<tr{ours}><th scope="row">{escape(words.policy(outcome.policy))}</th>'
        f'<td><span class="bar" style="width:{share * 0.6:.1f}%"></span>'
        f"{outcome.instance_minutes / 60:,.1f}</td>"
        + "".join(f"<td{NUMBER}>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _at_equal_service(fleet: FleetRun, outcome: Outcome) -> str:
    """Return what a rival costs where it misses no more than ours, over ours."""
    rival = fleet.rivals.get(outcome.policy)
    ours = next((one for one in fleet.outcomes if one.policy == words.OURS), None)
    if rival is None or ours is None:
        return ""
    if rival.same_service is None:
        return "no setting serves as well"
    setting = rival.same_service.policy.partition(":")[2]
    at = f" (at {float(setting):.2g})" if setting else ""
    return f"{rival.same_service.cost / ours.cost:.2f} x ours{at}" if ours.cost else "not defined"


def _optional(value: float | None, form: str) -> str:
    return "not defined" if value is None else form.format(value)
