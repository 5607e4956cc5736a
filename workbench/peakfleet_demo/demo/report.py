"""The outcome of a demo as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from peakfleet_demo.demo.outcomes import FleetOutcome
from peakfleet_demo.demo.peaks import Peak
from peakfleet_demo.demo.results import ASSUMPTIONS
from peakfleet_local.replay import FleetMinute, Minute, usable_baseline_units
from peakfleet_planner import FleetSpec
from peakfleet_sim.report import FleetRun
from peakfleet_sim.report import write_report as write_page

SCALE: Final = (
    "The median of a recording is the fleet's baseline; the 99.9th percentile of what lies above "
    "it is a share of the fleet's maximum."
)


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
    scored = [minute for minute in minutes if minute.scored]
    write_page(
        path,
        title=peak.title,
        fleets=[_fleet_run(outcome, scored) for outcome in outcomes],
        about=(
            ("Demand", peak.title),
            ("Window", _window(peak)),
            ("Scale", SCALE),
            ("peakfleet", "The Lambda code as deployed, run once a minute on a virtual clock."),
            ("Others", ASSUMPTIONS),
        ),
    )


def _window(peak: Peak) -> str:
    phases = peak.phases
    return (
        f"{phases.scored_minutes} minutes from {peak.scored_from:%Y-%m-%d %H:%M} UTC, after "
        f"{phases.history_minutes} minutes of history and {phases.warm_up_minutes} minutes in "
        "which the fleets ticked unscored"
    )


def _fleet_run(outcome: FleetOutcome, scored: Sequence[Minute]) -> FleetRun:
    spec = outcome.spec
    mine = [minute.fleets[spec.fleet] for minute in scored]
    baseline = usable_baseline_units(spec)
    first = outcome.peakfleet.run.demand.history_minutes
    return FleetRun(
        name=spec.fleet,
        timestamps=[datetime.fromtimestamp(m.start_epoch_seconds, UTC) for m in scored],
        demand_units=[minute.work.demand_units for minute in mine],
        baseline_units=[baseline] * len(mine),
        capacity_units=_capacity_units(spec, mine),
        unserved_units=[minute.work.unserved_units for minute in mine],
        explanations=[minute.plan.explain() if minute.plan else minute.error for minute in mine],
        outcomes=[contender.outcome for contender in outcome.contenders],
        rivals_units={
            contender.run.policy: (baseline + contender.run.ready_units[first:]).tolist()
            for contender in outcome.contenders[1:]
        },
    )


def _capacity_units(spec: FleetSpec, mine: Sequence[FleetMinute]) -> dict[str, list[float]]:
    return {
        pool.name: [
            minute.pools[index].in_service_capacity * pool.units_per_capacity for minute in mine
        ]
        for index, pool in enumerate(spec.pools)
    }
