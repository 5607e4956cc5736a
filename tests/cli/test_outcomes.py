from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rich.console import Console

from peakfleet_demo.demo import FleetOutcome, compare, report
from tests.cli.replayed import FLEETS, JOBS, LIVE, night


@pytest.fixture(scope="module")
def outcomes() -> list[FleetOutcome]:
    peak, minutes = night()
    return [compare(spec, peak, minutes) for spec in FLEETS]


def test_all_policies_meet_the_same_burst(outcomes: list[FleetOutcome]) -> None:
    for outcome in outcomes:
        bursts = [one.outcome.burst_units for one in outcome.results]
        assert bursts == pytest.approx([bursts[0]] * 3)
        assert bursts[0] > 0


def test_nobody_is_cheaper_than_perfect_foresight(outcomes: list[FleetOutcome]) -> None:
    for outcome in outcomes:
        ours, theirs, best = (one.outcome.score for one in outcome.results)
        assert best == pytest.approx(1)
        assert ours is not None
        assert theirs is not None
        assert min(ours, theirs) >= 1 - 1e-9


def test_what_is_unserved_is_what_the_scored_minutes_left(outcomes: list[FleetOutcome]) -> None:
    _, minutes = night()

    for outcome in outcomes:
        left = sum(m.fleets[outcome.spec.fleet].work.unserved_units for m in minutes if m.scored)
        assert outcome.peakfleet.outcome.unserved_units == pytest.approx(left)


def test_dollars_are_those_of_each_pool(outcomes: list[FleetOutcome]) -> None:
    _, minutes = night()
    jobs = next(outcome for outcome in outcomes if outcome.spec is JOBS)

    spent = sum(
        pool.billed_capacity * {"GravitonSpot": 0.2, "X86": 0.5}[pool.name] / 60
        for minute in minutes
        if minute.scored
        for pool in minute.fleets[JOBS.fleet].pools
    )
    assert jobs.peakfleet.outcome.usd == pytest.approx(spent)
    assert any(minute.fleets[JOBS.fleet].pools[1].billed_capacity for minute in minutes)


def test_the_others_pay_for_the_ladder_in_its_order(outcomes: list[FleetOutcome]) -> None:
    jobs = next(outcome for outcome in outcomes if outcome.spec is JOBS)
    run = jobs.target_tracking.run
    billed = run.billed_instances[run.demand.history_minutes :]

    first = sum(min(20.0, one) for one in billed)
    second = sum(max(0.0, one - 20) * 16 / 8 for one in billed)
    assert jobs.target_tracking.outcome.usd == pytest.approx((first * 0.2 + second * 0.5) / 60)


def test_without_a_price_there_are_no_dollars_but_a_verdict() -> None:
    peak, minutes = night()
    (only,) = LIVE.pools
    free = replace(LIVE, pools=(replace(only, usd_per_capacity_hour=None),))
    outcome = compare(free, peak, minutes)

    assert [one.outcome.usd for one in outcome.results] == [None] * 3
    assert "AWS target tracking" in report.verdict([outcome])


def test_acts_are_scored_apart_and_led_by_the_same_words() -> None:
    peak, minutes = night()
    (whole,) = peak.acts
    middle = (whole.first_minute + whole.end_minute) // 2
    halves = (replace(whole, end_minute=middle), replace(whole, first_minute=middle))
    parts = [compare(LIVE, peak, minutes, act) for act in halves]
    all_of_it = compare(LIVE, peak, minutes)

    for figure in ("burst_units", "unserved_units", "instance_minutes", "usd"):
        sums = [getattr(one.peakfleet.outcome, figure) for one in parts]
        assert sum(sums) == pytest.approx(getattr(all_of_it.peakfleet.outcome, figure))
    document = report.document([all_of_it], peak, [])
    assert document["verdict"] == report.verdict([all_of_it])
    assert document["acts"][whole.name]["verdict"] == document["verdict"]


def test_the_table_has_every_fleet_and_their_sum(outcomes: list[FleetOutcome]) -> None:
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(report.table(outcomes, "Outcome"))

    lines = captured.get().splitlines()
    for name in ("Media/Live", "Media/Transcode", "all fleets"):
        assert any(name in line and "peakfleet" in line for line in lines)
    assert sum("perfect foresight" in line for line in lines) == 3
    assert max(map(len, lines)) <= 100


def test_the_json_holds_the_figures_and_what_failed(outcomes: list[FleetOutcome]) -> None:
    peak, _ = night()

    document = json.loads(json.dumps(report.document(outcomes, peak, ["x failed"])))

    assert document["problems"] == ["x failed"]
    assert document["scored_from"] == peak.scored_from.isoformat()
    assert document["scored_minutes"] == 180
    ours = document["fleets"]["Media/Live"]["peakfleet"]
    total = document["fleets"]["all fleets"]["peakfleet"]
    jobs = document["fleets"]["Media/Transcode"]["peakfleet"]
    assert total["usd"] == pytest.approx(ours["usd"] + jobs["usd"])
    assert ours["unserved_percent"] == pytest.approx(
        100 * ours["unserved_hours"] / (ours["unserved_hours"] + ours["served_hours"])
    )
