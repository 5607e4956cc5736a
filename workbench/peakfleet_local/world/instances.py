"""Instances of the world: what each is, how those of a group behave, how one ended."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

Purchase = Literal["on-demand", "spot"]
PURCHASES: tuple[Purchase, ...] = ("on-demand", "spot")
ASLEEP = frozenset({"Warmed:Stopped", "Warmed:Hibernated"})
"""States in which a machine holds no capacity of its zone and costs only its disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One instance of a group.

    Args:
        instance_id: As EC2 knows it.
        group: Name of its Auto Scaling group.
        instance_type: Such as c8g.4xlarge.
        zone: Availability zone.
        weight: Points of desired capacity it counts for.
        purchase: How it was bought.
        launched_at: Epoch seconds of the launch.
        ready_at: Epoch seconds from which it is InService.
        gone_at: Epoch seconds at which its termination ends. Default: it is kept.
        stage: Lifecycle state that something other than time will end, such as
            Pending:Wait. Default: none, its times say its state.
        fails_at: Epoch seconds from which it serves nothing. Default: never.
        template_version: Version of the launch template that it was launched from; empty
            without one.
    """

    instance_id: str
    group: str
    instance_type: str
    zone: str
    weight: int
    purchase: Purchase
    launched_at: float
    ready_at: float
    gone_at: float = inf
    stage: str = ""
    fails_at: float = inf
    template_version: str = ""

    @property
    def leaving(self) -> bool:
        """Whether its termination has begun, or was given up by a hook."""
        return self.gone_at < inf or self.stage.startswith("Terminating")

    @property
    def warm(self) -> bool:
        """Whether it belongs to a warm pool."""
        return self.stage.startswith("Warmed:")

    @property
    def holds_capacity(self) -> bool:
        """Whether it takes up capacity of its zone."""
        return self.stage not in ASLEEP

    @property
    def billed(self) -> bool:
        """Whether its hours cost; one that drains or is retained does, one that is stopped not."""
        return self.gone_at == inf and self.holds_capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the machines of a group behave. What they do at launch is settled at launch.

    Args:
        becomes_ready: Whether the boot ever ends. Without a launch hook one that does not
            becomes InService and serves nothing, and is unhealthy after the grace period.
            Default: it does.
        fails_after_seconds: How long it serves before it fails. Default: for ever.
        drain_seconds: How long it works on after it was told to leave, if a terminate hook
            lets it; it is busy until then. Default: 0.
        heartbeat_seconds: How often it says meanwhile that it still works. Default: 60.
        answers_drain: Whether it answers a terminate hook at all. Default: it does.
    """

    becomes_ready: bool = True
    fails_after_seconds: float = inf
    drain_seconds: float = 0.0
    heartbeat_seconds: float = 60.0
    answers_drain: bool = True

    def __post_init__(self) -> None:
        """Refuse times that would stand still."""
        if min(self.fails_after_seconds, self.drain_seconds) < 0 or self.heartbeat_seconds <= 0:
            raise ValueError(f"times must not be negative and heartbeats be apart: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a machine ended.

    Args:
        instance_id: As EC2 knew it.
        group: Name of its Auto Scaling group.
        purchase: How it was bought.
        zone: Availability zone.
        ended_at: Epoch seconds.
        cause: Why.
        busy: Whether it was ended with work in hand, which is lost.
    """

    instance_id: str
    group: str
    purchase: Purchase
    zone: str
    ended_at: float
    cause: str
    busy: bool


class InstanceProfiles:
    """How the machines of each group behave and how long they take, known before it exists.

    Args:
        boot_seconds: From launch to InService, of groups without their own.
        warm_start_seconds: From a warm pool to InService, of groups without their own.
    """

    def __init__(self, *, boot_seconds: float, warm_start_seconds: float) -> None:
        self.boot_seconds = boot_seconds
        self.warm_start_seconds = warm_start_seconds
        self._boot_of: dict[str, float] = {}
        self._warm_start_of: dict[str, float] = {}
        self._behaviours: dict[str, Behaviour] = {}

    def set_boot_seconds(self, *, group: str, seconds: float) -> None:
        """Give one group its own boot time.

        Args:
            group: Name of the group, which may not exist yet.
            seconds: From launch to InService.
        """
        self._boot_of[group] = float(seconds)

    def boot_seconds_of(self, group: str) -> float:
        """Seconds from launch to InService in a group."""
        return self._boot_of.get(group, self.boot_seconds)

    def set_warm_start_seconds(self, *, group: str, seconds: float) -> None:
        """Give one group its own time to start a machine of its warm pool.

        Args:
            group: Name of the group, which may not exist yet.
            seconds: From the warm pool to InService.
        """
        self._warm_start_of[group] = float(seconds)

    def warm_start_seconds_of(self, group: str) -> float:
        """Seconds from the warm pool to InService in a group."""
        return self._warm_start_of.get(group, self.warm_start_seconds)

    def set_behaviour(self, group: str, behaviour: Behaviour) -> None:
        """Say how the machines of a group behave from now on.

        Args:
            group: Name of the group, which may not exist yet.
            behaviour: How machines boot that are launched from now on, and how any of them
                drains. `Behaviour()` makes them well again.
        """
        self._behaviours[group] = behaviour

    def behaviour_of(self, group: str) -> Behaviour:
        """How the machines of a group behave."""
        return self._behaviours.get(group) or Behaviour()
