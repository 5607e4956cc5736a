"""Demand replayed under several policies: what `simulate` and `compare` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import ceil

import numpy as np
from numpy.typing import NDArray

from peakfleet_cli.fleet_spec import read_spec, read_template
from peakfleet_cli.trial.request import Physics, Source, TrialError
from peakfleet_planner import FleetSpec, ServiceLevelSpec
from peakfleet_sim import (
    Comparison,
    Demand,
    Outcome,
    Recording,
    Run,
    WarmPoolSpec,
    World,
    read_recording,
    score,
)
from peakfleet_sim.policies import live_spec
from peakfleet_sim.replay import (
    Choice,
    Rival,
    at_once,
    choose,
    find_ours,
    find_rival,
    foreseen,
    ladder_dollars,
    queue_of,
    replay_fleet,
    usual_delay_seconds,
    world_of,
)
from peakfleet_sim.world import Scenario, load_scenario

PEAKFLEET = "peakfleet"
_BINDING_SHARE = 0.05
"""Share of the minutes in which the maximum may bind before the outcome is of the maximum."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tried:
    """One policy, replayed and scored.

    Args:
        choice: The policy.
        run: Minute by minute; its pools are those of the fleet, or the one group of the options.
        outcome: Over the scored minutes.
        rival: At equal service and at equal cost. Default: it was not searched for.
    """

    choice: Choice
    run: Run
    outcome: Outcome
    rival: Rival | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """Demand, physics and policies.

    Args:
        comparison: Demand and physics, as a policy with one group is given them.
        recording: Where the demand comes from.
        choices: The policies.
        spec: The fleet, where it was given as one. Default: one group, from the options.
        scenario: What goes wrong. Default: nothing.
        own_delays: Whether policies that read their metric from the source see it at once.
        seed: Of everything that is random.
        miss_at_most: Share of the burst that the production decision may miss. Default: what the
            fleet says.
        words: Whether runs say why, minute by minute. Default: true. Without, live work on one
            group is replayed at once, see `peakfleet_sim.replay.foreseen`.
    """

    comparison: Comparison
    recording: Recording
    choices: Sequence[Choice]
    spec: FleetSpec | None = None
    scenario: Scenario | None = None
    own_delays: bool = False
    seed: int = 0
    miss_at_most: float | None = None
    words: bool = True

    @cached_property
    def optimum(self) -> Run:
        """Perfect foresight, without the scenario."""
        return self.comparison.optimum()

    @property
    def ladder(self) -> tuple[str, ...]:
        """The pools of every policy but perfect foresight; none where there is no scenario."""
        if self.spec is None or self.scenario is None:
            return ()
        return tuple(pool.name for pool in self.spec.pools)

    @property
    def baseline_units(self) -> NDArray[np.float64]:
        """What the on-premises side carries, minute by minute."""
        minutes = self.comparison.demand.minutes
        usable = (self.scenario or Scenario()).usable_fraction(minutes)
        return self.comparison.world.baseline_units * usable

    def warnings(self) -> list[str]:
        """Return why the outcome says little, each a sentence; empty if it says something."""
        demand, world = self.comparison.demand, self.comparison.world
        units = demand.units[demand.history_minutes :]
        burst = np.maximum(0.0, units - self.baseline_units[demand.history_minutes :])
        if not burst.any():
            nothing = (
                f"nothing bursts: demand peaks at {units.max():,.6g} units and the baseline "
                f"carries {world.baseline_units:,.6g}, so there is nothing to compare"
            )
            return [nothing]
        said = []
        if np.ptp(units) == 0:
            said.append(
                f"demand is {units[0]:,.6g} units in every minute: without a peak, cost and score "
                "say nothing about savings"
            )
        most = world.max_instances * world.units_per_instance
        share = float(np.mean(burst > most))
        if share > _BINDING_SHARE and self.comparison.queue is None:
            said.append(
                f"the maximum of {world.max_instances:,} instances binds in {share:.0%} "
                f"of the minutes: the peak needs {burst.max() / world.units_per_instance:,.0f} "
                f"instances of {world.units_per_instance:,.6g} units; say --max-instances or "
                "--units-per-instance, or the outcome shows the maximum and not the policies"
            )
        return said

    def try_out(self, choice: Choice) -> Tried:
        """Replay and score one policy."""
        return self.scored(choice, self.run(choice))

    def scored(self, choice: Choice, run: Run) -> Tried:
        """Score the run of one policy."""
        outcome = score(run, optimum=self.optimum)
        if self.spec is not None:
            on_pools = self.scenario is not None or choice.kind.name == PEAKFLEET
            usd = run.usd if on_pools and run.pools else ladder_dollars(self.spec, run)
            outcome = replace(outcome, usd=usd)
        return Tried(choice=choice, run=run, outcome=outcome)

    def rival(
        self, ours: Outcome, usual: Outcome, choice: Choice, against: Choice | None = None
    ) -> Rival:
        """Return a policy at its own best setting for our service, and for our cost.

        Args:
            ours: The production decision.
            usual: The policy.
            choice: The same, to be run again.
            against: Ours, to be run at the service of the policy as well, which takes long.
                Default: it is not.
        """

        def at(choice: Choice, setting: float) -> Outcome:
            choice = choice.at(setting)
            run = self.run(choice, words=False)
            return replace(self.scored(choice, run).outcome, policy=choice.asked)

        found = find_rival(ours, usual, partial(at, choice), choice.kind.searched)
        if against is None:
            return found
        best = find_ours(ours, usual, partial(at, against), against.kind.searched)
        return replace(found, ours=best)

    def run(self, choice: Choice, *, words: bool = True) -> Run:
        """Replay one policy.

        Args:
            choice: The policy.
            words: As `Trial.words`; both must say so.
        """
        if choice.kind.policy is None:
            run = self.optimum
        elif choice.kind.name == PEAKFLEET:
            run = self._ours(choice, words=words and self.words)
        else:
            pools = None if self.spec is None or self.scenario is None else self.spec.pools
            run = choice.run(
                self.comparison,
                own_delays=self.own_delays,
                pools=pools,
                scenario=self.scenario,
                seed=self.seed,
            )
        return replace(run, policy=choice.asked)

    def _ours(self, choice: Choice, *, words: bool) -> Run:
        world, spec = self.comparison.world, self.spec
        usual = spec.service_level if spec else ServiceLevelSpec(unserved_cost=world.unserved_cost)
        level = replace(usual, miss_at_most=self.miss_at_most or usual.miss_at_most)
        if choice.setting is not None:
            level = replace(usual, unserved_cost=choice.setting, miss_at_most=None)
        if spec is not None:
            return replay_fleet(
                self.comparison.demand,
                replace(spec, service_level=level),
                world=world,
                scenario=self.scenario,
                seed=self.seed,
            )
        if words or not at_once(self.comparison):
            return self.comparison.peakfleet(service_level=level)
        return foreseen(self.comparison, service_level=level)


