"""Policies by name, with a setting after a colon: `target-tracking:0.7`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from peakfleet_planner import ServiceLevelSpec
from peakfleet_sim.errors import DemandError
from peakfleet_sim.policies import (
    KEEP_MINUTES,
    NODE_KEEP_MINUTES,
    Hpa,
    LazyCapacityProvisioning,
    Predictive,
    StepScaling,
    TargetTracking,
)
from peakfleet_sim.replay.comparison import Contest
from peakfleet_sim.replay.replay import Run
from peakfleet_sim.world import Policy

_TARGET: Final = "use of an instance that is aimed at"

_Maker = Callable[[Contest, float], Policy]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """A policy that can be asked for by name.

    Args:
        name: The name.
        about: What it is, in a few words.
        policy: Makes a new one for a contest, at a setting; None for perfect foresight, which
            decides nothing as it goes.
        setting: What the number after the colon is; empty if it takes none.
        default: Its default; None if that follows from the world.
        sees_at_once: Whether it reads its metric from the source instead of CloudWatch, so
            that a fair comparison gives it no metric delay.
        least_instances: Instances that it always keeps, whatever the world's minimum.
    """

    name: str
    about: str
    policy: _Maker | None
    setting: str = _TARGET
    default: float | None = 0.7
    sees_at_once: bool = False
    least_instances: int = 0

    @property
    def takes_setting(self) -> bool:
        """Whether a number may follow."""
        return bool(self.setting)


def _tracking(contest: Contest, target: float) -> Policy:
    return TargetTracking(gauge=contest.gauge, target=target)


def _tracking_10s(contest: Contest, target: float) -> Policy:
    return TargetTracking(gauge=contest.gauge, target=target, out_points=1, in_points=3)


def _step(contest: Contest, threshold: float) -> Policy:
    return StepScaling(gauge=contest.gauge, threshold=threshold)


def _hpa(contest: Contest, target: float) -> Policy:
    return Hpa(gauge=contest.gauge, target=target)


def _hpa_ca(contest: Contest, target: float) -> Policy:
    keep = KEEP_MINUTES + NODE_KEEP_MINUTES
    return Hpa(gauge=contest.gauge, target=target, keep_minutes=keep)


def _keda(contest: Contest, target: float) -> Policy:
    return Hpa(gauge=contest.gauge, target=target, to_zero=True)


def _predictive(contest: Contest, target: float) -> Policy:
    return Predictive(gauge=contest.gauge, target=target)


def _lcp(contest: Contest, penalty: float) -> Policy:
    return LazyCapacityProvisioning(gauge=contest.gauge, world=contest.world, penalty=penalty)


def _peakfleet(contest: Contest, unserved_cost: float) -> Policy:
    return contest.peakfleet_policy(service_level=ServiceLevelSpec(unserved_cost=unserved_cost))


KINDS: Final = {
    kind.name: kind
    for kind in (
        PolicyKind(
            name="peakfleet",
            about="the production decision",
            policy=_peakfleet,
            setting="unserved cost that it plans with",
            default=None,
        ),
        PolicyKind(
            name="target-tracking",
            about="EC2 Auto Scaling, 1-minute metric",
            policy=_tracking,
            least_instances=1,
        ),
        PolicyKind(
            name="target-tracking-10s",
            about="EC2 Auto Scaling, 10-second metric",
            policy=_tracking_10s,
            sees_at_once=True,
            least_instances=1,
        ),
        PolicyKind(
            name="step",
            about="EC2 Auto Scaling, steps of 10 % and 30 %",
            policy=_step,
            setting="use of an instance above which it scales out",
            least_instances=1,
        ),
        PolicyKind(
            name="hpa",
            about="Kubernetes, nodes leave with their pods",
            policy=_hpa,
            sees_at_once=True,
            least_instances=1,
        ),
        PolicyKind(
            name="hpa-ca",
            about="Kubernetes, the Cluster Autoscaler keeps nodes 10 minutes",
            policy=_hpa_ca,
            sees_at_once=True,
            least_instances=1,
        ),
        PolicyKind(
            name="keda",
            about="Kubernetes, down to zero",
            policy=_keda,
            sees_at_once=True,
        ),
        PolicyKind(
            name="predictive",
            about="EC2 Auto Scaling, hourly forecast and target tracking",
            policy=_predictive,
            least_instances=1,
        ),
        PolicyKind(
            name="lcp",
            about="Lazy Capacity Provisioning",
            policy=_lcp,
            setting="instance-minutes that an unserved one is taken to cost",
            default=None,
        ),
        PolicyKind(
            name="optimum",
            about="perfect foresight",
            policy=None,
            setting="",
            default=None,
        ),
    )
}
"""Every policy, by name, in the order in which they are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A policy and its setting, as asked for.

    Args:
        asked: What was asked for: `keda:0.9`.
        kind: The policy.
        setting: The number after the colon; None for the default.
    """

    asked: str
    kind: PolicyKind
    setting: float | None = None

    def run(self, contest: Contest, *, own_delays: bool = False) -> Run:
        """Replay it as one group.

        Args:
            contest: Demand, physics and kind of work.
            own_delays: As in `contest_of`.
        """
        contest = self.contest_of(contest, own_delays=own_delays)
        policy = self.policy(contest)
        run = contest.optimum() if policy is None else contest.replay(policy)
        return replace(run, policy=self.asked)

    def contest_of(self, contest: Contest, *, own_delays: bool) -> Contest:
        """Return *contest* as this policy is given it.

        Args:
            contest: Demand, physics and kind of work.
            own_delays: Whether a policy that reads its metric from the source sees it without
                the world's metric delay; otherwise there is the same delay for all.
        """
        if not (own_delays and self.kind.sees_at_once):
            return contest
        return replace(contest, world=replace(contest.world, metric_delay_seconds=0.0))

    def policy(self, contest: Contest) -> Policy | None:
        """Return a new policy for one replay of *contest*; None for perfect foresight."""
        if self.kind.policy is None:
            return None
        setting = self.setting
        if setting is None:
            setting = self.kind.default
        if setting is None:
            setting = contest.world.unserved_cost
        return self.kind.policy(contest, setting)


def choose(text: str) -> Choice:
    """Return the policy that *text* names.

    >>> choose("keda:0.9").setting
    0.9

    Raises:
        DemandError: There is no such policy, or it takes no such setting.
    """
    name, colon, number = text.strip().partition(":")
    kind = KINDS.get(name)
    if kind is None:
        raise DemandError(f"policy '{name}' is not known; known are {', '.join(KINDS)}")
    if not colon:
        return Choice(asked=name, kind=kind)
    if not kind.takes_setting:
        raise DemandError(f"policy '{name}' takes no setting, got '{number}'")
    try:
        setting = float(number)
    except ValueError:
        setting = float("nan")
    if not 0 < setting < float("inf"):
        raise DemandError(
            f"policy '{name}': its setting, the {kind.setting}, must be above 0, got '{number}'"
        )
    return Choice(asked=f"{name}:{number}", kind=kind, setting=setting)
