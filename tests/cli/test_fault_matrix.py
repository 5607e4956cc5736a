"""The fault matrix: every row is there, in three severities, and its page tells the last run."""

from __future__ import annotations

from peakfleet_demo.scenarios import CATALOGUE
from peakfleet_demo.scenarios.faults_page import page
from peakfleet_demo.scenarios.matrix import ROWS, SCENARIOS


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
    told = page({mild: kept, grave: kept, worst: broken})
    assert "| 01 | GetMetricData is refused | 3 minutes; 10 minutes; 30 minutes |" in told
    assert "| 2 of 3 | 425 unit-minutes missing of 900 |" in told
    assert f"- `{worst}`: nothing is lost: 2 lost\n" in told
    assert "105 injected, 3 run, 2 survived" in told
    assert "| 0 of 3 | not run |" in told
