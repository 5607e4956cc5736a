"""Two regions serve one name, and one of them can launch nothing for eight hours.

The local AWS has one region, so each is a stack of its own there, with its own control plane,
fleet and instance types; only the name is theirs together, as it is in Route 53.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from peakfleet_demo.demo import physics_of
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements, Meter, Sample
from peakfleet_demo.scenarios.runner import ScenarioRunner, Show
from peakfleet_demo.scenarios.scenario import Assertion, Ramp, Scenario
from peakfleet_local.replay import Phases, ReplayedFleet, replay
from peakfleet_planner import FleetSpec, RegionShareSpec

DRY_FROM, DRY_MINUTES, AFTER_MINUTES = 10, 480, 150
SPILLS_WITHIN = 45
"""Until demand has gone unserved for longer than a boot, and two or three steps have acted."""
MOST_MISSED: Final = 0.1
MOST_TWICE: Final = 1.15
"""What serves in both regions above what the service needs: whole instances, headroom and holds."""
PEAK = Ramp(low=300, high=700, begins=20, minutes=60)


@dataclass(slots=True, kw_only=True)
class RegionMeasurements(Measurements):
    """What is measured of the region that can launch nothing, and beside it of the other.

    Args:
        other_spec: The other region's fleet.
        other: Its minutes.
        shares: Share of all traffic that the dry region got, by minute.
    """

    other_spec: FleetSpec
    other: list[Sample] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    @property
    def all_missing_units(self) -> list[float]:
        """Units that neither region served, by minute."""
        pairs = zip(self.missing_units, self.other, strict=True)
        return [mine + sample.fleet.work.unserved_units for mine, sample in pairs]


class _Part(Sequence[float]):
    """A region's demand, minute by minute: what the records of the name send it then.

    Answers are kept for a minute, so what acts is the mean of the last two reads.
    """

    def __init__(self, total: Sequence[float], read: Callable[[], float]) -> None:
        self._total, self._read, self._last = total, read, read()

    def __len__(self) -> int:
        return len(self._total)

    def __getitem__(self, minute: int) -> float:  # type: ignore[override]  # nobody slices demand
        share = self._read()
        acting, self._last = (share + self._last) / 2, share
        return self._total[minute] * acting


@dataclass(slots=True, kw_only=True)
class RegionRunner(ScenarioRunner):
    """Runs scenarios on two regions; faults happen to the first.

    Args:
        other: The other region.
    """

    other: Environment

    def _measure(self, scenario: Scenario, show: Show) -> Measurements:
        here, there = self.environment, self.other
        share = here.spec.region
        if share is None:
            raise LookupError(f"the fleet {here.spec.fleet} shares no name")
        if self.days:
            for one in (here, there):
                one.clear()
        here.weigh(share, {one.own: one.full_weight for one in _shares(here, there)})
        phases = self.phases(scenario)
        before = phases.total_minutes - scenario.minutes
        total = [
            scenario.demand_units(max(0, index - before)) for index in range(phases.total_minutes)
        ]
        fleets = [
            ReplayedFleet(
                spec=one.spec,
                demand_units=_Part(total, lambda one=one: _share_of(here, one)),  # type: ignore[misc]  # bound now
                physics=physics_of(one.spec),
                own_side=one.own_side,
            )
            for one in (here, there)
        ]
        measured = RegionMeasurements(spec=here.spec, other_spec=there.spec)
        meters = Meter(here), Meter(there)
        minutes = replay(here.aws, fleets, start_epoch_seconds=self._next_day(), phases=phases)
        for index, minute in enumerate(minutes):
            show(minute)
            mine, theirs = (meter.read(minute) for meter in meters)
            if minute.scored:
                measured.samples.append(mine)
                measured.other.append(theirs)
                measured.shares.append(_share_of(here, here))
            if fault := scenario.faults.get(index + 1 - self._warm_up(phases)):
                fault(here)
        return measured

    def _warm_up(self, phases: Phases) -> int:
        return phases.warm_up_minutes


def _shares(*environments: Environment) -> list[RegionShareSpec]:
    return [one.spec.region for one in environments if one.spec.region]


def _share_of(environment: Environment, region: Environment) -> float:
    """Return the share of all traffic that the records send a region."""
    share = region.spec.region
    if share is None:
        return 0.0
    weights: Mapping[str, int] = {
        one["SetIdentifier"]: one["Weight"] for one in environment.records(share)
    }
    return weights[share.own] / max(1, sum(weights.values()))


def _dry(environment: Environment) -> None:
    environment.limit(environment.all_types())


def _open(environment: Environment) -> None:
    environment.limit(environment.all_types(), instances=None)


def _one_dry(m: Measurements) -> Iterator[Assertion]:
    if not isinstance(m, RegionMeasurements):
        raise TypeError("two regions are measured by a RegionRunner")
    ends = DRY_FROM + DRY_MINUTES
    missing, burst = m.all_missing_units, m.burst_units + _burst(m.other)
    rise_ends = PEAK.begins + PEAK.minutes
    calm = missing[rise_ends + SPILLS_WITHIN : ends]
    yield Assertion(
        text=f"{SPILLS_WITHIN} minutes after demand has risen the other region serves for both",
        measured=f"{sum(calm) / max(1, len(calm)):.1f} units are missing on average, "
        f"{max(calm):.0f} at most, of {PEAK.high:g}",
        passed=sum(calm) <= 0.01 * PEAK.high * len(calm),
    )
    yield Assertion(
        text=f"in all at most {MOST_MISSED:.0%} of the burst is missing",
        measured=f"{sum(missing):,.0f} unit-minutes of {burst:,.0f}: {sum(missing) / burst:.1%}",
        passed=sum(missing) <= MOST_MISSED * burst,
    )
    declared = sum(spec.baseline.carried_units for spec in (m.spec, m.other_spec))
    ready = [
        mine.fleet.work.ready_units + theirs.fleet.work.ready_units
        for mine, theirs in zip(m.samples, m.other, strict=True)
    ][rise_ends:ends]
    needed = PEAK.high - declared
    yield Assertion(
        text="no burst is bought twice",
        measured=f"at most {max(ready):.0f} units serve in both for a burst of {needed:.0f}",
        passed=max(ready) <= MOST_TWICE * needed,
    )
    most = m.other_spec.pools[0].max_units
    largest = max(sample.fleet.work.ready_units for sample in m.other)
    yield Assertion(
        text="the other region keeps within its own limits",
        measured=f"at most {largest:.0f} of {most:.0f} units",
        passed=largest <= most,
    )
    yield Assertion(
        text=f"{AFTER_MINUTES} minutes after capacity is back the region has its share again",
        measured=f"{m.shares[-1]:.0%}, {min(m.shares):.0%} at least, {m.shares[0]:.0%} at first",
        passed=abs(m.shares[-1] - m.shares[0]) <= 0.01,  # noqa: PLR2004  a step of a weight
    )
    silent = sum(sample.fleet.plan is None for sample in (*m.samples, *m.other))
    yield Assertion(
        text="every tick of both regions answers",
        measured=f"{silent} of {2 * len(m.samples)} did not",
        passed=silent == 0,
    )


def _burst(samples: Sequence[Sample]) -> float:
    return sum(sample.fleet.work.burst_units for sample in samples)


SCENARIOS = (
    Scenario(
        name="region-dry",
        shows="one of two regions can launch nothing for eight hours, and demand more than doubles",
        minutes=DRY_FROM + DRY_MINUTES + AFTER_MINUTES,
        fleet="regions",
        demand_units=PEAK,
        faults={DRY_FROM: _dry, DRY_FROM + DRY_MINUTES: _open},
        assertions=_one_dry,
    ),
)
