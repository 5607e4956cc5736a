from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from peakfleet_demo.demo import Peak, choose_peak, max_units, read_recording
from peakfleet_demo.options import DemoOptions
from peakfleet_local.replay import backlog_of
from peakfleet_sim import DemandError
from peakfleet_sim.demand import ACTS
from tests.cli.replayed import FLEETS, JOBS, LIVE
from tests.sim.exports import VALUES, naive, table

FIRST = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Ten days at 100 to 200, with one hour on the sixth day that goes up to 1,000."""
    minutes = 10 * 24 * 60
    units = 150 + 50 * np.sin(np.arange(minutes) / 200)
    units[6 * 1440 : 6 * 1440 + 60] = 1000
    lines = [
        f"{FIRST + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ},{value:.3f}"
        for minute, value in enumerate(units)
    ]
    path = tmp_path / "recorded.csv"
    path.write_text("timestamp_utc,demand\n" + "\n".join(lines))
    return path


def chosen(options: DemoOptions) -> Peak:
    return choose_peak(options, read_recording(options), FLEETS)


def scored(peak: Peak, fleet: str) -> list[float]:
    units: list[float] = peak.demands[fleet].units.tolist()
    return units[-peak.phases.scored_minutes :]


def test_a_recording_is_scaled_to_every_fleet(recording: Path) -> None:
    peak = chosen(DemoOptions(file=recording, hours=1, peak_share=0.5))

    for spec, baseline in ((LIVE, 2000), (JOBS, 100)):
        units = scored(peak, spec.fleet)
        assert max(units) == pytest.approx(baseline + 0.5 * max_units(spec), rel=0.01)
    assert "recorded, its busiest 1 hours" in peak.title


def test_without_a_start_the_busiest_hours_are_scored(recording: Path) -> None:
    peak = chosen(DemoOptions(file=recording, hours=1))

    assert peak.scored_from == FIRST + timedelta(days=6)
    assert peak.repeated_minutes == 0


def test_the_user_says_which_hours_are_scored(recording: Path) -> None:
    peak = chosen(DemoOptions(file=recording, hours=2, start=FIRST + timedelta(days=2)))

    assert peak.scored_from == FIRST + timedelta(days=2)
    assert peak.phases.scored_minutes == 120


def test_where_the_recording_begins_too_late_its_first_value_stands(recording: Path) -> None:
    peak = chosen(DemoOptions(file=recording, hours=1, start=FIRST + timedelta(minutes=10)))

    before = peak.phases.history_minutes + peak.phases.warm_up_minutes
    assert peak.repeated_minutes == before - 10
    assert len(set(peak.demands[LIVE.fleet].units[: before - 9].tolist())) == 1
    assert peak.scored_from == FIRST + timedelta(minutes=10)


def test_hours_outside_the_recording_are_refused_before_anything_is_deployed(
    recording: Path,
) -> None:
    options = DemoOptions(file=recording, start=FIRST - timedelta(days=1))

    with pytest.raises(DemandError, match="must lie within"):
        read_recording(options)


def test_the_generated_night_says_that_it_is_generated() -> None:
    peak = chosen(DemoOptions(hours=6))

    assert "generated, not recorded" in peak.title
    for spec, baseline in ((LIVE, 2000), (JOBS, 100)):
        assert max(scored(peak, spec.fleet)) == pytest.approx(
            baseline + 0.65 * max_units(spec), rel=0.1
        )


def test_a_short_demo_gets_the_busiest_hours_of_the_night() -> None:
    short, night = chosen(DemoOptions(hours=1)), chosen(DemoOptions(hours=5))

    assert short.phases.scored_minutes == 60
    assert max(scored(short, LIVE.fleet)) == max(scored(night, LIVE.fleet))
    assert short.repeated_minutes < night.repeated_minutes


def two_weeks(peak: Peak) -> NDArray[np.float64]:
    """Return the demand of the live fleet before the evening, a row for each day from 18:00 on."""
    both = np.concatenate([peak.past[LIVE.fleet].units, peak.demands[LIVE.fleet].units])
    return both[: 14 * 1440].reshape(14, 1440)


def test_the_whole_demo_has_two_acts_after_two_weeks_of_evenings() -> None:
    peak = chosen(DemoOptions())

    assert [act.name for act in peak.acts] == list(ACTS)
    assert peak.acts[0].end_minute == peak.acts[1].first_minute
    assert peak.acts[-1].end_minute == peak.phases.total_minutes
    begins = peak.start + timedelta(minutes=peak.acts[0].first_minute)
    assert (begins.hour, begins.minute) == (20, 0)
    past, tonight = peak.past[LIVE.fleet], peak.demands[LIVE.fleet]
    assert past.start + timedelta(minutes=past.minutes) == tonight.start
    days = two_weeks(peak)
    assert (days.max(axis=1) > 2000).all()
    assert days.max() < 0.7 * max(tonight.units)
    assert [evening.argmax() for evening in days] == pytest.approx([160] * 14, abs=25)


def test_the_jump_of_the_second_act_has_no_likeness_in_the_two_weeks() -> None:
    peak = chosen(DemoOptions())
    second = peak.acts[1]
    units = peak.demands[LIVE.fleet].units[second.first_minute : second.end_minute]
    rises = units[3:] - units[:-3]
    evenings = two_weeks(peak)[:, 270:350]

    assert rises.max() > 0.2 * units.max()
    assert (evenings[:, 3:] - evenings[:, :-3]).max() < rises.max() / 4


def test_a_quick_demo_has_the_first_act_alone_and_no_past() -> None:
    peak = chosen(DemoOptions(quick=True))

    assert len(peak.acts) == 1
    assert peak.past == {}
    assert peak.acts[0].end_minute == peak.phases.total_minutes


def test_every_fleet_meets_the_same_hours() -> None:
    demands = chosen(DemoOptions(hours=2)).demands.values()

    assert len({demand.start for demand in demands}) == 1


def test_a_generated_night_has_no_hours_to_choose() -> None:
    with pytest.raises(DemandError, match="--from chooses hours of a recording"):
        read_recording(DemoOptions(start=FIRST))


def test_the_same_seed_gives_the_same_night() -> None:
    one, same, other = (chosen(DemoOptions(hours=2, seed=seed)) for seed in (1, 1, 2))

    assert scored(one, LIVE.fleet) == scored(same, LIVE.fleet)
    assert scored(one, LIVE.fleet) != scored(other, LIVE.fleet)


def test_the_warm_up_outlasts_the_longest_deadline() -> None:
    backlog = backlog_of(JOBS)
    assert backlog is not None
    slow = replace(JOBS, signals=(replace(backlog, drain_within_seconds=7200),))

    assert choose_peak(DemoOptions(), None, [LIVE]).phases.warm_up_minutes == 30
    assert choose_peak(DemoOptions(), None, [LIVE, slow]).phases.warm_up_minutes == 134


def test_the_history_is_as_long_as_the_longest_memory() -> None:
    forgetful = replace(LIVE, service_level=replace(LIVE.service_level, history_seconds=10_800))

    assert choose_peak(DemoOptions(), None, [forgetful, JOBS]).phases.history_minutes == 184


def test_how_a_recording_was_understood_is_said(tmp_path: Path) -> None:
    path = tmp_path / "web.csv"
    path.write_text(table("when;load", time=naive, row="{time};{value}"), encoding="utf-8")
    said: list[str] = []
    demand = read_recording(DemoOptions(file=path, hours=1), say=said.append)

    assert demand is not None
    assert demand.units.tolist() == VALUES
    assert len(said) == 1
    assert "90 rows of 'load'" in said[0]
    assert "count as UTC" in said[0]
