"""Demand: files, minutes, windows, scale."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_sim import Demand, DemandError, load_demand, premiere_night, scale_to

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def csv(values: list[str], *, step_minutes: int = 1) -> str:
    rows = [
        f"{START + timedelta(minutes=step_minutes * i):%Y-%m-%dT%H:%M:%SZ},{value}"
        for i, value in enumerate(values)
    ]
    return "\n".join(["timestamp_utc,demand", *rows]) + "\n"


def file(folder: Path, text: str) -> Path:
    path = folder / "demand.csv"
    path.write_text(text, encoding="utf-8")
    return path


def demand(units: list[float]) -> Demand:
    return Demand(name="test", start=START, units=np.array(units))


def test_a_minute_file_is_read_as_it_is(tmp_path: Path) -> None:
    read = load_demand(file(tmp_path, csv(["1", "2.5", "0"])))

    assert (read.name, read.start, read.units.tolist()) == ("demand", START, [1.0, 2.5, 0.0])


def test_a_gzipped_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    plain = file(tmp_path, csv(["1", "2", "3"]))
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    assert load_demand(packed).units.tolist() == load_demand(plain).units.tolist()
    assert load_demand(packed).name == "packed"


def test_a_time_without_a_zone_is_utc_and_another_zone_is_converted(tmp_path: Path) -> None:
    head = "timestamp_utc,demand\n"
    naive = head + "2026-03-01T12:00:00,1\n2026-03-01T12:01:00,2\n"
    zoned = head + "2026-03-01T13:00:00+01:00,1\n2026-03-01T13:01:00+01:00,2\n"

    assert load_demand(file(tmp_path, naive)).start == START
    assert load_demand(file(tmp_path, zoned)).start == START


@given(
    means=st.lists(st.integers(0, 1000), min_size=3, max_size=60),
    step=st.integers(2, 10),
    cut=st.integers(2, 59),
)
def test_cutting_a_coarse_file_leaves_the_minutes_before_the_last_middle_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, means: list[int], step: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    rows = [str(mean) for mean in means]
    whole = load_demand(file(folder, csv(rows, step_minutes=step)))
    kept = min(cut, len(rows))

    short = load_demand(file(folder, csv(rows[:kept], step_minutes=step)))

    certain = (kept - 1) * step + step // 2
    assert short.units[:certain].tolist() == whole.units[:certain].tolist()


def test_the_same_seed_fills_in_the_same_minutes_and_another_seed_others(tmp_path: Path) -> None:
    path = file(tmp_path, csv(["10", "40", "20", "90", "30"], step_minutes=5))

    assert load_demand(path).units.tobytes() == load_demand(path, seed=0).units.tobytes()
    assert load_demand(path).units.tobytes() != load_demand(path, seed=1).units.tobytes()


def test_the_minutes_of_a_straight_line_are_the_straight_line(tmp_path: Path) -> None:
    rows = [str(10 * i) for i in range(6)]

    minutes = load_demand(file(tmp_path, csv(rows, step_minutes=10))).units

    assert minutes[5:55].tolist() == pytest.approx([0.5 + i for i in range(50)])


def test_a_window_begins_where_it_is_told_and_keeps_its_history() -> None:
    window = demand([float(i) for i in range(300)]).window(
        START + timedelta(hours=2), hours=1, history_minutes=30
    )

    assert window.units.tolist() == [float(i) for i in range(90, 180)]
    assert window.start == START + timedelta(minutes=90)
    assert window.history_minutes == 30


def test_a_window_early_in_the_demand_has_the_history_that_there_is() -> None:
    window = demand([1.0] * 120).window(START + timedelta(minutes=10), hours=1, history_minutes=30)

    assert (window.history_minutes, window.minutes) == (10, 70)


@pytest.mark.parametrize(("minutes", "hours"), [(-1, 1.0), (61, 1.0), (0, 3.0), (0, 0.0)])
def test_a_window_outside_the_demand_is_refused(minutes: int, hours: float) -> None:
    with pytest.raises(DemandError, match="must lie within 2026-03-01T12:00Z and 2026-03-01T14:00"):
        demand([1.0] * 120).window(START + timedelta(minutes=minutes), hours=hours)


@given(units=st.lists(st.integers(0, 50), min_size=60, max_size=200))
def test_no_window_is_busier_than_the_busiest(units: list[int]) -> None:
    whole = demand([float(u) for u in units])

    busiest = whole.busiest_window(hours=0.5).units.sum()

    assert busiest == max(sum(units[i : i + 30]) for i in range(len(units) - 29))


def test_scaled_demand_has_its_median_at_the_baseline_and_its_peak_where_it_was_asked() -> None:
    units = np.random.default_rng(1).gamma(2.0, 50.0, 10_001)

    scaled = scale_to(
        Demand(name="d", start=START, units=units), peak_burst_units=320, baseline_units=400
    )

    burst = np.maximum(0, scaled.demand.units - 400)
    assert np.median(scaled.demand.units) == pytest.approx(400)
    assert np.percentile(burst, 99.9) == pytest.approx(320)
    assert np.array_equal(np.argsort(units), np.argsort(scaled.demand.units))


def test_without_a_baseline_demand_is_scaled_by_one_number() -> None:
    units = np.random.default_rng(1).gamma(2.0, 50.0, 1000)

    scaled = scale_to(Demand(name="d", start=START, units=units), peak_burst_units=100)

    assert np.ptp(scaled.demand.units / units) == pytest.approx(0, abs=1e-12)
    assert scaled.baseline_units == pytest.approx(np.median(scaled.demand.units))


def test_flat_demand_has_no_peak_to_scale() -> None:
    with pytest.raises(DemandError, match="never rises above its median 5"):
        scale_to(demand([5.0] * 100), peak_burst_units=10)


@pytest.mark.parametrize("units", [[], [1.0, -1.0], [1.0, float("nan")]])
def test_demand_that_nobody_can_ask_for_is_refused(units: list[float]) -> None:
    with pytest.raises(DemandError, match="demand 'test'"):
        demand(units)


def test_a_premiere_night_is_the_same_for_the_same_seed() -> None:
    nights = [
        premiere_night(baseline_units=400, peak_burst_units=300, seed=seed).units.tobytes()
        for seed in (0, 0, 1)
    ]

    assert nights[0] == nights[1] != nights[2]


def test_a_premiere_night_stays_below_the_baseline_until_people_gather() -> None:
    night = premiere_night(baseline_units=400, peak_burst_units=300)

    assert night.units[:110].max() < 400
    assert night.units.max() == pytest.approx(700, rel=0.05)
    assert 135 <= int(np.argmax(night.units)) <= 175
