"""Policies by name, with a setting after a colon: `target-tracking:0.7`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from peakfleet_planner import PoolSpec, ServiceLevelSpec
from peakfleet_sim.demand import DemandError
from peakfleet_sim.policies import (
    KEEP_MINUTES,
    NODE_KEEP_MINUTES,
    Hpa,
    LazyCapacityProvisioning,
    PeakfleetPolicy,
    Policy,
    Predictive,
    StepScaling,
    TargetTracking,
)
from peakfleet_sim.replay.comparison import Comparison
from peakfleet_sim.replay.replay import Run
from peakfleet_sim.replay.verdict import settings_between
from peakfleet_sim.world import Scenario

_TARGET: Final = "use of an instance that is aimed at"

_TARGETS: Final = tuple(settings_between(0.03, 1.0))
_PENALTIES: Final = tuple(settings_between(2000.0, 1.0))
_COSTS: Final = tuple(settings_between(1000.0, 1.0, count=16))
"""Few, because the production decision is replayed as a whole."""

_Maker = Callable[[Comparison, float], Policy | PeakfleetPolicy]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """A policy that can be asked for by name.

    Args:
        name: The name.
        about: What it is, in a few words.
        policy: Makes a new one for a comparison, at a setting; None for perfect foresight, which
            decides nothing as it goes.
        setting: What the number after the colon is; empty if it takes none.
        default: Its default; None if that follows from the world.
        most_setting: The largest that can be meant. Default: 1, the whole of an instance.
        searched: Settings among which its best is searched for, service getting better from one
            to the next. Default: uses of an instance, from the whole down to 3 %.
        sees_at_once: Whether it reads its metric from the source instead of CloudWatch, so
            that a fair comparison gives it no metric delay.
        least_instances: Instances that it always keeps, whatever the world's minimum.
    """

    name: str
    about: str
    policy: _Maker | None
    setting: str = _TARGET
    default: float | None = 0.7
    most_setting: float = 1.0
    searched: Sequence[float] = _TARGETS
    sees_at_once: bool = False
    least_instances: int = 0

    @property
    def takes_setting(self) -> bool:
        """Whether a number may follow."""
        return bool(self.setting)


KINDS: Final = {
    kind.name: kind
    for kind in (
        PolicyKind(
            name="peakfleet",
            about="the production decision",
            policy=lambda comparison, cost: comparison.peakfleet_policy(
                service_level=ServiceLevelSpec(unserved_cost=cost)
            ),
            setting="unserved cost that it plans with",
            default=None,
            most_setting=inf,
            searched=_COSTS,
        ),
        PolicyKind(
            name="target-tracking",
            about="EC2 Auto Scaling, 1-minute metric",
            policy=lambda comparison, target: TargetTracking(gauge=comparison.gauge, target=target),
            least_instances=1,
        ),
        PolicyKind(
            name="target-tracking-10s",
            about="EC2 Auto Scaling, 10-second metric",
            policy=lambda comparison, target: TargetTracking(
                gauge=comparison.gauge, target=target, out_points=1, in_points=3
            ),
            sees_at_once=True,
            least_instances=1,
        ),
        PolicyKind(
            name="step",
            about="EC2 Auto Scaling, steps of 10 % and 30 %",
            policy=lambda comparison, threshold: StepScaling(
                gauge=comparison.gauge, threshold=threshold
            ),
            setting="use of an instance above which it scales out",
            least_instances=1,
        ),
        PolicyKind(
            name="hpa",
            about="Kubernetes, nodes leave with their pods",
            policy=lambda comparison, target: Hpa(gauge=comparison.gauge, target=target),
            sees_at_once=True,
            least_instances=1,
        ),
        PolicyKind(
            name="hpa-ca",
            about="Kubernetes, the Cluster Autoscaler keeps nodes 10 minutes",
            policy=lambda comparison, target: Hpa(
                gauge=comparison.gauge,
                target=target,
                keep_minutes=KEEP_MINUTES + NODE_KEEP_MINUTES,
            ),
            sees_at_once=True,
            least_instances=1,
        ),
        PolicyKind(
            name="keda",
            about="Kubernetes, down to zero",
            policy=lambda comparison, target: Hpa(
                gauge=comparison.gauge, target=target, to_zero=True
            ),
            sees_at_once=True,
        ),
        PolicyKind(
            name="predictive",
            about="EC2 Auto Scaling, hourly forecast and target tracking",
            policy=lambda comparison, target: Predictive(gauge=comparison.gauge, target=target),
            least_instances=1,
        ),
        PolicyKind(
            name="lcp",
            about="Lazy Capacity Provisioning",
            policy=lambda comparison, penalty: LazyCapacityProvisioning(
                gauge=comparison.gauge, world=comparison.world, penalty=penalty
            ),
            setting="instance-minutes that an unserved one is taken to cost",
            default=None,
            most_setting=inf,
            searched=_PENALTIES,
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

    def __reduce__(self) -> tuple[Callable[[str], Choice], tuple[str]]:
        """Go to another process by name: what makes policies stays here."""
        return choose, (self.asked,)

    def run(
        self,
        comparison: Comparison,
        *,
        own_delays: bool = False,
        pools: Sequence[PoolSpec] | None = None,
        scenario: Scenario | None = None,
        seed: int = 0,
    ) -> Run:
        """Replay it.

        Args:
            comparison: Demand, physics and kind of work.
            own_delays: As in `comparison_of`.
            pools: As in `replay`; perfect foresight has one group.
            scenario: As in `replay`; perfect foresight has none.
            seed: As in `replay`.
        """
        comparison = self.comparison_of(comparison, own_delays=own_delays)
        policy = self.policy(comparison)
        if policy is None:
            run = comparison.optimum()
        else:
            run = comparison.replay(policy, pools=pools, scenario=scenario, seed=seed)
        return replace(run, policy=self.asked)

    def at(self, setting: float) -> Choice:
        """Return the same policy at another setting."""
        return replace(self, asked=f"{self.kind.name}:{setting:g}", setting=setting)

    def comparison_of(self, comparison: Comparison, *, own_delays: bool) -> Comparison:
        """Return *comparison* as this policy is given it.

        Args:
            comparison: Demand, physics and kind of work.
            own_delays: Whether a policy that reads its metric from the source sees it without
                the world's metric delay; otherwise there is the same delay for all.
        """
        if not (own_delays and self.kind.sees_at_once):
            return comparison
        return replace(comparison, world=replace(comparison.world, metric_delay_seconds=0.0))

    def policy(self, comparison: Comparison) -> Policy | PeakfleetPolicy | None:
        """Return a new policy for one replay of *comparison*; None for perfect foresight."""
        if self.kind.policy is None:
            return None
        setting = self.setting
        if setting is None:
            setting = self.kind.default
        if setting is None:
            setting = comparison.world.unserved_cost
        return self.kind.policy(comparison, setting)


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
    most = kind.most_setting
    if not 0 < setting <= most or setting == inf:
        limits = "above 0" if most == inf else f"above 0 and at most {most:g}"
        percent = f"; {number} % is {setting / 100:g}" if most < setting <= 100 * most else ""
        raise DemandError(
            f"policy '{name}': its setting, the {kind.setting}, must be {limits}, got "
            f"'{number}'{percent}"
        )
    return Choice(asked=f"{name}:{number}", kind=kind, setting=setting)
