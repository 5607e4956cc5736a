"""The outcome of a demo: a table, one sentence, JSON and one HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from peakfleet_demo.demo.outcomes import MINUTES_PER_HOUR, FleetOutcome, PolicyResult
from peakfleet_demo.demo.peaks import Peak
from peakfleet_local.replay import FleetMinute, Minute, backlog_of, usable_baseline_units
from peakfleet_planner import FleetSpec
from peakfleet_sim import Outcome
from peakfleet_sim.replay import Rival
from peakfleet_sim.report import FleetRun, headline
from peakfleet_sim.report import write_report as write_page

NAMES: Final = ("peakfleet", "target tracking", "perfect foresight")
ASSUMPTIONS: Final = (
    "Target tracking and perfect foresight are simulated for the same minutes and "
    "the same demand, with one kind of instance: the units and boot time of the fleet's first "
    "pool, up to the units of all its pools. Their dollars fill the fleet's ladder in its order. "
    "A total counts burst in instances of each fleet's first pool."
)
SCALE: Final = (
    "The median of a recording is the fleet's baseline; the 99.9th percentile of what lies above "
    "it is a share of the fleet's maximum."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One policy over one fleet or all, in instances of each fleet's first pool.

    Args:
        served_hours: Burst that was served in time, in instance-hours.
        unserved_hours: Burst that was not, in instance-hours.
        paid_hours: Instance-hours paid for, boot included.
        usd: What they cost; None if a price is unknown.
    """

    served_hours: float
    unserved_hours: float
    paid_hours: float
    usd: float | None

    @property
    def unserved_percent(self) -> float:
        """Unserved work in percent of the burst."""
        burst = self.served_hours + self.unserved_hours
        return 100 * self.unserved_hours / burst if burst else 0.0

    @property
    def cost(self) -> float:
        """Dollars, or instance-hours where a price is unknown."""
        return self.paid_hours if self.usd is None else self.usd


def figures(results: Sequence[PolicyResult]) -> Figures:
    """Return one policy's figures, summed over fleets."""
    burst, missed, paid = 0.0, 0.0, 0.0
    prices = [result.outcome.usd for result in results]
    for result in results:
        each = result.run.world.units_per_instance * MINUTES_PER_HOUR
        burst += result.outcome.burst_units / each
        missed += result.outcome.unserved_units / each
        paid += result.outcome.instance_minutes / MINUTES_PER_HOUR
    return Figures(
        served_hours=max(0.0, burst - missed),
        unserved_hours=missed,
        paid_hours=paid,
        usd=None if None in prices else sum(price or 0.0 for price in prices),
    )


def rows(outcomes: Sequence[FleetOutcome]) -> Iterator[tuple[str, tuple[Figures, ...]]]:
    """Yield a name and the figures of all policies, for each fleet and for all together.

    Several acts of a fleet are summed.
    """
    by_fleet: dict[str, list[FleetOutcome]] = {}
    for outcome in outcomes:
        by_fleet.setdefault(outcome.spec.fleet, []).append(outcome)
    for fleet, acts in by_fleet.items():
        each = zip(*(outcome.results for outcome in acts), strict=True)
        yield fleet, tuple(figures(results) for results in each)
    policies = zip(*(outcome.results for outcome in outcomes), strict=True)
    yield "all fleets", tuple(figures(results) for results in policies)


