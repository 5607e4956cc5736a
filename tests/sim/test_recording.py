"""A recording in any form is the same demand, or is refused in a line that says the way out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_sim import DemandError, ReadOptions, Recording, load_demand, read_recording
from tests.sim import exports
from tests.sim.exports import MINUTES, START, TIMES, VALUES, iso, naive, table

Read = Callable[..., Recording]
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a reader of a file's content."""

    def reader(data: str | bytes, name: str = "web.csv", **said: Any) -> Recording:  # noqa: ANN401  options
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_recording(path, ReadOptions(**said))

    return reader


def refusal(read: Read, data: str | bytes, name: str = "web.csv", **said: object) -> str:
    """Return the one line in which a recording is refused; it names the file."""
    with pytest.raises(DemandError) as refused:
        read(data, name, **said)
    text = str(refused.value)
    assert name in text
    assert "\n" not in text
    return text


def is_the_demand(recording: Recording) -> None:
    """Check that the recording is that of `exports`."""
    assert recording.start == START
    assert recording.step_minutes == 1
    assert recording.units.tolist() == pytest.approx(VALUES)
    assert recording.filled_steps == 0


@pytest.mark.parametrize("form", exports.TEXTS)
def test_a_table_of_text_is_read_as_it_is_exported(read: Read, form: str) -> None:
    is_the_demand(read(exports.TEXTS[form]))


@pytest.mark.parametrize("system", exports.DOCUMENTS)
def test_json_is_read_as_monitoring_systems_answer(read: Read, system: str) -> None:
    is_the_demand(read(json.dumps(exports.DOCUMENTS[system]), "answer.json"))


@pytest.mark.parametrize("name", exports.FILES)
def test_packed_and_binary_files_are_known_by_their_content(read: Read, name: str) -> None:
    is_the_demand(read(exports.FILES[name], "without-suffix"))
    assert read(exports.FILES[name], name).name == name.split(".", maxsplit=1)[0]


@pytest.mark.parametrize("dated", [True, False])
def test_a_spreadsheet_is_read(read: Read, *, dated: bool) -> None:
    is_the_demand(read(exports.spreadsheet(dated=dated), "load.xlsx"))


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO(exports.FILES["demand.csv.gz"])
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=data))

    is_the_demand(read_recording(Path("-")))


# Columns and series


def test_several_columns_are_named_and_one_is_chosen(read: Read) -> None:
    wide = table("time,web-1,web-2", value=lambda v: f"1,{v}")

    said = refusal(read, wide)

    assert "'web-1', 'web-2'" in said
    assert "--value-column web-1" in said
    is_the_demand(read(wide, value_column="WEB-2"))


def test_series_of_a_long_table_are_named_and_one_is_chosen(read: Read) -> None:
    long = "".join(
        f"{iso(moment)},{host},{value if host == 'b' else 1}\n"
        for moment, value in zip(TIMES, VALUES, strict=True)
        for host in ("a", "b")
    )
    data = "time,host,load\n" + long

    assert "2 series, 'a', 'b': choose one by --value-column" in refusal(read, data)
    assert "series are 'a', 'b'" in refusal(read, data, value_column="c")
    is_the_demand(read(data, value_column="b"))


def test_series_of_a_query_are_named_and_one_is_chosen(read: Read) -> None:
    document = json.loads(json.dumps(exports.DOCUMENTS["Prometheus"]))
    (one,) = document["data"]["result"]
    document["data"]["result"].append({"metric": {"job": "batch"}, "values": one["values"][::-1]})
    data = json.dumps(document)

    assert "--value-column 'load{job=\"web\"}'" in refusal(read, data, "answer.json")
    is_the_demand(read(data, "answer.json", value_column='load{job="web"}'))


def test_series_of_one_name_are_told_apart(read: Read) -> None:
    document = json.loads(json.dumps(exports.DOCUMENTS["get-metric-data"]))
    document["MetricDataResults"] *= 2

    assert "'RequestCount 1', 'RequestCount 2'" in refusal(
        read, json.dumps(document), "answer.json"
    )
    is_the_demand(read(json.dumps(document), "answer.json", value_column="RequestCount 2"))


