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
from peakfleet_local.replay import FleetMinute, Minute, usable_baseline_units
from peakfleet_planner import FleetSpec
from peakfleet_sim import Outcome
from peakfleet_sim.report import FleetRun
from peakfleet_sim.report import write_report as write_page

NAMES: Final = ("peakfleet", "target tracking", "perfect foresight")
ASSUMPTIONS: Final = (
    "Target tracking (aiming at 0.7) and perfect foresight are simulated for the same minutes and "
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
    """Yield a name and the figures of all policies, for each fleet and for all together."""
    for outcome in outcomes:
        yield outcome.spec.fleet, tuple(figures([one]) for one in outcome.results)
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
    """Return the outcome over all fleets in one sentence."""
    *_, (_, (ours, theirs, best)) = rows(outcomes)
    return (
        f"peakfleet left {ours.unserved_percent:.2f} % of the burst unserved and cost "
        f"{_against(ours.cost, theirs.cost)} target tracking, which left "
        f"{theirs.unserved_percent:.2f} % unserved; perfect foresight would have cost "
        f"{_against(best.cost, ours.cost)} peakfleet."
    )


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
        "fleets": {
            name: {
                policy: {**asdict(one), "unserved_percent": one.unserved_percent}
                for policy, one in zip(NAMES, policies, strict=True)
            }
            for name, policies in rows(outcomes)
        },
        "problems": list(failures),
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


def _against(cost: float, other: float) -> str:
    if other <= 0:
        return "as much as" if cost <= 0 else "more than the nothing of"
    percent = 100 * (cost / other - 1)
    return f"{abs(percent):.0f} % {'more' if percent > 0 else 'less'} than"


def write_report(
    path: Path, *, outcomes: Sequence[FleetOutcome], peak: Peak, minutes: Sequence[Minute]
) -> None:
    """Write the report of a replay.

    Args:
        path: The file; its folder is made.
        outcomes: What the replay came to, by fleet.
        peak: What was replayed.
        minutes: All of the replay.
    """
    scored, phases = [minute for minute in minutes if minute.scored], peak.phases
    window = (
        f"{phases.scored_minutes} minutes from {peak.scored_from:%Y-%m-%d %H:%M} UTC, after "
        f"{phases.history_minutes} minutes of history and {phases.warm_up_minutes} minutes in "
        "which the fleets ticked unscored"
    )
    write_page(
        path,
        title=peak.title,
        fleets=[_fleet_run(outcome, scored) for outcome in outcomes],
        about=(
            ("Demand", peak.title),
            ("Window", window),
            ("Scale", SCALE),
            ("peakfleet", "The Lambda code as deployed, run once a minute on a virtual clock."),
            ("Others", ASSUMPTIONS),
        ),
    )


def _fleet_run(outcome: FleetOutcome, scored: Sequence[Minute]) -> FleetRun:
    spec, first = outcome.spec, outcome.peakfleet.run.demand.history_minutes
    baseline = usable_baseline_units(spec)
    return fleet_run(
        spec.fleet,
        spec,
        [(minute.start_epoch_seconds, minute.fleets[spec.fleet]) for minute in scored],
        outcomes=[result.outcome for result in outcome.results],
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
) -> FleetRun:
    """Return a fleet as a chart of the HTML report.

    Args:
        name: Title of the chart.
        spec: The fleet.
        minutes: Beginning of each minute in seconds since 1970 (UTC), and the fleet in it.
        outcomes: Rows of the table below the chart.
        rivals_units: Capacity of other policies by minute, baseline included. Default: none.
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
    )
