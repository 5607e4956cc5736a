"""What a burst leans on: a database, a metadata store, a link."""

from __future__ import annotations

from dataclasses import dataclass

from peakfleet_planner.codec import check_above, check_at_least, check_named, check_within
from peakfleet_planner.spec.metrics import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamLimitSpec:
    """A load that the fleet must not drive over a bound.

    At the bound nothing is added; at the critical one the fleet is let go step by step. Both end
    once the load has stayed below `resume_fraction` of the bound for `calm_seconds`. Without a
    fresh value nothing is added and nothing is cut. Below the bound a step is as large as the load
    that one unit makes allows: all of the load over what serves, or what is declared while nothing
    serves.

    Args:
        name: Unique within the fleet.
        metric: The load, as of connections in use.
        at_most: The bound, in the metric's unit. What others need of it must be left out.
        critical: At this much the fleet is cut. Default: never.
        load_per_unit: Load of one unit of the fleet; what is measured counts from this to four
            times this. Default: not known, so that the first step is not bounded, and each later
            one takes half of the room that is left.
        resume_fraction: See above. Default: 0.9.
        calm_seconds: See above. Default: 300.
        fresh_seconds: A newest value older than this is none. Default: 300.
        step_fraction: Share of the fleet that one step of a cut lets go. Default: 0.1.
    """

    name: str
    metric: Metric
    at_most: float
    critical: float | None = None
    load_per_unit: float | None = None
    resume_fraction: float = 0.9
    calm_seconds: int = 300
    fresh_seconds: int = 300
    step_fraction: float = 0.1

    def __post_init__(self) -> None:
        """Refuse a bound that could never be kept."""
        owner = f"downstream limit '{self.name}'"
        check_named("downstream limit", "name", self.name)
        check_above(owner, "at_most", self.at_most, 0)
        if self.critical is not None:
            check_at_least(owner, "critical", self.critical, self.at_most)
        if self.load_per_unit is not None:
            check_above(owner, "load_per_unit", self.load_per_unit, 0)
        check_within(owner, "resume_fraction", self.resume_fraction, 0.1, 1)
        check_within(owner, "calm_seconds", self.calm_seconds, 0, 3600)
        check_at_least(owner, "fresh_seconds", self.fresh_seconds, self.metric.period_seconds)
        check_within(owner, "step_fraction", self.step_fraction, 0.01, 1)
