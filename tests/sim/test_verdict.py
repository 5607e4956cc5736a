"""Cost at equal service, service at equal cost: found, fair, and the same for all fleets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_sim import Demand, Outcome, Run, World
from peakfleet_sim.replay import (
    Rival,
    choose,
    find_ours,
    find_rival,
    missed_because,
    service_sentence,
    verdict_of,
)

BURST = 1000.0
SETTINGS = tuple(map(float, range(64)))


def outcome(missed: float, paid: float, policy: str = "peakfleet") -> Outcome:
    return Outcome(
        policy=policy,
        instance_minutes=paid,
        burst_units=BURST,
        unserved_units=missed,
        violation_minutes=0,
        cost_ratio=None,
        score=None,
    )


class Frontier:
    """A policy whose service gets better, and dearer, from setting to setting."""

    def __init__(self, steps: list[tuple[float, float]]) -> None:
        self.outcomes: list[Outcome] = []
        missed, paid = BURST, 1.0
        for less, more in steps:
            missed, paid = missed * less, paid + more
            self.outcomes.append(outcome(missed, paid, "rival"))
        self.runs: list[int] = []

    def at(self, setting: float) -> Outcome:
        self.runs.append(int(setting))
        return self.outcomes[int(setting)]


frontiers = st.lists(
    st.tuples(st.floats(0.5, 1), st.floats(0.1, 50)), min_size=64, max_size=64
).map(Frontier)
ours_found = st.builds(outcome, st.floats(0, BURST), st.floats(1, 2000))


@given(frontiers, ours_found)
def test_a_rival_is_shown_at_its_own_best_setting_with_few_runs(
    rival: Frontier, ours: Outcome
) -> None:
    found = find_rival(ours, rival.outcomes[0], rival.at, SETTINGS)

    most = ours.unserved_units + 1e-9 * BURST
    serving = [one for one in rival.outcomes if one.unserved_units <= most]
    paying = [one for one in rival.outcomes if one.instance_minutes <= ours.instance_minutes]
    if serving:
        assert found.same_service is not None
        assert found.same_service.cost == min(one.cost for one in serving)
    else:
        assert found.same_service is None
    if paying:
        assert found.same_cost is not None
        assert found.same_cost.unserved_units == min(one.unserved_units for one in paying)
    else:
        assert found.same_cost is None
    assert len(rival.runs) == len(set(rival.runs)) <= 14


@given(frontiers, ours_found)
def test_ours_at_the_rivals_service_misses_no_more_than_the_rival(
    ours: Frontier, usual: Outcome
) -> None:
    found = find_ours(ours.outcomes[0], usual, ours.at, SETTINGS)

    most = usual.unserved_units + 1e-9 * BURST
    serving = [one for one in ours.outcomes if one.unserved_units <= most]
    assert (found is not None) == bool(serving)
    if found:
        assert found.cost == min(one.cost for one in serving)


def test_a_verdict_over_fleets_counts_dollars_only_where_all_are_known() -> None:
    ours, theirs = outcome(10, 100), outcome(10, 200, "target-tracking:0.5")
    priced = [
        (
            replace(ours, usd=1.0),
            Rival(usual=theirs, same_service=replace(theirs, usd=4.0), same_cost=theirs),
        )
    ]
    plain = [(ours, Rival(usual=theirs, same_service=theirs, same_cost=None))]

    assert verdict_of(priced).cost_ratio == pytest.approx(0.25)
    both = verdict_of([*priced, *plain])
    assert both.cost_ratio == pytest.approx(0.5)
    assert both.rival_missed_percent is None
    assert both.policy == "target-tracking"


def test_fleets_in_which_the_rival_never_serves_as_well_do_not_count_for_its_cost() -> None:
    ours, theirs = outcome(10, 100), outcome(20, 200, "keda:0.9")
    known = Rival(usual=theirs, same_service=theirs, same_cost=theirs)
    found = verdict_of([(ours, known), (ours, replace(known, same_service=None))])

    assert (found.matched, found.fleets) == (1, 2)
    assert found.cost_ratio == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["target-tracking", "keda", "lcp", "peakfleet"])
def test_the_settings_searched_are_settings_that_may_be_asked_for(name: str) -> None:
    choice = choose(name)

    assert all(choose(choice.at(one).asked).setting == one for one in choice.kind.searched)


def run_missing(burst: list[float], missed: list[float], *, boot_seconds: float, most: int) -> Run:
    units, nothing = np.array(burst), np.zeros(len(burst))
    return Run(
        policy="peakfleet",
        demand=Demand(name="d", start=datetime(2026, 3, 2, tzinfo=UTC), units=units),
        world=World(max_instances=most, boot_seconds=boot_seconds),
        desired_instances=nothing,
        ready_instances=nothing,
        billed_instances=nothing,
        burst_units=units,
        unserved_units=np.array(missed),
        due_units=units,
        explanations=(),
    )


@pytest.mark.parametrize(
    ("missed", "most", "reason"),
    [
        ([0.0] * 60 + [40.0] + [0.0] * 59, 100, "the boot time"),
        ([0.0] * 60 + [30.0] * 60, 20, "the maximum"),
        ([0.0] * 100 + [30.0] * 20, 100, "the forecast"),
    ],
)
def test_what_keeps_a_run_from_the_asked_service_is_named(
    missed: list[float], most: int, reason: str
) -> None:
    burst = [10.0] * 60 + [50.0] * 60
    run = run_missing(burst, missed, boot_seconds=180, most=most)
    shares = missed_because(run)

    assert sum(shares.values()) == pytest.approx(sum(missed) / sum(burst))
    assert max(shares, key=lambda name: shares[name]) == reason
    assert f"limited by {reason}" in service_sentence(run, asked=0.001)
    assert "limited" not in service_sentence(run, asked=sum(missed) / sum(burst))


def test_less_missed_than_asked_is_put_down_to_the_step() -> None:
    run = run_missing([10.0] * 60, [0.0] * 60, boot_seconds=180, most=100)

    assert "limited by the step, an instance is 10 % of the mean burst" in service_sentence(
        run, asked=0.01
    )
