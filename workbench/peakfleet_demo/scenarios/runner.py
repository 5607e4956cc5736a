"""Run scenarios: one deployment for each kind of fleet, a cleared stage for each scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from peakfleet_demo.demo import physics_of
from peakfleet_demo.scenarios.environment import Stage
from peakfleet_demo.scenarios.measurements import Record, Sample
from peakfleet_demo.scenarios.scenario import FleetKind, Promise, Scenario
from peakfleet_local.replay import Minute, Phases, ReplayedFleet, replay

HISTORY_MINUTES, WARM_UP_MINUTES = 10, 30
START_EPOCH_SECONDS = 1_774_200_000 - 1_774_200_000 % 86_400
DAY_SECONDS = 86_400
APP = Path("examples") / "faults"
Show = Callable[[Minute], None]
Demand = Callable[[int], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A scenario that was run.

    Args:
        scenario: Which.
        record: What was measured.
        promises: What was promised, and how it came out.
    """

    scenario: Scenario
    record: Record
    promises: tuple[Promise, ...]

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return all(promise.kept for promise in self.promises)


@dataclass(slots=True, kw_only=True)
class Theatre:
    """A deployed fleet on which scenarios run, one after the other.

    Args:
        stage: The fleet and its world.
        nights: How many scenarios have run; each has a day of its own, so that no fleet reads
            the demand of the one before.
    """

    stage: Stage
    nights: int = 0
    _calm_missing: dict[tuple[Demand, int], Sequence[float]] = field(default_factory=dict)

    def phases(self, scenario: Scenario) -> Phases:
        """Return how long a scenario takes."""
        return Phases(
            history_minutes=HISTORY_MINUTES,
            warm_up_minutes=WARM_UP_MINUTES,
            scored_minutes=scenario.minutes,
        )

    def play(self, scenario: Scenario, *, show: Show) -> Result:
        """Run one scenario.

        Args:
            scenario: Which.
            show: Takes each minute.
        """
        calm = self._calm(scenario, show) if scenario.compares else ()
        record = self._record(scenario, show)
        record.calm_missing_units = calm
        return Result(scenario=scenario, record=record, promises=tuple(scenario.promises(record)))

    def _calm(self, scenario: Scenario, show: Show) -> Sequence[float]:
        """Return what is missing by minute when the same demand meets no fault."""
        key = (scenario.demand_units, scenario.minutes)
        if key not in self._calm_missing:
            calm = replace(scenario, script=_nothing_happens)
            self._calm_missing[key] = self._record(calm, show).missing_units
        return self._calm_missing[key]

    def _record(self, scenario: Scenario, show: Show) -> Record:
        stage, phases = self.stage, self.phases(scenario)
        if self.nights:
            stage.clear()
        before = HISTORY_MINUTES + WARM_UP_MINUTES
        demand = [
            scenario.demand_units(max(0, index - before)) for index in range(phases.total_minutes)
        ]
        fleet = ReplayedFleet(spec=stage.spec, demand_units=demand, physics=physics_of(stage.spec))
        start = START_EPOCH_SECONDS + self.nights * DAY_SECONDS
        self.nights += 1
        record, meter = Record(spec=stage.spec), Meter(stage)
        ended = len(stage.world.endings)
        for index, minute in enumerate(
            replay(stage.aws, [fleet], start_epoch_seconds=start, phases=phases)
        ):
            show(minute)
            sample = meter.read(minute)
            if minute.scored:
                record.samples.append(sample)
            coming = index + 1 - WARM_UP_MINUTES
            stage.set_busy(demand[min(before + max(coming, 0), len(demand) - 1)])
            if 0 <= coming < scenario.minutes:
                if coming == 0:
                    ended = len(stage.world.endings)
                scenario.script(stage, coming)
        record.endings = stage.world.endings[ended:]
        return record


def _nothing_happens(stage: Stage, minute: int) -> None:
    del stage, minute


class Meter:
    """Reads what has happened in the world since it was last read."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._pools = {pool.group: pool.name for pool in stage.spec.pools}
        self._tries, self._asks, self._calls = self._counters()
        self._known: set[str] = set()

    def read(self, minute: Minute) -> Sample:
        """Return one minute."""
        tries, asks, calls = self._counters()
        launched = {name: sorted(self._launched(name)) for name in self._pools.values()}
        sample = Sample(
            start_epoch_seconds=minute.start_epoch_seconds,
            fleet=minute.fleets[self._stage.spec.fleet],
            tries=tries - self._tries,
            asks=asks - self._asks,
            calls=calls - self._calls,
            launched_at=launched,
        )
        self._tries, self._asks, self._calls = tries, asks, calls
        return sample

    def _launched(self, pool: str) -> Iterator[float]:
        for machine in self._stage.machines(pool):
            if machine.instance_id not in self._known:
                self._known.add(machine.instance_id)
                yield machine.launched_at

    def _counters(self) -> tuple[Counter[tuple[str, str]], Counter[str], Counter[str]]:
        world = self._stage.world
        tries = Counter(
            {
                (self._pools[group], answer): count
                for (group, answer), count in world.tries.items()
                if group in self._pools
            }
        )
        asks: Counter[str] = Counter()
        for (group, _), count in world.asks.items():
            if group in self._pools:
                asks[self._pools[group]] += count
        return tries, asks, Counter(world.calls)


def by_fleet(scenarios: Sequence[Scenario]) -> Mapping[FleetKind, list[Scenario]]:
    """Return scenarios by the fleet that they need, so that each is deployed once."""
    sorted_out: dict[FleetKind, list[Scenario]] = {}
    for scenario in scenarios:
        sorted_out.setdefault(scenario.fleet, []).append(scenario)
    return sorted_out
