"""Cost at equal service and service at equal cost: the one figure that every comparison leads with.

A policy that serves less is cheaper, so a rival's cost says nothing at its usual setting. It is run
again at its own best setting: the cheapest at which it misses no more than Peakfleet, and the one
that misses least at no more than Peakfleet's cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from peakfleet_sim.replay.score import Outcome

_SHARE_OF_NOTHING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A policy beside ours, on the same demand and physics.

    Args:
        usual: At the setting that was asked for.
        same_service: At its cheapest setting that misses no more than ours; None if none does.
        same_cost: At the setting that misses least and costs no more than ours; None if none is
            as cheap.
        ours: Ours where it misses no more than `usual`. Default: not searched for.
    """

    usual: Outcome
    same_service: Outcome | None
    same_cost: Outcome | None
    ours: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Ours against one rival, over one fleet or several.

    Args:
        policy: The rival, without its setting.
        fleets: How many fleets.
        matched: In how many of them some setting of the rival misses no more than ours.
        cost_ratio: Our cost over the rival's at equal service, in those; None if there is none.
        missed_percent: What we miss of the burst, the mean over fleets.
        rival_missed_percent: What the rival misses at no more than our cost, over the same fleets;
            None if in a fleet no setting of it is as cheap.
        usual_missed_percent: What the rival misses at the setting that was asked for.
        usual_cost_ratio: Our cost over the rival's at that setting.
    """

    policy: str
    fleets: int
    matched: int
    cost_ratio: float | None
    missed_percent: float
    rival_missed_percent: float | None
    usual_missed_percent: float
    usual_cost_ratio: float | None


def settings_between(most_service: float, least_service: float, *, count: int = 64) -> list[float]:
    """Return settings in equal ratios, service getting better from one to the next.

    >>> [round(one, 3) for one in settings_between(0.25, 1, count=3)]
    [1.0, 0.5, 0.25]
    """
    step = (most_service / least_service) ** (1 / (count - 1))
    return [float(f"{least_service * step**index:.4g}") for index in range(count)]


def find_rival(
    ours: Outcome, usual: Outcome, at: Callable[[float], Outcome], settings: Sequence[float]
) -> Rival:
    """Return a rival at equal service and at equal cost, found by halving.

    Args:
        ours: What we missed and paid.
        usual: The rival at the setting that was asked for.
        at: Runs the rival with a setting.
        settings: What may be set; service must get better, and dearer, from one to the next.
    """
    known: dict[int, Outcome] = {}
    _search(known, at, settings, lambda one: misses_no_more(one, ours))
    _search(known, at, settings, lambda one: one.cost > ours.cost)
    tried = [usual, *known.values()]
    paying = [one for one in tried if one.cost <= ours.cost]
    return Rival(
        usual=usual,
        same_service=_cheapest(tried, ours),
        same_cost=min(paying, key=lambda one: one.unserved_units, default=None),
    )


def most_searched(settings: Sequence[float]) -> int:
    """Return how many runs `find_rival` takes at most."""
    return 2 * len(settings).bit_length()


def find_ours(
    ours: Outcome, usual: Outcome, at: Callable[[float], Outcome], settings: Sequence[float]
) -> Outcome | None:
    """Return ours at the cheapest setting that misses no more than *usual*; None if none does."""
    known: dict[int, Outcome] = {}
    _search(known, at, settings, lambda one: misses_no_more(one, usual))
    return _cheapest([ours, *known.values()], usual)


def misses_no_more(one: Outcome, other: Outcome) -> bool:
    """Return whether *one* missed no more work than *other*, but for rounding."""
    slack = _SHARE_OF_NOTHING * max(1.0, other.burst_units)
    return one.unserved_units <= other.unserved_units + slack


def _cheapest(tried: Sequence[Outcome], other: Outcome) -> Outcome | None:
    serving = [one for one in tried if misses_no_more(one, other)]
    return min(serving, key=lambda one: one.cost, default=None)


def _search(
    known: dict[int, Outcome],
    at: Callable[[float], Outcome],
    settings: Sequence[float],
    holds: Callable[[Outcome], bool],
) -> None:
    """Find the first setting from which on something holds; what was run stays in *known*."""
    low, high = 0, len(settings)
    while low < high:
        middle = (low + high) // 2
        if middle not in known:
            known[middle] = at(settings[middle])
        if holds(known[middle]):
            high = middle
        else:
            low = middle + 1


def verdict_of(pairs: Sequence[tuple[Outcome, Rival]]) -> Verdict:
    """Return ours against the same rival in every fleet.

    Args:
        pairs: Ours and the rival, fleet by fleet; at least one.
    """
    matched = [(ours, one.same_service) for ours, one in pairs if one.same_service]
    cheap = [one.same_cost for _, one in pairs if one.same_cost]
    usual = [one.usual for _, one in pairs]
    return Verdict(
        policy=usual[0].policy.partition(":")[0],
        fleets=len(pairs),
        matched=len(matched),
        cost_ratio=_ratio([o for o, _ in matched], [r for _, r in matched]),
        missed_percent=_mean([ours for ours, _ in pairs]),
        rival_missed_percent=_mean(cheap) if len(cheap) == len(pairs) else None,
        usual_missed_percent=_mean(usual),
        usual_cost_ratio=_ratio([ours for ours, _ in pairs], usual),
    )


def _mean(outcomes: Sequence[Outcome]) -> float:
    return sum(one.unserved_percent for one in outcomes) / len(outcomes)


def _ratio(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> float | None:
    """Return cost over cost, in dollars where all are known."""
    priced = all(one.usd is not None for one in (*ours, *theirs))
    paid, other = (
        sum((one.usd or 0.0) if priced else one.instance_minutes for one in some)
        for some in (ours, theirs)
    )
    return paid / other if other > 0 else None
