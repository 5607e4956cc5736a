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
from tests.planner.fleets import NOW, REPORT, fleet, seen, snapshot

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
