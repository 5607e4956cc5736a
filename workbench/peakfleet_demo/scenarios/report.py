"""The results of scenarios: lines for a terminal, JSON, and one HTML file with a chart of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from peakfleet_demo.demo import PEAKFLEET, fleet_run, sparkline
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.runner import ScenarioResult
from peakfleet_sim import Outcome
from peakfleet_sim.report import FleetRun, render_report

SPARK_WIDTH: Final = 60
MOST_CALLS: Final = 6
WRITES: Final = ("Launch", "Set", "Terminate", "Put", "Update", "Delete", "Transact", "Batch")
VIOLATION_SHARE: Final = 0.01
ABOUT: Final = (
    ("Fleets", "Those of examples/faults, deployed by the CDK CLI to a local AWS."),
    ("Peakfleet", "The Lambda code as deployed, run every minute and at events, virtual clock."),
    ("Fault", "Begins at minute 0 unless the scenario says otherwise; the fleet had settled."),
)


def result_lines(result: ScenarioResult) -> Iterator[Text]:
    """Yield what a scenario came to, for a terminal."""
    m = result.measured
    work = [sample.fleet.work for sample in m.samples]
    yield Text.assemble((result.scenario.name, "bold"), f": {result.scenario.shows}")
    for label, values, style in (
        ("burst", [one.burst_units for one in work], "yellow"),
        ("capacity", [one.ready_units for one in work], "green"),
        ("unserved", m.missing_units, "red"),
    ):
        top = max(values)
        line = sparkline(values, top, SPARK_WIDTH)
        yield Text.assemble(f"  {label:9}", (line, style), f" at most {top:,.0f} units")
    yield Text(f"  missing  {_missing(m)}")
    yield Text(f"  launches {_launches(m)}")
    yield Text(f"  calls    {_calls(m)}")
    busy = sum(one.busy for one in m.endings)
    yield Text(f"  ended    {len(m.endings)} machines, {busy} of them busy")
    for one in result.assertions:
        word, style = ("PASS", "green") if one.passed else ("FAIL", "bold red")
        yield Text.assemble("  ", (word, style), f" {one.text}: ", (one.measured, "bold"))


def document(results: Sequence[ScenarioResult]) -> dict[str, Any]:
    """Return the results as JSON-ready data."""
    return {
        "kept": all(result.passed for result in results),
        "scenarios": {result.scenario.name: _document(result) for result in results},
    }


def write_page(path: Path, results: Sequence[ScenarioResult]) -> None:
    """Write the HTML report; the folder of *path* is made."""
    html = render_report(
        title="fault scenarios", fleets=[_fleet_run(result) for result in results], about=ABOUT
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html.replace("<main>", f"<main>\n{_promises(results)}", 1), encoding="utf-8")


def _document(result: ScenarioResult) -> dict[str, Any]:
    m = result.measured
    minutes, pools = range(len(m.samples)), [pool.name for pool in m.spec.pools]
    return {
        "shows": result.scenario.shows,
        "minutes": len(minutes),
        "kept": result.passed,
        "promises": [
            {"text": one.text, "measured": one.measured, "kept": one.passed}
            for one in result.assertions
        ],
        "burst_unit_minutes": m.burst_units,
        "missing_unit_minutes": sum(m.missing_units),
        "missing_units_by_minute": m.missing_units,
        "missing_units_by_minute_without_the_fault": list(m.missing_units_without_fault),
        "in_service_by_minute": {
            pool: [m.capacity(pool, minute) for minute in minutes] for pool in pools
        },
        "launches": _by_pool(m.tries),
        "requests_against_refusing_pools_in_worst_hour": {
            pool: m.asks_in_worst_hour(pool) for pool in pools
        },
        "seconds_from_refusal_to_next_pool": {
            pool: m.seconds_to_next(pool)
            for pool in pools
            if any(m.refused(pool, minute) for minute in minutes)
        },
        "api_calls": dict(m.calls.most_common()),
        "machines_ended": len(m.endings),
        "machines_ended_busy": sum(one.busy for one in m.endings),
    }


def _missing(m: Measurements) -> str:
    missing = sum(m.missing_units)
    percent = 100 * missing / m.burst_units if m.burst_units else 0.0
    text = f"{missing:,.0f} unit-minutes in {m.missing_minutes()} minutes, {percent:.1f} %"
    if not m.missing_units_without_fault:
        return f"{text} of the burst"
    return f"{text} of the burst; {sum(m.missing_units_without_fault):,.0f} without the fault"


def _launches(m: Measurements) -> str:
    pools = (
        f"{pool}: " + ", ".join(f"{count} {answer}" for answer, count in answers.items())
        for pool, answers in _by_pool(m.tries).items()
    )
    return "; ".join(pools) or "none"


def _calls(m: Measurements) -> str:
    writes = [
        f"{count} {name}"
        for name, count in m.calls.most_common()
        if name.partition(":")[2].startswith(WRITES)
    ]
    shown = ", ".join(writes[:MOST_CALLS])
    return f"{sum(m.calls.values()):,} in all; writes: {shown or 'none'}"


def _by_pool(tries: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    by_pool: dict[str, dict[str, int]] = {}
    for (pool, answer), count in tries.items():
        by_pool.setdefault(pool, {})[answer] = count
    return by_pool


def _promises(results: Sequence[ScenarioResult]) -> str:
    rows = "\n".join(
        f"<tr><td>{escape(result.scenario.name)}</td><td>{escape(one.text)}</td>"
        f"<td>{escape(one.measured)}</td>"
        f"<td><b>{'kept' if one.passed else 'BROKEN'}</b></td></tr>"
        for result in results
        for one in result.assertions
    )
    return (
        '<section><h2>Promises</h2><div class="scroll"><table><thead><tr><th>scenario</th>'
        "<th>what is promised</th><th>what was measured</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _fleet_run(result: ScenarioResult) -> FleetRun:
    m = result.measured
    work = [sample.fleet.work for sample in m.samples]
    outcome = Outcome(
        policy=PEAKFLEET,
        instance_minutes=sum(sample.billed_capacity for sample in m.samples),
        burst_units=m.burst_units,
        unserved_units=sum(m.missing_units),
        violation_minutes=sum(
            one.unserved_units > VIOLATION_SHARE * one.burst_units for one in work
        ),
        cost_ratio=None,
        score=None,
    )
    return fleet_run(
        f"{result.scenario.name}: {result.scenario.shows}",
        m.spec,
        [(sample.start_epoch_seconds, sample.fleet) for sample in m.samples],
        outcomes=[outcome],
    )
