"""Replay demand through the deployed fleets, one virtual minute at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from peakfleet_local.metrics import MINUTE_SECONDS, Datapoint
from peakfleet_local.replay.fleets import FleetWorld, ReplayedFleet, Work
from peakfleet_local.world import World
from peakfleet_planner import FleetSpec, Plan, PoolSpec

EVENT_STEP_SECONDS = 10
"""How late an event is delivered at most."""


class Cloud(Protocol):
    """What a replay needs of AWS; `LocalAws` has it."""

    @property
    def world(self) -> World:
        """Clock and machines."""

    def publish(self, datapoints: Sequence[Datapoint]) -> None:
        """Make datapoints readable in CloudWatch."""

    def fire_schedules(self, now_epoch_seconds: int) -> Mapping[str, Mapping[str, Any]]:
        """Run every schedule's handler for this moment; return its answers by fleet."""

    def deliver_events(self) -> object:
        """Give what has happened to the functions that wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """How long each part of a replay is, in minutes.

    Args:
        history_minutes: Demand is published and nothing ticks, so that rules have a past.
        warm_up_minutes: The fleets tick and nothing is scored, so that every policy has
            reached its stride when scoring begins.
        scored_minutes: The minutes that count.
    """

    history_minutes: int
    warm_up_minutes: int
    scored_minutes: int

    def __post_init__(self) -> None:
        """Refuse phases that cannot be."""
        if min(self.history_minutes, self.warm_up_minutes) < 0 or self.scored_minutes < 1:
            raise ValueError(f"phases must not be negative and score at least a minute: {self}")

    @property
    def total_minutes(self) -> int:
        """All minutes, whose demand a fleet must bring."""
        return self.history_minutes + self.warm_up_minutes + self.scored_minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolMinute:
    """One pool in one minute, in points of capacity.

    Args:
        name: The pool.
        in_service_capacity: What served during the minute.
        billed_capacity: What was paid for during the minute; what boots counts.
        desired_capacity: What the group was asked to run at its end.
    """

    name: str
    in_service_capacity: int
    billed_capacity: int
    desired_capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetMinute:
    """One fleet in one minute.

    Args:
        work: What became of the minute's work.
        pools: Its pools, in ladder order.
        plan: What the handler decided at the end of the minute; None if it failed.
        error: How the handler failed. Default: it did not.
        failed_calls: AWS calls of the tick that failed, and were answered for. Default: none.
        said: What the tick said, if that is no plan of a fleet. Default: nothing.
    """

    work: Work
    pools: tuple[PoolMinute, ...]
    plan: Plan | None
    error: str = ""
    failed_calls: int = 0
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute of a replay.

    Args:
        start_epoch_seconds: When it began, in seconds since 1970 (UTC).
        scored: Whether it counts.
        fleets: What happened to each fleet, by its name.
    """

    start_epoch_seconds: int
    scored: bool
    fleets: Mapping[str, FleetMinute]


def replay(
    cloud: Cloud,
    fleets: Sequence[ReplayedFleet],
    *,
    start_epoch_seconds: int,
    phases: Phases,
) -> Iterator[Minute]:
    """Replay demand through deployed handlers; yield every minute in which they tick.

    Each minute is served by what is in service at its beginning. At its end the minute before
    it becomes readable, instances boot or do not, and every schedule fires. An instance that
    is asked for at the end of minute t is billed from t+1 and serves from t+1 plus its boot
    time, in whole minutes. Events are delivered within ten seconds.

    Args:
        cloud: The local AWS in which the fleets are deployed.
        fleets: The fleets and their demand.
        start_epoch_seconds: When the history begins, on a whole minute.
        phases: How much is history, warm-up and scored.

    Raises:
        ReplayError: A signal cannot be read backwards.
        ValueError: A fleet brings too little demand, or time is no whole minute.
    """
    _check(fleets, start_epoch_seconds, phases)
    worlds = [FleetWorld(fleet) for fleet in fleets]
    for fleet in fleets:
        for pool in fleet.spec.pools:
            cloud.world.set_boot_seconds(group=pool.group, seconds=pool.boot_seconds)
    cloud.world.start_at(start_epoch_seconds)
    for index in range(phases.total_minutes):
        start = start_epoch_seconds + index * MINUTE_SECONDS
        ticking = index >= phases.history_minutes
        before = {world.spec.fleet: _capacity(cloud.world, world.spec) for world in worlds}
        work = {
            world.spec.fleet: world.serve(
                minute=index,
                epoch_seconds=start,
                in_service=_in_service(before[world.spec.fleet]) if ticking else None,
            )
            for world in worlds
        }
        if ticking:
            _pass_a_minute(cloud)
        else:
            cloud.world.advance_to(start + MINUTE_SECONDS)
        cloud.publish([point for world in worlds for point in world.readable()])
        if not ticking:
            continue
        answers = cloud.fire_schedules(start + MINUTE_SECONDS)
        yield Minute(
            start_epoch_seconds=start,
            scored=index >= phases.history_minutes + phases.warm_up_minutes,
            fleets={
                name: _fleet_minute(work[name], before[name], answers.get(name)) for name in work
            },
        )


