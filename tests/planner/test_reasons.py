"""Nothing goes unserved in silence: a plan says what somebody should look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    Hold,
    Memory,
    MetricSeries,
    Plan,
    Reason,
    ReportedBaseline,
    decide,
)
from tests.planner.fleets import NOW, REPORT, fleet, seen, series, snapshot
from tests.planner.one_queue import planned, queue_fleet

SPEC = fleet()
HELD = Memory(hold=Hold(owner="ada", reason="migration", until_epoch_seconds=NOW + 3600))


def said(plan: Plan) -> set[Reason]:
    return {plan.reason, *plan.limits}


@given(demand=st.floats(100, 1e4), serving=st.integers(0, 100))
def test_demand_that_lasts_above_what_serves_is_said(demand: float, serving: int) -> None:
    plan = decide(SPEC, snapshot(SPEC, [demand] * 60, [serving]))
    assert (Reason.UNSERVED in said(plan)) is (demand - 100 > 10 * serving)
    assert (plan.unserved_units > 0) is (demand - 100 > 10 * serving)


@given(minutes=st.integers(1, 7))
def test_demand_that_has_only_just_come_is_no_lasting_trouble(minutes: int) -> None:
    plan = decide(SPEC, snapshot(SPEC, [*[90.0] * 60, *[400.0] * minutes]))
    assert plan.unserved_units == 300
    assert Reason.UNSERVED not in said(plan)


@given(
    minutes=st.integers(1, 40),
    deadline_seconds=st.sampled_from([300, 600, 1200]),
    serving=st.integers(0, 60),
)
def test_queued_work_that_has_been_late_for_five_minutes_is_said(
    minutes: int, deadline_seconds: int, serving: int
) -> None:
    spec = queue_fleet(deadline_seconds=deadline_seconds)
    waiting = [*[0.0] * 40, *[300.0] * minutes]
    plan = planned(spec, waiting, [0.0] * len(waiting), capacity=serving)
    late_seconds = 60 * (minutes - 1) - deadline_seconds
    lasts = late_seconds > 300 and plan.burst_units > serving
    assert (Reason.UNSERVED in said(plan)) is lasts


@given(waits=st.sampled_from([0.0, 60.0]), minutes=st.integers(1, 60), queue_first=st.booleans())
def test_beside_a_queue_that_is_in_time_live_demand_that_lasts_is_said(
    waits: float, minutes: int, *, queue_first: bool
) -> None:
    (live,), (jobs,) = SPEC.signals, queue_fleet(deadline_seconds=3600).signals
    signals = (jobs, live) if queue_first else (live, jobs)
    spec = replace(SPEC, signals=signals, queues_share_workers=True)
    demand = [*[90.0] * 60, *[400.0] * minutes]
    observed = snapshot(spec, demand)
    counts = {"waiting": series([waits] * 60), "in_flight": series([0.0] * 60)}
    plan = decide(spec, replace(observed, signals={**observed.signals, "jobs": counts}))
    alone = decide(SPEC, snapshot(SPEC, demand))
    assert (Reason.UNSERVED in said(plan)) is (Reason.UNSERVED in said(alone))
    assert plan.unserved_units == alone.unserved_units


@given(minutes=st.sampled_from([1, 3, 5, 30]))
def test_demand_that_is_known_for_less_than_a_boot_is_no_lasting_trouble(minutes: int) -> None:
    plan = decide(SPEC, snapshot(SPEC, [400.0] * minutes))
    assert plan.unserved_units == 300
    assert (Reason.UNSERVED in said(plan)) is (60 * minutes > SPEC.lead_seconds)


@given(demand=st.floats(100, 1e4), serving=st.integers(0, 100))
def test_a_hold_that_leaves_demand_unserved_says_so(demand: float, serving: int) -> None:
    plan = decide(SPEC, snapshot(SPEC, [demand] * 60, [serving], memory=HELD))
    assert plan.reason is Reason.HELD
    assert (Reason.HELD_UNSERVED in plan.limits) is (plan.unserved_units > 0)


@given(demand=st.floats(0, 1e4), serving=st.integers(0, 100))
def test_an_unknown_baseline_is_always_said(demand: float, serving: int) -> None:
    spec = replace(SPEC, baseline=ReportedBaseline(metric=REPORT, declared_units=100))
    observed = snapshot(spec, [demand] * 60, [serving])
    assert Reason.BASELINE_UNKNOWN in said(decide(spec, observed))
    reported = MetricSeries(points=((NOW - 60, 100.0),))
    healthy = decide(spec, replace(observed, baseline={"report": reported}))
    assert Reason.BASELINE_UNKNOWN not in said(healthy)


def test_every_reason_has_words_of_its_own() -> None:
    assert len({reason.words for reason in Reason}) == len(Reason)
    assert Reason("held") is Reason.HELD


def test_trouble_is_said_beside_what_set_the_size() -> None:
    plan = decide(SPEC, replace(snapshot(SPEC, [400.0] * 60), pools=seen(SPEC, [2])))
    assert plan.reason is Reason.DEMAND
    assert plan.limits == (Reason.UNSERVED,)
    assert Reason.UNSERVED.words in plan.explain()


def test_the_guide_says_every_reason_in_its_words() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "how-it-decides.md").read_text()
    for reason in Reason:
        assert f"| `{reason}` | {reason.words} |" in guide


def test_every_reason_has_a_section_that_says_what_to_do() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "reference" / "reasons.md").read_text()
    sections = dict(section.split("\n", 1) for section in guide.split("\n## ")[1:])
    assert set(sections) == {reason.value for reason in Reason}
    assert all("**What to do:** " in section for section in sections.values())
