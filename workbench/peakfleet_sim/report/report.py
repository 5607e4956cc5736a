"""One HTML file that says what a replay did: for a manager at the top, for an engineer below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from peakfleet_sim.demand import DemandError
from peakfleet_sim.replay import Outcome
from peakfleet_sim.report.page import page


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
        rivals_units: Baseline and capacity of other policies, by name, shown on request.
            Default: none.
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
    return page(title=title, fleets=fleets, about=about)


def write_report(
    path: Path, *, title: str, fleets: Sequence[FleetRun], about: Sequence[tuple[str, str]] = ()
) -> None:
    """Write the report of `render_report` to *path*, making its folder."""
    html = render_report(title=title, fleets=fleets, about=about)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
