"""Run scenarios on one deployed fleet, each from a clean state on a day of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Final

from peakfleet_demo.demo import physics_of
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements, Meter
from peakfleet_demo.scenarios.scenario import Assertion, Demand, Scenario
from peakfleet_local.metrics import MINUTE_SECONDS
from peakfleet_local.replay import Minute, Phases, ReplayedFleet, replay
from peakfleet_planner import FleetSpec

HISTORY_MINUTES, WARM_UP_MINUTES = 10, 30
DAY_SECONDS: Final = 86_400
FIRST_DAY_EPOCH_SECONDS: Final = 1_774_200_000 - 1_774_200_000 % DAY_SECONDS
Show = Callable[[Minute], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """A scenario that was run, and how its assertions came out."""

    scenario: Scenario
    measured: Measurements
    assertions: tuple[Assertion, ...]

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return all(assertion.passed for assertion in self.assertions)


def acts_by_weights(spec: FleetSpec) -> bool:
    """Return whether it is measured what each side is sent, and not only what it could carry."""
    return spec.records is not None or bool(spec.traffic and spec.traffic.site_target_group_arns)


class ActingShares:
    """The shares of the traffic that act in a minute: of a name, the mean over its time to live."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        split = environment.spec.split
        late = split.acts_after_seconds if split else 0
        self._read: deque[dict[str, float]] = deque(maxlen=1 + ceil(late / MINUTE_SECONDS))

    def __call__(self) -> dict[str, float]:
        """Read the shares at the beginning of a minute."""
        self._read.append(self._environment.shares())
        return {
            side: sum(one[side] for one in self._read) / len(self._read) for side in self._read[-1]
        }


@dataclass(slots=True, kw_only=True)
class ScenarioRunner:
    """Runs scenarios on a deployed fleet, one after the other.

    Args:
        environment: The fleet and the world under it.
        days: How many runs there were. Each has a day of its own, so that no fleet reads the
            demand of the run before.
    """

    environment: Environment
    days: int = 0
    _without_fault: dict[tuple[Demand, int], Sequence[float]] = field(default_factory=dict)

    def phases(self, scenario: Scenario) -> Phases:
        """Return how long a scenario takes."""
        return Phases(
            history_minutes=HISTORY_MINUTES,
            warm_up_minutes=WARM_UP_MINUTES,
            scored_minutes=scenario.minutes,
        )

    def run(self, scenario: Scenario, *, show: Show) -> ScenarioResult:
        """Run one scenario; *show* takes each minute."""
        missing = self._missing_without_fault(scenario, show) if scenario.compares else ()
        measured = self._measure(scenario, show)
        measured.missing_units_without_fault = missing
        return ScenarioResult(
            scenario=scenario, measured=measured, assertions=tuple(scenario.assertions(measured))
        )

    def _missing_without_fault(self, scenario: Scenario, show: Show) -> Sequence[float]:
        key = (scenario.demand_units, scenario.minutes)
        if key not in self._without_fault:
            measured = self._measure(replace(scenario, faults={}), show)
            self._without_fault[key] = measured.missing_units
        return self._without_fault[key]

    def _next_day(self) -> int:
        start = FIRST_DAY_EPOCH_SECONDS + self.days * DAY_SECONDS
        self.days += 1
        return start

    def _measure(self, scenario: Scenario, show: Show) -> Measurements:
        environment, phases = self.environment, self.phases(scenario)
        if self.days:
            environment.clear()
        before = HISTORY_MINUTES + WARM_UP_MINUTES
        demand = [
            scenario.demand_units(max(0, index - before)) for index in range(phases.total_minutes)
        ]
        spec, world = environment.spec, environment.world
        fleet = ReplayedFleet(
            spec=spec,
            demand_units=demand,
            physics=physics_of(spec),
            own_side=environment.own_side,
            shares=ActingShares(environment) if acts_by_weights(spec) else None,
        )
        measured, meter = Measurements(spec=spec), Meter(environment)
        ended = len(world.endings)
        minutes = replay(
            environment.aws, [fleet], start_epoch_seconds=self._next_day(), phases=phases
        )
        for index, minute in enumerate(minutes):
            show(minute)
            sample = meter.read(minute)
            if minute.scored:
                measured.samples.append(sample)
            coming = index + 1 - WARM_UP_MINUTES
            environment.set_busy(demand[min(before + max(coming, 0), len(demand) - 1)])
            if coming == 0:
                ended = len(world.endings)
            if fault := scenario.faults.get(coming):
                fault(environment)
        measured.endings = world.endings[ended:]
        return measured