def _pass_a_minute(cloud: Cloud) -> None:
    """Let a minute pass in steps, so that an event finds a world not much older than itself."""
    cloud.deliver_events()
    for _ in range(MINUTE_SECONDS // EVENT_STEP_SECONDS):
        cloud.world.advance(EVENT_STEP_SECONDS)
        cloud.deliver_events()


def _check(fleets: Sequence[ReplayedFleet], start_epoch_seconds: int, phases: Phases) -> None:
    if start_epoch_seconds % MINUTE_SECONDS:
        raise ValueError(f"a replay starts on a whole minute, got second {start_epoch_seconds}")
    for fleet in fleets:
        if len(fleet.demand_units) < phases.total_minutes:
            raise ValueError(
                f"fleet '{fleet.spec.fleet}': needs demand for {phases.total_minutes} minutes, "
                f"got {len(fleet.demand_units)}"
            )


def _capacity(world: World, spec: FleetSpec) -> tuple[PoolMinute, ...]:
    return tuple(_pool_minute(world, pool) for pool in spec.pools)


def _pool_minute(world: World, pool: PoolSpec) -> PoolMinute:
    """Return the pool as it is; what it is asked to run is known after the tick."""
    present = sum(m.weight for m in world.machines_of(pool.group) if m.billed)
    return PoolMinute(
        name=pool.name,
        in_service_capacity=world.in_service(pool.group),
        billed_capacity=present,
        desired_capacity=present,
    )


def _in_service(pools: Sequence[PoolMinute]) -> dict[str, int]:
    return {pool.name: pool.in_service_capacity for pool in pools}


def _fleet_minute(
    work: Work, before: Sequence[PoolMinute], answer: Mapping[str, Any] | None
) -> FleetMinute:
    plan, error = _read(answer)
    desired = {} if plan is None else {pool.name: pool.desired_capacity for pool in plan.pools}
    return FleetMinute(
        work=work,
        pools=tuple(
            PoolMinute(
                name=pool.name,
                in_service_capacity=pool.in_service_capacity,
                billed_capacity=pool.billed_capacity,
                desired_capacity=desired.get(pool.name, pool.desired_capacity),
            )
            for pool in before
        ),
        plan=plan,
        error=error,
        failed_calls=0 if plan is None else _failed_calls(answer),
    )


def _read(answer: Mapping[str, Any] | None) -> tuple[Plan | None, str]:
    """Return the plan in a handler's answer, or how the handler failed."""
    if answer is None:
        return None, "its schedule did not fire"
    if "errorMessage" in answer:
        return None, str(answer["errorMessage"])
    document = {key: value for key, value in answer.items() if key != "applied"}
    try:
        return Plan.from_json(document), ""
    except ValueError as error:
        return None, f"its answer is no plan: {error}: {json.dumps(answer)[:200]}"


def _failed_calls(answer: Mapping[str, Any] | None) -> int:
    return int((answer or {}).get("applied", {}).get("failed_calls", 0))
