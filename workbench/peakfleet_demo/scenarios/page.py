"""The outcome of scenarios as one HTML file, with a chart of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

from peakfleet_demo.demo import PEAKFLEET
from peakfleet_demo.scenarios.runner import Result
from peakfleet_local.replay import usable_baseline_units
from peakfleet_sim import Outcome
from peakfleet_sim.report import FleetRun, render_report

VIOLATION_SHARE: Final = 0.01
ABOUT: Final = (
    ("Fleets", "Those of examples/faults, deployed by the CDK CLI to a local AWS."),
    ("Peakfleet", "The Lambda code as deployed, run every minute and at events, virtual clock."),
    ("Fault", "Begins at minute 0 unless the scenario says otherwise; the fleet had settled."),
)


def write_page(path: Path, results: Sequence[Result]) -> None:
    """Write the report of scenarios.

    Args:
        path: The file; its folder is made.
        results: At least one.
    """
    html = render_report(
        title="fault scenarios", fleets=[_run(result) for result in results], about=ABOUT
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html.replace("<main>", f"<main>\n{_promises(results)}", 1), encoding="utf-8")


def _promises(results: Sequence[Result]) -> str:
    rows = "\n".join(
        f"<tr><td>{escape(result.scenario.name)}</td><td>{escape(promise.text)}</td>"
        f"<td>{escape(promise.measured)}</td>"
        f"<td><b>{'kept' if promise.kept else 'BROKEN'}</b></td></tr>"
        for result in results
        for promise in result.promises
    )
    return (
        '<section><h2>Promises</h2><div class="scroll"><table><thead><tr><th>scenario</th>'
        "<th>what is promised</th><th>what was measured</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _run(result: Result) -> FleetRun:
    record = result.record
    minutes = [sample.fleet for sample in record.samples]
    units = {pool.name: pool.units_per_capacity for pool in record.spec.pools}
    return FleetRun(
        name=f"{result.scenario.name}: {result.scenario.shows}",
        timestamps=[datetime.fromtimestamp(s.start_epoch_seconds, UTC) for s in record.samples],
        demand_units=[minute.work.demand_units for minute in minutes],
        baseline_units=[usable_baseline_units(record.spec)] * len(minutes),
        capacity_units={
            name: [record.capacity(name, at) * each for at in range(len(minutes))]
            for name, each in units.items()
        },
        unserved_units=record.missing_units,
        explanations=[one.plan.explain() if one.plan else one.error or one.said for one in minutes],
        outcomes=[_outcome(result)],
    )


def _outcome(result: Result) -> Outcome:
    record = result.record
    work = [sample.fleet.work for sample in record.samples]
    billed = [pool.billed_capacity for sample in record.samples for pool in sample.fleet.pools]
    return Outcome(
        policy=PEAKFLEET,
        instance_minutes=sum(billed),
        burst_units=record.burst_units,
        unserved_units=sum(record.missing_units),
        violation_minutes=sum(
            one.unserved_units > VIOLATION_SHARE * one.burst_units for one in work
        ),
        cost_ratio=None,
        score=None,
    )
