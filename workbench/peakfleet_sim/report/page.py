"""The page around the charts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Protocol

from peakfleet_sim.replay import Outcome
from peakfleet_sim.report import chart as _report_chart
from peakfleet_sim.report import words as _report_words


class Fleet(_report_chart.Series, Protocol):
    """What a page needs of a fleet run."""

    @property
    def name(self) -> str:
        """The fleet."""
        ...

    @property
    def waits(self) -> bool:
        """Whether work waits in a queue."""
        ...

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """One row for each policy."""
        ...


def page(*, title: str, fleets: Sequence[Fleet], about: Sequence[tuple[str, str]]) -> str:
    """Return the whole page."""
    assets = files("peakfleet_sim") / "assets"
    sections = "\n".join(_section(fleet, index) for index, fleet in enumerate(fleets))
    outcomes = [fleet.outcomes for fleet in fleets]
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
        for value, label in _report_words.figures(outcomes)
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
<script>{_report_chart.plotly_script()}</script>
</head>
<body>
<header>
<p class="kicker">peakfleet &middot; {escape(title)}</p>
<h1>{escape(_report_words.headline(outcomes))}</h1>
<div class="cards">{cards}</div>
</header>
<main>
{sections}
<section class="about"><h2>What was replayed</h2><dl>{facts}
<dt>How policies are scored</dt><dd>{escape(_report_words.HOW_SCORED)}</dd></dl></section>
</main>
<script>{(assets / "report.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""


def _section(fleet: Fleet, index: int) -> str:
    return f"""<section>
<h2>{escape(fleet.name)}</h2>
<p class="lead">{escape(_report_words.fleet_sentence(fleet.outcomes, waits=fleet.waits))}</p>
{_report_chart.chart(fleet, f"fleet-{index}")}
{_table(fleet.outcomes)}
</section>"""


def _table(outcomes: Sequence[Outcome]) -> str:
    most = max((outcome.instance_minutes for outcome in outcomes), default=0.0)
    priced = any(outcome.usd is not None for outcome in outcomes)
    rows = "\n".join(_row(outcome, most, priced=priced) for outcome in outcomes)
    dollars = '<th class="n">dollars</th>' if priced else ""
    return f"""<div class="scroll"><table>
<thead><tr><th>policy</th><th>instance-hours</th>{dollars}<th class="n">against foresight</th>
<th class="n">unserved burst</th><th class="n">minutes that missed</th><th class="n">score</th></tr>
</thead>
<tbody>
{rows}
</tbody></table></div>"""


def _row(outcome: Outcome, most_minutes: float, *, priced: bool) -> str:
    ours = ' class="ours"' if outcome.policy == _report_words.OURS else ""
    share = 100 * outcome.instance_minutes / most_minutes if most_minutes else 0.0
    dollars = f'<td class="n">{_optional(outcome.usd, "${:,.2f}")}</td>' if priced else ""
    return (
        f"<tr{ours}><td>{escape(_report_words.policy(outcome.policy))}</td>"
        f'<td><span class="bar" style="width:{share * 0.6:.1f}%"></span>'
        f"{outcome.instance_minutes / 60:,.1f}</td>{dollars}"
        f'<td class="n">{_optional(outcome.cost_ratio, "{:.2f} x")}</td>'
        f'<td class="n">{outcome.unserved_percent:.2f} %</td>'
        f'<td class="n">{outcome.violation_minutes}</td>'
        f'<td class="n">{_optional(outcome.score, "{:.3f}")}</td></tr>'
    )


def _optional(value: float | None, form: str) -> str:
    return "not defined" if value is None else form.format(value)