def test_the_tables_of_an_influx_export_are_series(read: Read) -> None:
    def part(index: int) -> str:
        return table(exports.INFLUX, row=f",,{index},2026-03-10T00:00:00Z,{{time}},{{value}}")

    data = part(0) + "\n" + part(1)

    assert "2 series, '0', '1'" in refusal(read, data)
    is_the_demand(read(data, value_column="1"))


NO_RECORDINGS: list[tuple[str | bytes, dict[str, str], str]] = [
    (table(), {"time_column": "x"}, "--time-column 'x' is not there; columns are 'timestamp"),
    (table(), {"value_column": "x"}, "--value-column 'x' is not there; columns are 'demand'"),
    ("a,b\n1,2\n3,4\n", {}, "no column holds times; columns are 'a', 'b'"),
    (table(value=lambda _: "web"), {}, "no column holds numbers beside the time"),
    (table(value=exports.comma), {}, "line 2: a row has 3 cells, its header 2"),
    (table() + "2026-03-10T01:30:00Z,1,2\n", {}, "line 92: a row must have 2 cells"),
    ("", {}, "is empty"),
    ("time,load\n", {}, "has no rows below its header"),
    ("time,load\n2026-03-10T00:00:00Z,1\n", {}, "at least 2 rows are needed"),
    ("<html>please log in</html>", {}, "is HTML or XML"),
    (bytes(range(256)), {}, "is no text"),
    (exports.FILES["demand.csv.gz"][:99], {}, "cannot be read as gzip: it is cut off"),
    (exports.FILES["demand.csv.zst"][:99], {}, "cannot be read as zstd: it is cut off"),
    (exports.FILES["demand.zip"][:99], {}, "cannot be read as zip"),
    (exports.FILES["times.parquet"][:99], {}, "cannot be read as parquet"),
    ('{"a": ', {}, "cannot be read as JSON"),
    ('{"a": 1}', {}, "is JSON of an unknown shape; known are CloudWatch get-metric-data"),
    ('{"data": {"resultType": "vector"}}', {}, "ask query_range instead of query"),
    ('{"MetricDataResults": []}', {}, "get-metric-data without a datapoint"),
]


@pytest.mark.parametrize(
    ("data", "said", "expected"), NO_RECORDINGS, ids=[one[2] for one in NO_RECORDINGS]
)
def test_what_is_no_recording_is_refused(
    read: Read, data: str | bytes, said: dict[str, str], expected: str
) -> None:
    assert expected in refusal(read, data, **said)


# Cells


@pytest.mark.parametrize("missing", ["", "NaN", "null", "-", "N/A", "\N{EM DASH}"])
def test_a_missing_value_is_held_and_said(read: Read, missing: str) -> None:
    cells = iter([*map(str, VALUES[:7]), missing, *map(str, VALUES[8:])])

    recording = read(table(value=lambda _: next(cells)))

    assert recording.units.tolist() == [*VALUES[:7], VALUES[6], *VALUES[8:]]
    assert recording.filled_steps == 1
    assert "the value before stands for 1 missing step (--fill hold)" in recording.summary()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("-5", "-5 is below 0"),
        ("inf", "inf is infinite"),
        ("oops", "'oops' is no number"),
        ("12 req/s", "'12 req/s' has the unit 'req/s'"),
        ("40%", "'40%' is a percentage"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_column_and_line(
    read: Read, cell: str, expected: str
) -> None:
    lines = table().splitlines()
    lines[41] = lines[41].split(",")[0] + f",{cell}"

    said = refusal(read, "# by ops\n" + "\n".join(lines))

    assert f"column 'demand', line 43: {expected}" in said


@pytest.mark.parametrize(
    ("write", "sign"),
    [
        (lambda v: f"{v * 1000:,.1f}", None),
        (lambda v: f"{v * 1000:,.0f}", "."),
        (lambda v: f"{v * 1000:,.1f}".translate(str.maketrans(",.", ".,")), None),
        (lambda v: f"{v * 1000:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}"), None),
        (lambda v: f"{v * 1000:.3f}".replace(".", ","), ","),
    ],
)
def test_grouped_numbers_are_read(
    read: Read, write: Callable[[float], str], sign: str | None
) -> None:
    recording = read(table("time;load", value=write, row="{time};{value}"), decimal=sign)

    assert recording.units.tolist() == pytest.approx([1000 * value for value in VALUES])


