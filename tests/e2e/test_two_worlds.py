"""The simulator's groups and AWS's, through the adapter of the tick, answer alike.

Each case runs against both, so that neither can drift away from the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol

import numpy as np
import pytest

from peakfleet_handlers.aws import Calls, Clients, Deadline, Launcher, Resize, read_pools, resize
from peakfleet_planner import Answer, Launch, OutageCause, PoolReading, PoolSpec, Refusal
from peakfleet_sim.world import ZONE, Instances, PoolScenario, SimulatedGroup
from tests.handlers.account import BOOT_SECONDS, ZONES, Account, opened
from tests.handlers.scenes import NOW

BOOT_MINUTES = -(-BOOT_SECONDS // 60)
POOL = PoolSpec(
    name="Graviton",
    group="g",
    units_per_capacity=10,
    max_capacity=10,
    boot_seconds=BOOT_SECONDS,
    instance_types=("c7g.large",),
    launch="direct",
)


class TwoSided(Protocol):
    """One group in one zone, of which only so many instances can be had."""

    def limit(self, instances: int) -> None:
        """Say how many there may be from now on."""

    def ask(self, capacity: int) -> Answer:
        """Ask for capacity."""

    def shrink(self, desired: int) -> None:
        """Let go."""

    def wait(self, minutes: int) -> None:
        """Let time pass."""

    def reading(self) -> PoolReading:
        """Read the group as a tick does."""


@dataclass(slots=True, kw_only=True)
class Simulated:
    """The simulator's side."""

    minute: int = 0
    limits: np.ndarray[tuple[int], np.dtype[np.int64]] = field(
        default_factory=lambda: np.full(500, 99, dtype=np.int64)
    )
    group: SimulatedGroup = field(init=False)

    def __post_init__(self) -> None:
        self.group = SimulatedGroup(
            spec=POOL,
            instances=Instances(boot_minutes=BOOT_MINUTES, min_instances=0, max_instances=10),
            scenario=PoolScenario(available=self.limits),
            random=Random(0),
        )

    def limit(self, instances: int) -> None:
        self.limits[self.minute :] = instances

    def ask(self, capacity: int) -> Answer:
        return self.group.launch(self.minute, Launch(zone=ZONE, capacity=capacity))

    def shrink(self, desired: int) -> None:
        self.group.shrink(self.minute, desired)

    def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.minute += 1
            self.group.instances.begin(self.minute)

    def reading(self) -> PoolReading:
        return self.group.reading(self.minute, NOW + 60 * self.minute)


@dataclass(slots=True, kw_only=True)
class OnAws:
    """The tick's side, on moto under the laws of a world."""

    account: Account
    clients: Clients = field(default_factory=Clients)
    calls: Calls = field(default_factory=lambda: Calls(deadline=Deadline.of(None)))
    ticks: int = 0

    def limit(self, instances: int) -> None:
        self.account.world.limit_capacity(
            instance_type="c7g.large", zone=ZONES[0], instances=instances
        )

    def ask(self, capacity: int) -> Answer:
        self.ticks += 1
        launcher = Launcher(
            fleet="F",
            tick=NOW + self.ticks,
            autoscaling=self.clients.autoscaling,
            calls=self.calls,
        )
        return launcher.ask(POOL, Launch(zone=ZONES[0], capacity=capacity))

    def shrink(self, desired: int) -> None:
        change = Resize(pool=POOL.name, group="g", capacity=desired, grows=False, direct=True)
        resize([change], autoscaling=self.clients.autoscaling, calls=self.calls)

    def wait(self, minutes: int) -> None:
        self.account.world.advance(60 * minutes)

    def reading(self) -> PoolReading:
        (read,) = read_pools((POOL,), autoscaling=self.clients.autoscaling, calls=self.calls)
        assert not self.calls.failed
        return replace(read, zones={ZONE: read.zones[ZONES[0]]}, serving=frozenset())


@pytest.fixture(params=["simulated", "aws"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoSided]:
    """Yield each side in turn."""
    if request.param == "simulated":
        yield Simulated()
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with ExitStack() as stack:
        yield OnAws(account=stack.enter_context(opened()))


def refusal() -> Refusal:
    return Refusal(cause=OutageCause.NO_CAPACITY, instance_types=POOL.instance_types)


def test_what_can_be_had_is_launched_at_once(world: TwoSided) -> None:
    assert world.ask(4) == Answer(capacity=4)
    read = world.reading()
    assert (read.desired_capacity, read.booting_capacity, read.in_service_capacity) == (4, 4, 0)
    assert read.zones == {ZONE: 4}


def test_what_boots_serves_after_its_boot_time_and_not_before(world: TwoSided) -> None:
    world.ask(4)
    world.wait(BOOT_MINUTES - 1)
    assert world.reading().in_service_capacity == 0
    world.wait(2)
    read = world.reading()
    assert (read.in_service_capacity, read.booting_capacity) == (4, 0)


def test_what_cannot_be_had_is_refused_and_not_desired(world: TwoSided) -> None:
    world.limit(3)
    assert world.ask(5) == Answer(capacity=3, refusals=(refusal(),))
    assert world.reading().desired_capacity == 3
    assert world.ask(1) == Answer(capacity=0, refusals=(refusal(),))
    assert world.reading().desired_capacity == 3


def test_nothing_floods_in_when_capacity_returns(world: TwoSided) -> None:
    world.limit(0)
    world.ask(5)
    world.limit(99)
    world.wait(30)
    assert world.reading().desired_capacity == 0
    assert world.ask(5) == Answer(capacity=5)


def test_what_is_let_go_is_gone_at_once_from_what_is_desired(world: TwoSided) -> None:
    world.ask(6)
    world.wait(BOOT_MINUTES + 1)
    world.shrink(2)
    read = world.reading()
    assert (read.desired_capacity, read.in_service_capacity) == (2, 2)


def test_what_was_let_go_makes_room_for_others(world: TwoSided) -> None:
    world.limit(4)
    world.ask(4)
    world.wait(BOOT_MINUTES + 1)
    world.shrink(1)
    world.wait(5)
    assert world.ask(3) == Answer(capacity=3)
