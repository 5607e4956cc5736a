"""What the figures say, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peakfleet_sim.replay import OPTIMUM, Outcome

OURS: Final = "peakfleet"
TRACKING: Final = "target-tracking"
HOW_SCORED: Final = (
    "Instance-hours count every paid minute, the boot included. Unserved burst is the work "
    "above the baseline that nobody did in time. A minute missed if more than 1 % of its burst "
    "was unserved. The score is instance-minutes plus the stated price of unserved work, over "
    "the same of perfect foresight: 1.000 cannot be beaten."
)

NARROW: Final = "\N{NARROW NO-BREAK SPACE}"

_SAME_PERCENT: Final = 0.5


def policy(name: str) -> str:
    """Return a policy's name for people.

    >>> policy("target-tracking:0.7")
    'AWS target tracking at 70 %'
    """
    kind, _, setting = name.partition(":")
    if kind == TRACKING:
        return f"AWS target tracking at {float(setting):.0%}".replace("%", " %")
    return {OURS: "Peakfleet", OPTIMUM: "Perfect foresight"}.get(name, name)


def headline(fleets: Sequence[Sequence[Outcome]], *, peak: bool = True) -> str:
    """Return what a manager wants to know first.

    Args:
        fleets: What each policy came to, by fleet.
        peak: Whether demand changes at all. Default: true.
    """
    ours = _of(fleets, OURS)
    if not peak:
        return "Demand never changes: there is no peak to compare policies on"
    if not ours:
        return "What the fleets did"
    if not any(outcome.burst_units for outcome in ours):
        return "Demand never rises above the baseline: nothing had to be served in AWS"
    at_least = "at least " if len(ours) > 1 else ""
    served = f"Peakfleet served {at_least}{_served(ours)} of the burst"
    tracking = _of(fleets, TRACKING)
    if len(tracking) != len(ours):
        return f"{served}."
    against = _against(_cost(ours), _cost(tracking))
    return f"{served} for {against} target tracking, which served {at_least}{_served(tracking)}."


def figures(fleets: Sequence[Sequence[Outcome]]) -> list[tuple[str, str]]:
    """Return the few numbers that the page begins with, each with its label."""
    ours, tracking, best = (_of(fleets, name) for name in (OURS, TRACKING, OPTIMUM))
    if not ours:
        return []
    hours = sum(outcome.instance_minutes for outcome in ours) / 60
    shown = [(f"{hours:,.0f}", "instance-hours paid for in AWS")]
    if all(outcome.usd is not None for outcome in ours):
        shown.append((f"${sum(outcome.usd or 0.0 for outcome in ours):,.2f}", "paid for them"))
    worst = max(outcome.unserved_percent for outcome in ours)
    shown.append((f"{worst:.2f} %", "of the burst unserved" + _in_worst(ours)))
    if len(tracking) == len(ours):
        worst = max(outcome.unserved_percent for outcome in tracking)
        change = _percent(_cost(ours), _cost(tracking))
        shown.append((f"{change:+.0f} %", f"cost against target tracking ({worst:.2f} % unserved)"))
    if len(best) == len(ours) and _cost(best):
        change = _percent(_cost(ours), _cost(best))
        shown.append((f"{change:+.0f} %", "cost against perfect foresight"))
    return shown


def fleet_sentence(outcomes: Sequence[Outcome], *, waits: bool) -> str:
    """Return what there is to say on one fleet."""
    ours, tracking = (_of([outcomes], name) for name in (OURS, TRACKING))
    said = ""
    if ours:
        said = (
            f"{ours[0].instance_minutes / 60:,.1f} instance-hours, "
            f"{ours[0].unserved_percent:.2f} % of the burst unserved"
        )
    if ours and tracking:
        said += (
            f"; target tracking paid for {tracking[0].instance_minutes / 60:,.1f} and left "
            f"{tracking[0].unserved_percent:.2f} % unserved"
        )
    queue = "Work above the capacity waits in the queue and counts as unserved once it is late."
    return " ".join(filter(None, (f"{said}." if said else "", queue if waits else "")))


def _of(fleets: Sequence[Sequence[Outcome]], kind: str) -> list[Outcome]:
    """Return the first outcome of a kind of policy in each fleet."""
    found = []
    for outcomes in fleets:
        found += [o for o in outcomes if o.policy.partition(":")[0] == kind][:1]
    return found


def _cost(outcomes: Sequence[Outcome]) -> float:
    """Return dollars where all are known, else instance-minutes."""
    dollars = [outcome.usd for outcome in outcomes if outcome.usd is not None]
    if len(dollars) == len(outcomes):
        return sum(dollars)
    return sum(outcome.instance_minutes for outcome in outcomes)


def _served(outcomes: Sequence[Outcome]) -> str:
    worst = min(100 - outcome.unserved_percent for outcome in outcomes)
    return f"{worst:.1f}{NARROW}%"


def _percent(cost: float, other: float) -> float:
    return 100 * (cost / other - 1) if other else 0.0


def _against(cost: float, other: float) -> str:
    change = _percent(cost, other)
    if abs(change) < _SAME_PERCENT:
        return "as much as AWS"
    return f"{abs(change):.0f}{NARROW}% {'more' if change > 0 else 'less'} than AWS"


def _in_worst(outcomes: Sequence[Outcome]) -> str:
    return " in the worst fleet" if len(outcomes) > 1 else ""