def test_a_comma_that_may_be_both_is_refused(read: Read) -> None:
    data = table(value=lambda v: f"{v / 2:.0f},000", row='{time},"{value}"')

    assert "say --decimal . where the comma groups thousands" in refusal(read, data)


# Times


def test_days_that_may_be_months_are_refused_with_both_formats(read: Read) -> None:
    data = table(time=lambda t: t.strftime("%m/%d/%Y %I:%M %p"))
    month_first = "%m/%d/%Y %I:%M %p"

    assert f"say --time-format '{month_first}' or '%d/%m/%Y %I:%M %p'" in refusal(read, data)
    is_the_demand(read(data, time_format=month_first))


def test_a_day_above_twelve_shows_the_order(read: Read) -> None:
    times = [moment + timedelta(days=5) for moment in TIMES]
    data = table(time=lambda t: t.strftime("%m/%d/%Y %H:%M"), times=times)

    assert read(data).start == times[0]


def test_days_need_a_zone(read: Read) -> None:
    days = [START + timedelta(days=day) for day in range(40)]
    data = table(time=lambda t: t.strftime("%Y-%m-%d"), times=days)

    assert "say --timezone" in refusal(read, data)
    recording = read(data, timezone="Europe/Berlin")
    assert recording.start == datetime(2026, 3, 9, 23, tzinfo=UTC)
    assert len(recording.units) == 40


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_local_times_across_a_change_of_clocks_need_a_zone_and_are_right_with_it(
    read: Read, day: date, *, newest_first: bool
) -> None:
    start = datetime.combine(day, time(), tzinfo=UTC)
    times = [start - timedelta(hours=2) + timedelta(minutes=i) for i in range(300)]
    values = [float(i % 7) for i in range(300)]
    order = slice(None, None, -1 if newest_first else 1)
    data = table(
        time=lambda t: naive(t.astimezone(BERLIN)), times=times[order], values=values[order]
    )

    assert "say --timezone Europe/Berlin" in refusal(read, data)
    recording = read(data, timezone="Europe/Berlin")
    assert recording.start == times[0]
    assert recording.units.tolist() == values
    assert recording.filled_steps == recording.repeated_rows == 0


def test_a_time_that_no_clock_showed_is_refused(read: Read) -> None:
    times = [datetime(2026, 3, 29, 1, tzinfo=UTC) + timedelta(minutes=i) for i in range(90)]
    said = refusal(read, table(time=naive, times=times), timezone="Europe/Berlin")

    assert "line 62: 2026-03-29 02:00:00 does not exist in Europe/Berlin" in said


def test_a_gap_of_an_hour_at_any_other_time_is_a_gap(read: Read) -> None:
    times = [START + timedelta(minutes=i) for i in range(3000) if not 120 <= i < 180]
    values = [float(i % 9) for i in range(len(times))]

    assert read(table(time=naive, times=times, values=values)).filled_steps == 60


@pytest.mark.parametrize(
    ("data", "said", "expected"),
    [
        (table(), {"time_format": "%d %m"}, "is not written as --time-format '%d %m'"),
        (
            table().replace("00:05:00Z", "00:65:00Z"),
            {},
            "line 7: '2026-03-10T00:65:00Z' is no time",
        ),
        (table().replace("00:05:00Z", "00:05:00"), {}, "line 7: some times name a zone"),
        (table(time=exports.epoch(1)).replace("1773101100", "soon"), {}, "line 7: 'soon'"),
    ],
)
def test_a_wrong_time_is_refused(
    read: Read, data: str, said: dict[str, str], expected: str
) -> None:
    assert expected in refusal(read, data, **said)


# Steps


def at_steps(seconds: float, count: int = MINUTES) -> str:
    times = [START + timedelta(seconds=seconds * i) for i in range(count)]
    return table(time=lambda t: t.isoformat(), times=times, values=VALUES[:count])


