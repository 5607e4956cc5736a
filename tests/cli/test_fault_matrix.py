"""The fault matrix: every row is there, in three severities, and its page tells the last run."""

from __future__ import annotations

from typing import Any

import pytest

from peakfleet_demo.scenarios import CATALOGUE, Assertion
from peakfleet_demo.scenarios.faults_page import page
from peakfleet_demo.scenarios.matrix import ROWS, SCENARIOS, Row
from peakfleet_demo.scenarios.matrix.in_simulator import InSimulator, beside

GOOD: Any = {"text": "kept", "measured": "all", "passed": True}


def test_thirty_faults_and_five_of_static_stability_have_three_severities_each() -> None:
    numbers = [row.number for row in ROWS]
    assert numbers == [f"{n:02}" for n in range(1, 31)] + [f"S{n}" for n in range(1, 6)]
    assert {len(row.scenarios) for row in ROWS} == {3}
    assert all(len(set(row.severities)) == 3 for row in ROWS)


def test_make_faults_runs_every_one() -> None:
    assert {one.name for one in SCENARIOS} <= set(CATALOGUE)
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS) == 105


def test_static_stability_is_shown_for_eight_hours() -> None:
    for row in ROWS[30:]:
        assert row.scenarios[-1].minutes >= 8 * 60


def test_the_page_tells_what_survived_what_is_missing_and_what_was_broken() -> None:
    kept = {"kept": True, "missing_unit_minutes": 0, "burst_unit_minutes": 900, "promises": []}
    broken = {
        **kept,
        "kept": False,
        "missing_unit_minutes": 425,
        "promises": [{"text": "nothing is lost", "measured": "2 lost", "kept": False}],
    }
    mild, grave, worst = (one.name for one in ROWS[0].scenarios)
    told = page({mild: kept, grave: kept, worst: broken}, {"01": [[Assertion(**GOOD)]] * 2})
    assert "| 01 | GetMetricData is refused | 3 minutes; 10 minutes; 30 minutes |" in told
    assert "| 2 of 3 | 425 unit-minutes missing of 900 | 2 of 3 |" in told
    assert f"- `{worst}`: nothing is lost: 2 lost\n" in told
    assert "105 injected, 3 run, 2 survived" in told
    assert "| 0 of 3 | not run |" in told
    assert "In the simulator 2 run, 2 survived; 9 rows have no meaning there." in told


@pytest.mark.parametrize(
    "row", [row for row in ROWS if not row.unsimulated], ids=lambda r: r.number
)
def test_the_simulator_keeps_every_promise_of_a_row(row: Row) -> None:
    legs = row.in_simulator()
    assert len(legs) == 3
    assert [one for leg in legs for one in leg if not one.passed] == []


def test_a_row_is_simulated_or_says_why_not() -> None:
    for row in ROWS:
        assert bool(row.unsimulated) is all(case.simulated is None for case in row.cases)


def test_promises_are_broken_where_nothing_keeps_them() -> None:
    """What the simulator's legs are held to can be broken: each fault without what answers it."""
    (hold,) = (row for row in ROWS if row.number == "30")
    followed = hold.cases[0].measured(InSimulator())
    assert not all(promise(followed).passed for promise in hold.cases[0].promises)
    (silence,) = (row for row in ROWS if row.number == "02")
    as_zero = silence.cases[2].measured(InSimulator(see=beside(-300.0)))
    assert not all(promise(as_zero).passed for promise in silence.cases[2].promises)
