"""What a policy is: it sees the end of a minute, and sizes the pools of a fleet.

Most autoscalers decide on one number (`Policy`); `SpreadPolicy` turns it into sizes of several
pools. The production decision sizes each pool itself (`PeakfleetPolicy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor, isnan
from typing import Final, NamedTuple, Protocol

from peakfleet_planner import Launch, Outage
from peakfleet_sim.demand import Floats
from peakfleet_sim.world import ROUNDING, ZONE, Pools, World

_NO_METRIC: Final = "the metric is missing: keeps its size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What can be known at the end of a minute, beside the state of the pools.

    Args:
        minute: The minute that has just been served.
        now_epoch_seconds: Its end, in seconds since 1970 (UTC).
        metrics: Values per minute up to the newest visible one, by metric id; not a number where
            none was published.
        ready: Instances that served, for the same minutes.
        usable_baseline: Share of the baseline that was left, for the same minutes.
        outages: What was reclaimed at the end of this minute.
    """

    minute: int
    now_epoch_seconds: int
    metrics: dict[str, Floats]
    ready: Floats
    usable_baseline: Floats
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What was decided at the end of a minute.

    Args:
        desired: Instances that each pool was asked to run, in ladder order.
        desired_instances: What was wanted of all pools together, in instances of the first one;
            None for the sum of `desired`.
        explanation: Why, in words.
    """

    desired: tuple[int, ...]
    desired_instances: float | None = None
    explanation: str


class FleetPolicy(Protocol):
    """Something that sizes the pools of a fleet. One object serves one replay."""

    @property
    def name(self) -> str:
        """What it is called in tables and plots."""
        ...

    @property
    def least_instances(self) -> int:
        """Fewest instances it can work with, over all pools."""
        ...

    def size(self, seen: Observation, pools: Pools) -> Sizes:
        """Launch and terminate at the end of a minute, and return what was decided."""
        ...


class Seen(NamedTuple):
    """All that a policy which knows one group may know when it decides.

    Args:
        minute: The minute that has just been served.
        now_epoch_seconds: Its end, in seconds since 1970 (UTC).
        metrics: Values per minute up to the newest visible one, by metric id. Not a number where
            none was published, but never the newest.
        ready: Instances that served, for the same minutes.
        ready_instances: Instances that serve now.
        booting_instances: Instances that boot now.
    """

    minute: int
    now_epoch_seconds: int
    metrics: Mapping[str, Floats]
    ready: Floats
    ready_instances: int
    booting_instances: int

    @property
    def instances(self) -> int:
        """Instances that are paid for."""
        return self.ready_instances + self.booting_instances


class Decision(NamedTuple):
    """What a policy wants, and why.

    Args:
        instances: How many instances; the group keeps them within its bounds.
        explanation: Why, in words.
    """

    instances: int
    explanation: str


class Policy(Protocol):
    """Something that decides how many instances there should be. One object serves one replay."""

    @property
    def name(self) -> str:
        """What it is called in tables and plots."""
        ...

    @property
    def least_instances(self) -> int:
        """Fewest instances it can work with."""
        ...

    def decide(self, seen: Seen) -> Decision:
        """Return how many instances there should be next."""
        ...


@dataclass(slots=True, kw_only=True)
class SpreadPolicy:
    """A policy that decides on one number, above the pools of a fleet.

    It stands for a fleet that fills its pools in order and is sized as usual. The policy sees one
    group and counts in instances of the first pool. They run on the first pool that has room; what
    it cannot supply comes from the next in the same minute, in whole instances, rounded up. A
    reclaimed instance is replaced in the minute of its loss; what no pool can supply is asked for
    again every minute, as an Auto Scaling group does. What runs on a later pool stays there until
    it is no longer needed; scale-in starts at the last pool.

    While the newest visible minute has no metric, the policy is not asked and keeps its size: AWS
    does not scale on missing data, nor does the Horizontal Pod Autoscaler. Predictive scaling would
    go on by its forecast; that is not modelled. The policy is not told of a baseline outage.

    Sources: EC2 Auto Scaling user guide, "Target tracking scaling policies", and of ECS, "Use a
    target metric" (insufficient data); kubernetes/website, "HorizontalPodAutoscaler
    Walkthrough" (`ScalingActive` is false without a metric).

    Args:
        policy: The policy, a new one.
        world: The instance that it counts in; at most so many are wanted.
        kept_instances: What the minima of the pools amount to, in such instances.
    """

    policy: Policy
    world: World
    kept_instances: float
    _desired: int = field(init=False)
    _least: int = field(init=False)

    def __post_init__(self) -> None:
        """Start with the fewest instances."""
        self._desired = self._least = max(self.policy.least_instances, _whole(self.kept_instances))

    @property
    def name(self) -> str:
        """That of the policy."""
        return self.policy.name

    @property
    def least_instances(self) -> int:
        """That of the policy."""
        return self.policy.least_instances

    def size(self, seen: Observation, pools: Pools) -> Sizes:
        """Replace what was lost, ask the policy, spread what it wants."""
        minute, running = seen.minute, pools.running
        if self._desired > running:
            _grow(pools, minute, self._desired)
            running = pools.running
        ready_instances, instances = _whole(pools.ready), _whole(running)
        if _is_blind(seen):
            decision = Decision(instances=instances, explanation=_NO_METRIC)
        else:
            decision = self.policy.decide(
                Seen(
                    minute=minute,
                    now_epoch_seconds=seen.now_epoch_seconds,
                    metrics=seen.metrics,
                    ready=seen.ready,
                    ready_instances=ready_instances,
                    booting_instances=instances - ready_instances,
                )
            )
            if decision.instances == instances:  # what is missing is still wanted
                self._desired = max(self._desired, instances)
            else:
                most = self.world.max_instances
                self._desired = min(max(self._least, decision.instances), most)
            if self._desired != running:
                _grow(pools, minute, self._desired)
                _shrink(pools, minute, self._desired, self._least)
        return Sizes(
            desired=tuple([group.running for group in pools.groups]),
            desired_instances=self._desired,
            explanation=decision.explanation,
        )


def _is_blind(seen: Observation) -> bool:
    """Return whether the newest visible minute has no metric."""
    return any(len(values) and isnan(values[-1]) for values in seen.metrics.values())


def _grow(pools: Pools, minute: int, wanted: int) -> None:
    """Launch what is missing, first pool first."""
    for share, group in zip(pools.shares, pools.groups, strict=True):
        missing = ceil((wanted - pools.running) / share - ROUNDING)
        asked = min(missing, group.spec.max_capacity - group.running)
        if asked > 0:
            group.launch(minute, Launch(zone=ZONE, capacity=asked))


def _shrink(pools: Pools, minute: int, wanted: int, least: int) -> None:
    """Terminate what is too much and serves, last pool first."""
    for share, group in zip(reversed(pools.shares), reversed(pools.groups), strict=True):
        excess = min(pools.running - wanted, pools.ready - least)
        gone = floor(excess / share + ROUNDING)
        if gone > 0:
            group.shrink(minute, max(0, group.running - gone))


def _whole(instances: float) -> int:
    return floor(instances + ROUNDING)