def test_rows_below_a_minute_become_means_of_minutes(read: Read) -> None:
    recording = read(at_steps(10))

    assert recording.units.tolist() == pytest.approx(np.reshape(VALUES, (15, 6)).mean(axis=1))
    assert "if they are sums over it, say --per minute" in recording.summary()


def test_steps_of_no_whole_minutes_keep_their_sum(read: Read) -> None:
    recording = read(at_steps(90))

    assert recording.units.sum() == pytest.approx(sum(VALUES) * 1.5)
    assert recording.units[:3].tolist() == pytest.approx(
        [VALUES[0], (VALUES[0] + VALUES[1]) / 2, VALUES[1]]
    )


@pytest.mark.parametrize(
    ("seconds", "per", "factor"),
    [(300, "minute", 1 / 5), (300, "second", 1 / 300), (300, "step", 1), (60, "second", 1 / 60)],
)
def test_sums_become_units_of_the_time_that_is_asked_for(
    read: Read, seconds: int, per: str, factor: float
) -> None:
    recording = read(at_steps(seconds), per=per)

    assert recording.units.tolist() == pytest.approx([factor * value for value in VALUES])


def test_coarse_steps_are_not_made_minutes_without_a_word(read: Read) -> None:
    said = read(at_steps(3600)).summary()

    assert "values are taken as units on average over 1 h" in said
    assert "minutes within a step are filled in by a seeded Brownian bridge" in said


def test_times_that_jitter_are_moved_to_their_step(read: Read) -> None:
    times = [moment + timedelta(seconds=(7 * i) % 5) for i, moment in enumerate(TIMES)]
    recording = read(table(times=times))

    is_the_demand(recording)
    assert "up to 4 s off the step" in recording.summary()


def test_a_period_that_changes_is_refused(read: Read) -> None:
    finer = [START + timedelta(minutes=min(i, 60) * 5 + max(0, i - 60)) for i in range(MINUTES)]
    coarser = [
        START + timedelta(minutes=i if i < 50 else 50 + 5 * (i - 50)) for i in range(MINUTES)
    ]

    assert "line 63: a step of 1 min where most are 5 min" in refusal(read, table(times=finer))
    assert "because the step is 5 min there and 1 min elsewhere" in refusal(
        read, table(times=coarser)
    )


def test_many_gaps_need_an_answer(read: Read) -> None:
    times = [moment + timedelta(minutes=30 * (i >= 40)) for i, moment in enumerate(TIMES)]
    data = table(times=times)

    assert "30 of 120 steps (25%) are missing, the first at 2026-03-10 00:40" in refusal(read, data)
    assert read(data, fill="hold").units[40:70].tolist() == [VALUES[39]] * 30
    assert read(data, fill="zero").units[40:70].tolist() == [0.0] * 30
    line = read(data, fill="linear").units[39:71]
    assert np.diff(line).tolist() == pytest.approx([(VALUES[40] - VALUES[39]) / 31] * 31)


def test_more_gaps_than_rows_are_only_zero(read: Read) -> None:
    times = [moment + timedelta(days=i >= 40) for i, moment in enumerate(TIMES)]

    assert "more than --fill hold may invent" in refusal(read, table(times=times), fill="hold")
    assert read(table(times=times), fill="zero").units.sum() == pytest.approx(sum(VALUES))


def test_a_wrong_year_does_not_fill_the_memory(read: Read) -> None:
    data = table(times=[*TIMES[:-1], TIMES[-1] + timedelta(days=36_500)])

    assert "line 91: 2126-02-14" in refusal(read, data, fill="zero")


def test_repeated_times_are_counted_and_the_last_counts(read: Read) -> None:
    data = table() + f"{iso(TIMES[4])},7\n"
    recording = read(data)

    assert recording.units[4] == 7
    assert "1 time is there twice and the last counts" in recording.summary()
    twice = [moment for moment in TIMES for _ in "ab"]
    assert "are there twice; if the file holds several series" in refusal(
        read, table(times=twice, values=VALUES * 2)
    )


# Counters


