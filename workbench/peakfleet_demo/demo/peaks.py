"""Which demand a demo replays, and how it is scaled to each fleet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil

import numpy as np

from peakfleet_demo.options import DEFAULT_HOURS, DemoOptions
from peakfleet_local.replay import Phases, backlog_of, usable_baseline_units
from peakfleet_planner import FleetSpec
from peakfleet_sim import Demand, DemandError, premiere_night, scale_to
from peakfleet_sim import read_recording as read_file
from peakfleet_sim.demand import ACTS, premiere_with_past

LEAST_WARM_UP_MINUTES = 30
QUICK_ACT_MINUTES, QUICK_WARM_UP_MINUTES = 60, 5
"""Of a quick demo: the premiere's rise and its peak."""
SETTLING_MINUTES = 10
"""Minutes of warm-up beyond the time in which the first work falls due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A part of the replay that is scored by itself.

    Args:
        name: What it is, for people.
        first_minute: Where it begins, in minutes from the first minute of the history on.
        end_minute: Where it is over.
    """

    name: str
    first_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Demand for every fleet, minute by minute, from the first minute of the history on.

    Args:
        title: What it is, for people.
        phases: How much of it is history, warm-up and scored.
        demands: Demand of each fleet, by its name; all start together.
        acts: What is scored, in the order of time; at least one.
        past: Demand of each fleet before that, back to back with it, which is published at once.
            Default: none.
        repeated_minutes: Minutes before the recording begins, filled with its first value.
    """

    title: str
    phases: Phases
    demands: Mapping[str, Demand]
    acts: tuple[Act, ...]
    past: Mapping[str, Demand] = field(default_factory=dict)
    repeated_minutes: int = 0

    @property
    def start(self) -> datetime:
        """When the history begins."""
        return next(iter(self.demands.values())).start

    @property
    def scored_from(self) -> datetime:
        """First minute that is scored."""
        return self.start + timedelta(
            minutes=self.phases.history_minutes + self.phases.warm_up_minutes
        )


def read_recording(
    options: DemoOptions, *, say: Callable[[str], None] | None = None
) -> Demand | None:
    """Return the recording that *options* names, whole; None if the peak is to be generated.

    Args:
        options: Which file, and what is said of it.
        say: Takes the line that says how the file was understood. Default: nobody.

    Raises:
        DemandError: The file cannot be read, or *options* do not fit it.
    """
    if options.file is None:
        if options.start is not None:
            raise DemandError(
                "--from chooses hours of a recording and needs --demand; "
                "the generated premiere night always begins at 18:00"
            )
        return None
    recording = read_file(options.file, options.reading)
    if say is not None:
        say(recording.summary())
    demand = recording.demand(seed=options.seed)
    _scored_from(options, demand)
    return demand


def choose_peak(options: DemoOptions, recording: Demand | None, specs: Sequence[FleetSpec]) -> Peak:
    """Return the demand that *options* names, in the units of each fleet.

    The median of the recording becomes the fleet's baseline, and the 99.9th percentile of
    what lies above it becomes `peak_share` of the fleet's maximum.

    Args:
        options: What to replay.
        recording: What `read_recording` returned for it.
        specs: The fleets.
    """
    history, warm_up = _history_minutes(specs), _warm_up_minutes(specs)
    if recording is None and options.hours == DEFAULT_HOURS:
        return _premiere(options, specs, history=history, warm_up=warm_up)
    before = history + warm_up
    wholes = {
        spec.fleet: _night(options, spec, index)
        if recording is None
        else _scaled(recording, spec, options.peak_share)
        for index, spec in enumerate(specs)
    }
    start = _scored_from(options, recording or wholes[specs[0].fleet])
    parts = {
        fleet: whole.window(start, hours=options.hours, history_minutes=before)
        for fleet, whole in wholes.items()
    }
    missing = before - parts[specs[0].fleet].history_minutes
    demands = {fleet: _with_repeated_first(part, missing) for fleet, part in parts.items()}
    scored = next(iter(demands.values())).minutes - before
    return Peak(
        title=_title(options, recording),
        phases=Phases(history_minutes=history, warm_up_minutes=warm_up, scored_minutes=scored),
        demands=demands,
        acts=(
            Act(name=_title(options, recording), first_minute=before, end_minute=before + scored),
        ),
        repeated_minutes=missing,
    )


def _premiere(
    options: DemoOptions, specs: Sequence[FleetSpec], *, history: int, warm_up: int
) -> Peak:
    """Return two weeks of evenings, then the acts that are named in `ACTS`."""
    acts = dict(ACTS)
    if options.quick:
        name, (begins, _) = next(iter(ACTS.items()))
        acts, warm_up = {name: (begins, begins + QUICK_ACT_MINUTES)}, QUICK_WARM_UP_MINUTES
    opens = min(first for first, _ in acts.values())
    wholes = {
        spec.fleet: premiere_with_past(
            baseline_units=usable_baseline_units(spec),
            peak_burst_units=options.peak_share * max_units(spec),
            seed=options.seed + index,
        )
        for index, spec in enumerate(specs)
    }
    before = next(iter(wholes.values())).history_minutes + opens - history - warm_up
    end = before - opens + history + warm_up + max(end for _, end in acts.values())
    into = history + warm_up - opens
    return Peak(
        title="a premiere night (generated, not recorded)"
        if options.quick
        else "a premiere night after two weeks of evenings (generated, not recorded)",
        phases=Phases(
            history_minutes=history,
            warm_up_minutes=warm_up,
            scored_minutes=end - before - history - warm_up,
        ),
        demands={
            fleet: replace(
                whole,
                start=whole.timestamp(before),
                units=whole.units[before:end].copy(),
                history_minutes=history + warm_up,
            )
            for fleet, whole in wholes.items()
        },
        acts=tuple(
            Act(name=name, first_minute=into + first, end_minute=into + last)
            for name, (first, last) in acts.items()
        ),
        past={}
        if options.quick
        else {
            fleet: replace(whole, units=whole.units[:before].copy(), history_minutes=0)
            for fleet, whole in wholes.items()
        },
    )


def max_units(spec: FleetSpec) -> float:
    """Return what all pools supply at their maximum."""
    return sum(pool.max_units for pool in spec.pools)


def _title(options: DemoOptions, recording: Demand | None) -> str:
    if recording is None:
        which = "" if options.hours >= DEFAULT_HOURS else f", its busiest {options.hours:g} hours"
        return f"a premiere night (generated, not recorded{which})"
    which = "" if options.start else f", its busiest {options.hours:g} hours"
    return f"{recording.name} (recorded{which})"


def _history_minutes(specs: Sequence[FleetSpec]) -> int:
    """Return how much past the longest memory of any fleet reads."""
    return max(
        ceil((spec.service_level.history_seconds + spec.lead_seconds) / 60) for spec in specs
    )


def _warm_up_minutes(specs: Sequence[FleetSpec]) -> int:
    """Return how long until every fleet has caught up with what came while it booted."""
    until_due = [
        (spec.lead_seconds + backlog.drain_within_seconds) / 60
        for spec in specs
        if (backlog := backlog_of(spec))
    ]
    return max([LEAST_WARM_UP_MINUTES, *(ceil(one) + SETTLING_MINUTES for one in until_due)])


def _night(options: DemoOptions, spec: FleetSpec, index: int) -> Demand:
    """Return a whole night, of which a shorter demo gets the busiest hours."""
    return premiere_night(
        baseline_units=usable_baseline_units(spec),
        peak_burst_units=options.peak_share * max_units(spec),
        hours=max(options.hours, DEFAULT_HOURS),
        seed=options.seed + index,
    )


def _scaled(recording: Demand, spec: FleetSpec, peak_share: float) -> Demand:
    return scale_to(
        recording,
        peak_burst_units=peak_share * max_units(spec),
        baseline_units=usable_baseline_units(spec),
    ).demand


def _scored_from(options: DemoOptions, demand: Demand) -> datetime:
    """Return the first scored minute, the same for every fleet."""
    if options.start is None:
        return demand.busiest_window(hours=options.hours).start
    return demand.window(options.start, hours=options.hours).start


def _with_repeated_first(demand: Demand, minutes: int) -> Demand:
    return replace(
        demand,
        start=demand.start - timedelta(minutes=minutes),
        units=np.concatenate([np.full(minutes, demand.units[0]), demand.units]),
        history_minutes=demand.history_minutes + minutes,
    )
