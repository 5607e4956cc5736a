"""What the figures say, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from peakfleet_sim.replay import OPTIMUM, Outcome, Rival, Verdict, verdict_of

OURS: Final = "peakfleet"
TRACKING: Final = "target-tracking"
HOW_SCORED: Final = (
    "Instance-hours count every paid minute, the boot included. The burst is the work above the "
    "baseline; missed is what nobody did in time. A minute was short if more than 1 % of its burst "
    "was missed. At equal service: a policy is run again at its own cheapest setting that misses "
    "no more than Peakfleet, found by halving. At equal cost: at the setting that misses least and "
    "costs no more than Peakfleet. Perfect foresight knows all demand beforehand; nothing is "
    "cheaper at its service."
)

NARROW: Final = "\N{NARROW NO-BREAK SPACE}"

_SAME_PERCENT: Final = 0.5
_FINE_PERCENT: Final = 1.0


def policy(name: str) -> str:
    """Return a policy's name for people.

    >>> policy("target-tracking:0.7")
    'AWS target tracking at 70 %'
    >>> policy("target-tracking")
    'AWS target tracking'
    """
    kind, _, setting = name.partition(":")
    if kind == TRACKING:
        at = f" at {float(setting):.0%}".replace("%", " %") if setting else ""
        return f"AWS target tracking{at}"
    return {OURS: "Peakfleet", OPTIMUM: "Perfect foresight"}.get(name, name)


def main_verdict(
    fleets: Sequence[tuple[Sequence[Outcome], Mapping[str, Rival]]],
) -> Verdict | None:
    """Return ours against the rival that a report leads with; None if there is no such.

    That is target tracking, else the first rival that every fleet has.

    Args:
        fleets: What each policy came to, and the rivals by their names, fleet by fleet.
    """
    ours = [_ours(outcomes) for outcomes, _ in fleets]
    kinds = [[name.partition(":")[0] for name in rivals] for _, rivals in fleets]
    common = [kind for kind in kinds[0] if all(kind in some for some in kinds)] if kinds else []
    if not common or None in ours or not any(one and one.burst_units for one in ours):
        return None
    kind = TRACKING if TRACKING in common else common[0]
    pairs = [
        (one, next(r for name, r in rivals.items() if name.partition(":")[0] == kind))
        for one, (_, rivals) in zip(ours, fleets, strict=True)
        if one is not None
    ]
    return verdict_of(pairs)


def headline(
    fleets: Sequence[tuple[Sequence[Outcome], Mapping[str, Rival]]], *, peak: bool = True
) -> str:
    """Return what a manager wants to know first: cost at equal service, service at equal cost.

    Args:
        fleets: As in `main_verdict`.
        peak: Whether demand changes at all. Default: true.
    """
    ours = [found for outcomes, _ in fleets if (found := _ours(outcomes))]
    if not peak:
        return "Demand never changes: there is no peak to compare policies on"
    if not ours:
        return "What the fleets did"
    if not any(outcome.burst_units for outcome in ours):
        return "Demand never rises above the baseline: nothing had to be served in AWS"
    verdict = main_verdict(fleets)
    if verdict is None:
        missed = max(outcome.unserved_percent for outcome in ours)
        return f"Peakfleet missed {_percent(missed)} of the burst{_in_worst(ours)}."
    return f"{equal_service(verdict)} {equal_cost(verdict)}"


def equal_service(found: Verdict) -> str:
    """Return cost at equal service as a sentence."""
    name = policy(found.policy)
    if found.cost_ratio is None:
        return (
            f"No setting of {name} misses as little of the burst as Peakfleet, "
            f"{_percent(found.missed_percent)}."
        )
    where = ""
    if found.matched < found.fleets:
        where = (
            f" in {found.matched} of {found.fleets} fleets; in the others no setting of it misses "
            "as little"
        )
    return f"At equal service Peakfleet costs {against(found.cost_ratio)} {name}{where}."


def equal_cost(found: Verdict) -> str:
    """Return service at equal cost as a sentence."""
    mean = " on average" if found.fleets > 1 else ""
    ours = f"Peakfleet misses {_percent(found.missed_percent)} of the burst{mean}"
    name = policy(found.policy).removeprefix("AWS ")
    if found.rival_missed_percent is None:
        return f"{ours}; no setting of {name} costs as little{_in_all(found)}."
    return f"At equal cost {ours}, {name} {_percent(found.rival_missed_percent)}."


def against(ratio: float) -> str:
    """Return a cost over another in words.

    >>> against(1.2).replace(NARROW, " "), against(1.001)
    ('20 % more than', 'as much as')
    """
    change = 100 * (ratio - 1)
    if abs(change) < _SAME_PERCENT:
        return "as much as"
    return f"{abs(change):.0f}{NARROW}% {'more' if change > 0 else 'less'} than"


def figures(
    fleets: Sequence[tuple[Sequence[Outcome], Mapping[str, Rival]]],
) -> list[tuple[str, str]]:
    """Return the few numbers that the page begins with, each with its label."""
    ours = [found for outcomes, _ in fleets if (found := _ours(outcomes))]
    if not ours:
        return []
    shown = []
    if verdict := main_verdict(fleets):
        name = policy(verdict.policy).removeprefix("AWS ")
        if verdict.cost_ratio is not None:
            cost_change = f"{100 * (verdict.cost_ratio - 1):+.0f}{NARROW}%"
            shown.append((cost_change, f"cost at equal service, against {name}"))
        if verdict.rival_missed_percent is not None:
            both = f"{_percent(verdict.missed_percent)} : {_percent(verdict.rival_missed_percent)}"
            shown.append((both, f"of the burst missed at equal cost, Peakfleet : {name}"))
    hours = sum(outcome.instance_minutes for outcome in ours) / 60
    shown.append((f"{hours:,.0f}", "instance-hours paid for in AWS"))
    if all(outcome.usd is not None for outcome in ours):
        shown.append((f"${sum(outcome.usd or 0.0 for outcome in ours):,.2f}", "paid for them"))
    short = max(outcome.violation_minutes for outcome in ours)
    shown.append((f"{short:,}", f"minutes short{_in_worst(ours)}"))
    best = [one for outcomes, _ in fleets for one in outcomes if one.policy == OPTIMUM]
    paid = sum(outcome.cost for outcome in best)
    if len(best) == len(ours) and paid:
        change = 100 * (sum(outcome.cost for outcome in ours) / paid - 1)
        shown.append((f"{change:+.0f}{NARROW}%", "cost against perfect foresight"))
    return shown


def fleet_sentence(outcomes: Sequence[Outcome], rivals: Mapping[str, Rival], *, waits: bool) -> str:
    """Return what there is to say on one fleet."""
    said = []
    if found := main_verdict([(outcomes, rivals)]):
        said += [equal_service(found), equal_cost(found)]
    elif ours := _ours(outcomes):
        said.append(
            f"{ours.instance_minutes / 60:,.1f} instance-hours, "
            f"{_percent(ours.unserved_percent)} of the burst missed."
        )
    if waits:
        said.append("Work above the capacity waits in the queue and is missed once it is late.")
    return " ".join(said)


def _ours(outcomes: Sequence[Outcome]) -> Outcome | None:
    return next((one for one in outcomes if one.policy.partition(":")[0] == OURS), None)


def _percent(value: float) -> str:
    """Return a percentage with the digits that tell small ones apart."""
    digits = 1 if value >= _FINE_PERCENT else 2
    return f"{value:.{digits}f}{NARROW}%"


def _in_all(found: Verdict) -> str:
    return " in every fleet" if found.fleets > 1 else ""


def _in_worst(outcomes: Sequence[Outcome]) -> str:
    return " in the worst fleet" if len(outcomes) > 1 else ""