def test_a_counter_is_refused_and_read_by_its_increase(read: Read) -> None:
    total = np.cumsum(VALUES)
    total[50:] -= total[49]
    data = table(values=total.tolist())

    assert "say --rate" in refusal(read, data)
    recording = read(data, rate=True)
    assert recording.counter
    assert recording.units.tolist() == pytest.approx(VALUES[1:])
    assert read(data, rate=True, per="second").units.tolist() == pytest.approx(
        [value / 60 for value in VALUES[1:]]
    )
    assert read(data, per="step").units.tolist() == pytest.approx(total)


def test_a_counter_that_says_so_is_refused(read: Read) -> None:
    document = json.loads(json.dumps(exports.DOCUMENTS["Google"]))
    document["timeSeries"][0]["metricKind"] = "CUMULATIVE"

    assert "say --rate" in refusal(read, json.dumps(document), "answer.json")


def test_a_few_rows_are_a_counter_by_its_name(read: Read) -> None:
    few: dict[str, Any] = {"times": TIMES[:5], "values": [5.0, 9.0, 14.0, 2.0, 6.0]}

    assert "say --rate" in refusal(read, table("time,http_requests_total", **few))
    assert read(table("time,http_requests", **few)).units[0] == 5


def test_what_falls_is_no_counter(read: Read) -> None:
    assert "--rate is for a counter, but the values fall" in refusal(read, table(), rate=True)


# What is said and written


def test_suspicious_demand_is_pointed_at(read: Read) -> None:
    spike = [*VALUES[:30], 1e6, *VALUES[31:]]
    thousandfold = [value * (1000 if i >= 45 else 1) for i, value in enumerate(VALUES)]

    assert read(table()).suspicious == []
    assert "a lone step of 1,000,000 units" in read(table(values=spike)).suspicious[0]
    assert "did the unit or the step change?" in read(table(values=thousandfold)).suspicious[0]
    assert read(table(values=[0.0] * MINUTES)).suspicious == ["demand is zero throughout"]


@given(
    values=st.lists(st.floats(0, 1e9), min_size=2, max_size=50),
    step_minutes=st.sampled_from([1, 5, 60]),
    packed=st.booleans(),
)
def test_what_is_written_is_read_as_the_same_demand(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    step_minutes: int,
    *,
    packed: bool,
) -> None:
    recording = Recording(
        name="web", start=START, step_minutes=step_minutes, units=np.array(values), origin="CSV",
        value_column="demand", rows=len(values), recorded_step="1 min",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("written") / ("web.csv.gz" if packed else "web.csv")
    recording.write(path)

    assert load_demand(path, seed=3).units.tobytes() == recording.demand(seed=3).units.tobytes()


@pytest.mark.parametrize("choice", [{"per": "hour"}, {"fill": "spline"}, {"decimal": ":"}])
def test_a_choice_that_is_none_is_refused(choice: dict[str, Any]) -> None:
    with pytest.raises(DemandError, match=f"--{next(iter(choice))} must be one of"):
        ReadOptions(**choice)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(DemandError, match="--timezone 'Mars/Base' is not known"):
        ReadOptions(timezone="Mars/Base")


def test_ints_in_parquet_are_numbers(read: Read) -> None:
    data = io.BytesIO()
    pl.DataFrame({"time": TIMES, "load": list(range(50, 50 + MINUTES))}).select(
        "time", pl.col("load").reverse()
    ).write_parquet(data)

    assert read(data.getvalue(), "web.parquet").units[0] == 49 + MINUTES


PIECES = [
    b",",
    b'"',
    b"\n",
    b"\r",
    b"2026-13-45",
    b"1e999",
    b"NaN",
    b"-",
    b"\xff",
    b"null",
    b"9" * 20,
]
WHOLE = [text.encode() for text in exports.TEXTS.values()] + [
    json.dumps(document).encode() for document in exports.DOCUMENTS.values()
]


@given(
    whole=st.sampled_from(WHOLE),
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from([b"", *PIECES])), max_size=6
    ),
)
def test_whatever_is_wrong_in_a_file_is_said_in_one_line_or_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    data = whole
    for place, removed, put in changes:
        at = int(place * len(data))
        data = data[:at] + put + data[at + removed :]
    path = tmp_path_factory.mktemp("changed") / "web"
    path.write_bytes(data)
    try:
        assert read_recording(path).summary()
    except DemandError as error:
        assert "\n" not in str(error)  # noqa: PT017  either outcome is right