def make_trial(
    source: Source, physics: Physics, *, policies: Sequence[str], own_delays: bool = False
) -> Trial:
    """Return the trial that was asked for.

    Args:
        source: Where demand, fleet and scenario come from.
        physics: The physics, as far as the fleet does not say.
        policies: Names, each with a setting after a colon or without.
        own_delays: As in `Trial`.

    Raises:
        TrialError: What was asked for does not fit together.
        DemandError: A file or a number is not what it must be.
        SpecFileError: The fleet cannot be read.
    """
    choices = tuple({choice.asked: choice for choice in map(choose, policies)}.values())
    recording = read_recording(source.demand, source.reading)
    demand = recording.demand(seed=physics.seed)
    demand = replace(demand, history_minutes=physics.history_minutes)
    spec = _spec(source)
    scenario = Scenario() if source.scenario is None else load_scenario(source.scenario)
    if spec is None:
        if scenario.specs:
            physics.refuse_what_pools_say()
        physics = _with_maximum(physics, demand)
    if spec is None and scenario.specs:
        spec = _fleet_of(scenario, physics)
    elif spec is None and source.scenario is not None:
        spec = live_spec(physics.world(WarmPoolSpec()))
    elif spec is not None:
        physics.refuse_what_a_fleet_says()
        _check_names(spec, scenario)
    return Trial(
        comparison=_comparison(demand, spec, physics),
        recording=recording,
        choices=choices,
        spec=spec,
        scenario=None if source.scenario is None else scenario,
        own_delays=own_delays,
        seed=physics.seed,
        miss_at_most=physics.miss_at_most,
    )


def _with_maximum(physics: Physics, demand: Demand) -> Physics:
    """Return *physics* with a maximum that does not bind, where nobody said one."""
    if physics.max_instances is not None:
        return physics
    world = physics.world(WarmPoolSpec())
    peak = float(demand.units.max()) - world.baseline_units
    needed = ceil(max(0.0, peak) / world.units_per_instance)
    return replace(physics, max_instances=max(1, 2 * needed, world.min_instances))


def _comparison(demand: Demand, spec: FleetSpec | None, physics: Physics) -> Comparison:
    warm = physics.warm_pool()
    if warm.auto and spec is not None:
        raise TrialError(
            "--warm-instances auto plans one pool from the flags: leave the fleet or scenario out"
        )
    if spec is None:
        return Comparison(demand=demand, world=physics.world(warm))
    delay_seconds = physics.metric_delay_seconds
    if delay_seconds is None:
        delay_seconds = usual_delay_seconds(spec)
    world = world_of(spec, metric_delay_seconds=delay_seconds, warm_pool=warm)
    return Comparison(demand=demand, world=world, queue=queue_of(spec))


def _spec(source: Source) -> FleetSpec | None:
    if source.spec is not None and source.template is not None:
        raise TrialError("--spec and --template both name a fleet: give one of them")
    if source.spec is not None:
        spec = read_spec(source.spec)
        if source.fleet not in (None, spec.fleet):
            raise TrialError(f"{source.spec} is of fleet '{spec.fleet}', not '{source.fleet}'")
        return spec
    if source.template is not None:
        return read_template(source.template, source.fleet)
    if source.fleet is not None:
        raise TrialError("--fleet chooses a fleet of a template: give --template as well")
    return None


def _fleet_of(scenario: Scenario, physics: Physics) -> FleetSpec:
    """Return a fleet with the pools of a scenario, everything else from the flags."""
    world: World = physics.world(WarmPoolSpec())
    spec = live_spec(world, service_level=ServiceLevelSpec(unserved_cost=world.unserved_cost))
    return replace(spec, pools=scenario.specs)


def _check_names(spec: FleetSpec, scenario: Scenario) -> None:
    known = [pool.name for pool in spec.pools]
    for name in scenario.pools:
        if name not in known:
            raise TrialError(
                f"the scenario has a pool '{name}', but fleet '{spec.fleet}' has {', '.join(known)}"
            )