def table(outcomes: Sequence[FleetOutcome], title: str) -> Table:
    """Return the outcome as a table, three rows for each fleet and for all together."""
    result = Table(
        title=Text(title),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    result.add_column("fleet", no_wrap=True)
    result.add_column("policy", no_wrap=True)
    for column in (
        "served\ninst-h",
        "unserved\ninst-h",
        "unserved\n%",
        "paid\ninst-h",
        "cost\nUSD",
    ):
        result.add_column(column, justify="right", no_wrap=True)
    for fleet, policies in rows(outcomes):
        for name, one in zip(NAMES, policies, strict=True):
            ours = name == NAMES[0]
            result.add_row(
                fleet if ours else "",
                name,
                f"{one.served_hours:,.1f}",
                f"{one.unserved_hours:,.2f}",
                f"{one.unserved_percent:.2f}",
                f"{one.paid_hours:,.1f}",
                "?" if one.usd is None else f"{one.usd:,.2f}",
                style="bold" if ours else "",
            )
        result.add_section()
    return result


def verdict(outcomes: Sequence[FleetOutcome]) -> str:
    """Return the outcome in words, as the HTML report leads with it."""
    return headline([policies(outcome) for outcome in outcomes])


def policies(outcome: FleetOutcome) -> tuple[Sequence[Outcome], Mapping[str, Rival]]:
    """Return all policies of a fleet, and target tracking at equal terms, as reports read them."""
    return [one.outcome for one in outcome.results], {outcome.rival.usual.policy: outcome.rival}


def by_act(outcomes: Sequence[FleetOutcome]) -> dict[str, list[FleetOutcome]]:
    """Return the outcomes by the name of their act, in order."""
    acts: dict[str, list[FleetOutcome]] = {}
    for outcome in outcomes:
        acts.setdefault(outcome.act.name, []).append(outcome)
    return acts


def document(
    outcomes: Sequence[FleetOutcome], peak: Peak, failures: Sequence[str]
) -> dict[str, Any]:
    """Return the outcome as JSON-ready data."""
    return {
        "demand": peak.title,
        "history_from": peak.start.isoformat(),
        "scored_from": peak.scored_from.isoformat(),
        **asdict(peak.phases),
        "assumptions": ASSUMPTIONS,
        "verdict": verdict(outcomes),
        "fleets": _fleets(outcomes),
        "acts": {
            act: {"verdict": verdict(some), "fleets": _fleets(some)}
            for act, some in by_act(outcomes).items()
        },
        "problems": list(failures),
    }


def _fleets(outcomes: Sequence[FleetOutcome]) -> dict[str, Any]:
    return {
        name: {
            policy: {**asdict(one), "unserved_percent": one.unserved_percent}
            for policy, one in zip(NAMES, all_policies, strict=True)
        }
        for name, all_policies in rows(outcomes)
    }


def problems(minutes: Sequence[Minute]) -> Iterator[str]:
    """Yield what went wrong in the ticks, each kind once with how often it did."""
    errors: Counter[tuple[str, str]] = Counter()
    for minute in minutes:
        for name, fleet in minute.fleets.items():
            if fleet.error:
                errors[name, fleet.error] += 1
            if fleet.failed_calls:
                errors[name, "calls to AWS failed within a tick"] += 1
    for (name, error), count in errors.items():
        yield f"{name}: {error} ({count} of {len(minutes)} ticks)"


def write_report(
    path: Path,
    *,
    outcomes: Sequence[FleetOutcome],
    peak: Peak,
    minutes: Sequence[Minute],
    command: str,
) -> None:
    """Write the report of a replay.

    Args:
        path: The file; its folder is made.
        outcomes: What the replay came to, by fleet.
        peak: What was replayed.
        minutes: All of the replay.
        command: What was typed.
    """
    phases = peak.phases
    window = (
        f"{phases.scored_minutes} minutes from {peak.scored_from:%Y-%m-%d %H:%M} UTC, after "
        f"{phases.history_minutes} minutes of history and {phases.warm_up_minutes} minutes in "
        "which the fleets ticked unscored"
    )
    write_page(
        path,
        title=peak.title,
        fleets=[_fleet_run(outcome, peak, minutes) for outcome in outcomes],
        about=(
            ("Command", command),
            ("Demand", peak.title),
            ("Window", window),
            ("Scale", SCALE),
            ("peakfleet", "The Lambda code as deployed, run once a minute on a virtual clock."),
            ("Others", ASSUMPTIONS),
        ),
    )


def _fleet_run(outcome: FleetOutcome, peak: Peak, minutes: Sequence[Minute]) -> FleetRun:
    spec, act, first = outcome.spec, outcome.act, outcome.act.first_minute
    before = peak.phases.history_minutes
    scored = minutes[first - before : act.end_minute - before]
    _, rivals = policies(outcome)
    baseline = usable_baseline_units(spec)
    return fleet_run(
        spec.fleet if len(peak.acts) == 1 else f"{spec.fleet}. {act.name}",
        spec,
        [(minute.start_epoch_seconds, minute.fleets[spec.fleet]) for minute in scored],
        outcomes=[result.outcome for result in outcome.results],
        rivals=rivals,
        rivals_units={
            result.run.policy: (baseline + result.run.ready_units[first:]).tolist()
            for result in outcome.results[1:]
        },
    )


def fleet_run(
    name: str,
    spec: FleetSpec,
    minutes: Sequence[tuple[int, FleetMinute]],
    *,
    outcomes: Sequence[Outcome],
    rivals_units: Mapping[str, Sequence[float]] | None = None,
    rivals: Mapping[str, Rival] | None = None,
) -> FleetRun:
    """Return a fleet as a chart of the HTML report.

    Args:
        name: Title of the chart.
        spec: The fleet.
        minutes: Beginning of each minute in seconds since 1970 (UTC), and the fleet in it.
        outcomes: Rows of the table below the chart.
        rivals_units: Capacity of other policies by minute, baseline included. Default: none.
        rivals: How they compare at equal terms, by their names. Default: not searched for.
    """
    fleets = [fleet for _, fleet in minutes]
    return FleetRun(
        name=name,
        timestamps=[datetime.fromtimestamp(begins, UTC) for begins, _ in minutes],
        demand_units=[fleet.work.demand_units for fleet in fleets],
        baseline_units=[usable_baseline_units(spec)] * len(fleets),
        capacity_units={
            pool.name: [
                fleet.pools[index].in_service_capacity * pool.units_per_capacity for fleet in fleets
            ]
            for index, pool in enumerate(spec.pools)
        },
        unserved_units=[fleet.work.unserved_units for fleet in fleets],
        explanations=[
            fleet.plan.explain() if fleet.plan else fleet.error or fleet.said for fleet in fleets
        ],
        outcomes=outcomes,
        rivals_units=rivals_units or {},
        rivals=rivals or {},
        waits=backlog_of(spec) is not None,
    )
