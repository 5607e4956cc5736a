"""The report: complete, honest, and alone in the world."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from peakfleet_sim import Comparison, DemandError, World, premiere_night, score
from peakfleet_sim.replay import Rival
from peakfleet_sim.report import FleetRun, render_report, write_report


@pytest.fixture(scope="module")
def fleet() -> FleetRun:
    world = World(units_per_instance=16, baseline_units=400, max_instances=40)
    demand = premiere_night(baseline_units=400, peak_burst_units=300, hours=4)
    comparison = Comparison(demand=demand, world=world)
    best, tracking, ours = (
        comparison.optimum(),
        comparison.target_tracking(),
        comparison.peakfleet(),
    )
    outcomes = [
        score(run, optimum=best, usd_per_instance_hour=0.64) for run in (ours, tracking, best)
    ]
    usual = outcomes[1]
    return FleetRun(
        name="Media/<Live>",
        timestamps=[demand.timestamp(minute) for minute in range(demand.minutes)],
        demand_units=demand.units.tolist(),
        baseline_units=[400.0] * demand.minutes,
        capacity_units={"Graviton": ours.ready_units.tolist()},
        unserved_units=ours.unserved_units.tolist(),
        explanations=ours.explanations,
        outcomes=outcomes,
        unit="streams",
        rivals={usual.policy: Rival(usual=usual, same_service=usual, same_cost=usual)},
        rivals_units={"target tracking": (400 + tracking.ready_units).tolist()},
    )


@pytest.fixture(scope="module")
def page(fleet: FleetRun) -> str:
    about = [("Trace", "a premiere night, generated"), ("Boot", "3 minutes")]
    return render_report(title="Premiere night", fleets=[fleet, fleet], about=about)


def without_plotly(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "", page, count=1, flags=re.DOTALL)


def test_a_report_has_a_chart_and_a_table_for_each_fleet(page: str) -> None:
    assert page.count("<h2>Media/&lt;Live&gt;</h2>") == 2
    assert page.count('class="plotly-graph-div"') == 2
    assert page.count("<table>") == 2
    assert 'id="fleet-0"' in page
    assert 'id="fleet-1"' in page


def test_a_report_says_what_was_replayed(page: str) -> None:
    assert "<dt>Trace</dt><dd>a premiere night, generated</dd>" in page
    assert "<dt>Boot</dt><dd>3 minutes</dd>" in page


def test_a_report_marks_our_row_and_names_the_others(page: str) -> None:
    assert page.count('<tr class="ours"><th scope="row">Peakfleet</th>') == 2
    assert "AWS target tracking at 70 %" in page
    assert "Perfect foresight" in page


def headline_of(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page)
    assert found is not None
    return found[1].replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_a_report_begins_with_cost_at_equal_service_and_service_at_equal_cost(
    page: str, fleet: FleetRun
) -> None:
    ours, tracking, _ = fleet.outcomes
    said = headline_of(page)

    saved = round(100 * (1 - ours.instance_minutes / tracking.instance_minutes))
    assert f"At equal service Peakfleet costs {saved} % less than AWS target tracking" in said
    digits = 1 if ours.unserved_percent >= 1 else 2
    missed = f"{ours.unserved_percent:.{digits}f} %"
    assert f"At equal cost Peakfleet misses {missed} of the burst" in said


def test_a_report_says_so_where_we_cost_more_or_nobody_serves_as_well(fleet: FleetRun) -> None:
    ours, tracking, best = fleet.outcomes
    dear = replace(ours, usd=None, instance_minutes=2 * tracking.instance_minutes)
    usual = replace(tracking, usd=None)
    (name,) = fleet.rivals
    pages = [
        render_report(
            title="t",
            fleets=[
                replace(
                    fleet,
                    outcomes=[dear, usual, best],
                    rivals={name: Rival(usual=usual, same_service=same, same_cost=None)},
                )
            ],
        )
        for same in (usual, None)
    ]

    assert "100 % more than AWS target tracking" in headline_of(pages[0])
    assert "no setting of target tracking costs as little" in headline_of(pages[0])
    assert "No setting of AWS target tracking misses as little" in headline_of(pages[1])
    assert "no setting serves as well" in pages[1]


def test_a_chart_has_a_text_alternative_and_a_table_heads_for_its_rows_and_columns(
    page: str,
) -> None:
    assert 'role="img" aria-label="Chart of Media/&lt;Live&gt;: demand from' in page
    assert "highest at 20" in page
    assert "Baseline: 400 streams on-premises. Times are UTC." in page
    assert "time (UTC)" in page
    own = without_plotly(page)
    assert not re.findall(r"<th(?! scope=)[ >]", own)


def test_a_queue_shows_what_waits_in_time_and_what_is_late(fleet: FleetRun) -> None:
    queue, live = (
        without_plotly(render_report(title="t", fleets=[replace(fleet, waits=waits)]))
        for waits in (True, False)
    )

    assert '"name":"waiting, in time"' in queue
    assert '"name":"late"' in queue
    assert "waiting, in time" not in live
    assert '"name":"missed"' in live


def test_every_policy_is_drawn_and_the_first_rival_stands_out(fleet: FleetRun) -> None:
    units = next(iter(fleet.rivals_units.values()))
    many = {f"policy {index}": units for index in range(8)}
    page = without_plotly(render_report(title="t", fleets=[replace(fleet, rivals_units=many)]))

    assert "legendonly" not in page
    assert all(f'"name":"{name}"' in page for name in many)
    assert page.count('"dash":"dot"') == 1


def test_a_report_says_that_work_waits_where_it_does(page: str, fleet: FleetRun) -> None:
    queue = render_report(title="t", fleets=[replace(fleet, waits=True)])

    assert "waits in the queue" in queue
    assert "waits in the queue" not in page


def test_a_report_without_our_policy_claims_nothing(fleet: FleetRun) -> None:
    page = render_report(title="t", fleets=[replace(fleet, outcomes=fleet.outcomes[1:])])

    assert "<h1>What the fleets did</h1>" in page
    assert "Peakfleet served" not in page


def test_a_chart_says_why_at_every_minute(page: str, fleet: FleetRun) -> None:
    words = fleet.explanations[150].split(":")[0].split(" (")[0]

    assert words in page


def test_a_report_fetches_nothing(page: str) -> None:
    own = without_plotly(page)

    assert not re.search(r"(?:src|href)\s*=", own)
    assert not re.search(r"url\(|@import|https?://", own)
    assert page.count("plotly.js v") == 1


def test_the_same_run_gives_the_same_report(page: str, fleet: FleetRun) -> None:
    about = [("Trace", "a premiere night, generated"), ("Boot", "3 minutes")]

    assert render_report(title="Premiere night", fleets=[fleet, fleet], about=about) == page


def test_a_report_is_written_where_it_is_wanted(tmp_path: Path, fleet: FleetRun) -> None:
    path = tmp_path / "deep" / "report.html"

    write_report(path, title="Premiere night", fleets=[fleet])

    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_report_on_nothing_is_refused() -> None:
    with pytest.raises(DemandError, match="at least one fleet is needed, got none"):
        render_report(title="t", fleets=[])


def test_series_that_do_not_fit_together_are_refused(fleet: FleetRun) -> None:
    with pytest.raises(DemandError, match="unserved_units must have 240 entries"):
        replace(fleet, unserved_units=[0.0])


def test_minutes_in_a_row_weigh_little_and_gaps_stay_gaps(fleet: FleetRun) -> None:
    gap = [*fleet.timestamps[:-1], fleet.timestamps[-1] + timedelta(minutes=9)]
    even, uneven = (
        without_plotly(render_report(title="Night", fleets=[replace(fleet, timestamps=times)]))
        for times in (fleet.timestamps, gap)
    )
    assert '"dx":60000' in even
    assert f'"x0":"{fleet.timestamps[0]:%Y-%m-%dT%H:%M:%S}' in even
    assert len(even) < 0.7 * len(uneven)
    assert f"{gap[-1]:%Y-%m-%dT%H:%M:%S}" in uneven
