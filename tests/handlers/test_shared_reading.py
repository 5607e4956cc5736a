"""A reading that fleets share: as good as their own of the same moment, and never relied on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_handlers.aws import Calls, Deadline
from peakfleet_handlers.fleet_metrics import FleetMetrics, metrics_of
from peakfleet_handlers.read import ReadingError, run
from peakfleet_handlers.read import entry_point as reader
from peakfleet_handlers.state import StateTable, read_known
from peakfleet_handlers.tick import MetricReads, read_metrics
from peakfleet_planner import (
    BacklogSignal,
    DownstreamLimitSpec,
    FleetSpec,
    Metric,
    MetricSeries,
    RateSignal,
    ReportedBaseline,
    ServiceLevelSpec,
    WhenSilent,
)
from peakfleet_table import SERIES, SharedReading, metric_key
from tests.handlers.conftest import Lines
from tests.handlers.fake_aws import FakeAws
from tests.handlers.scenes import FLEET, NOW, ON_PREMISES, TABLE, aws, minutes, remembers, tick

STREAMS = FLEET.signals[0].metrics["m"]
FIVE_MINUTES = Metric(namespace="Live", metric_name="Hosts", period_seconds=300)
QUEUE = BacklogSignal(
    name="jobs",
    metrics={
        "waiting": Metric(namespace="Jobs", metric_name="Waiting"),
        "in_flight": Metric(namespace="Jobs", metric_name="InFlight"),
    },
    seconds_per_item=60,
    drain_within_seconds=600,
)
REPORTING = replace(FLEET, baseline=ReportedBaseline(metric=ON_PREMISES, declared_units=100))
LONGER = replace(
    FLEET,
    fleet="Media/Longer",
    service_level=ServiceLevelSpec(history_seconds=10_800),
    downstream=(DownstreamLimitSpec(name="db", metric=FIVE_MINUTES, at_most=1000),),
)
QUEUED = replace(REPORTING, fleet="Media/Jobs", signals=(QUEUE,))
FAST = replace(
    REPORTING,
    fleet="Media/Fast",
    signals=(replace(FLEET.signals[0], metrics={"m": replace(STREAMS, period_seconds=10)}),),
)
FLEETS = (REPORTING, LONGER, QUEUED, FAST)


def read(fake: FakeAws, *specs: FleetSpec, now: int = NOW, **more: Any) -> dict[str, Any]:  # noqa: ANN401  of the event
    """Run the reader for these fleets and return what it returns."""
    event = {
        "scheduled_time": datetime.fromtimestamp(now, UTC).isoformat(),
        "specs": [spec.to_json() for spec in specs],
        **more,
    }
    fake.calls.clear()
    return run(event, clients=fake.clients, deadline=Deadline.of(None))


def metrics(fake: FakeAws, spec: FleetSpec = FLEET, now: int = NOW) -> MetricReads:
    """Return the metrics as a tick has them."""
    calls = Calls(deadline=Deadline.of(None))
    fake.calls.clear()
    table = StateTable.of(TABLE, spec.fleet, fake.clients, calls)
    known = read_known(table, now_epoch_seconds=now)
    return read_metrics(FleetMetrics.of(spec), now, known, clients=fake.clients, calls=calls)


def without_reading(fake: FakeAws, spec: FleetSpec = FLEET, now: int = NOW) -> MetricReads:
    kept = fake.table.pop((spec.fleet, "SERIES"), None)
    own = metrics(fake, spec, now)
    if kept:
        fake.table[spec.fleet, "SERIES"] = kept
    return own


def same_world(values: Mapping[str, dict[int, float]]) -> tuple[FakeAws, FakeAws]:
    one, other = (remembers(aws(graviton=2, x86=1)) for _ in range(2))
    one.metrics, other.metrics = dict(values), dict(values)
    return one, other


values = st.builds(
    lambda said, times: said * times,
    st.lists(st.floats(min_value=0, max_value=1e6), max_size=20),
    st.integers(min_value=1, max_value=15),  # also more than is read
)
worlds = st.fixed_dictionaries(
    {
        name: st.builds(
            lambda points, late: minutes(points, until=NOW - NOW % 60 - 60 * late),
            values,
            st.integers(min_value=-2, max_value=6),
        )
        for name in ("Streams", "HealthyUnits", "Hosts", "Waiting", "InFlight")
    }
)


@given(values=worlds, second=st.integers(min_value=0, max_value=59))
def test_a_tick_has_from_a_reading_of_the_same_moment_what_it_would_read_itself(
    values: dict[str, dict[int, float]], second: int
) -> None:
    fake, _ = same_world(values)
    read(fake, *FLEETS, now=NOW + second)
    for spec in FLEETS:
        shared = metrics(fake, spec, NOW + second)
        assert shared.own == (len(spec.signals[0].reads) if spec is FAST else 0)
        assert shared.series == without_reading(fake, spec, NOW + second).series


@given(values=worlds)
def test_with_a_shared_reader_a_tick_decides_as_with_its_own_reads_of_the_same_moment(
    values: dict[str, dict[int, float]],
) -> None:
    shared, alone = same_world(values)
    read(shared, *FLEETS)
    for spec in (REPORTING, LONGER, QUEUED):
        answer = tick(shared, spec)
        assert shared.counted()["GetMetricData"] == 0
        assert answer == tick(alone, spec)
        assert shared.desired == alone.desired


def damaged(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "packed": {"B": item["packed"]["B"][:-3]}}


def no_json(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "packed": {"B": zlib.compress(b'{"m": [0, [60, -60], [1, 2]]}')}}


def no_number(item: dict[str, Any]) -> dict[str, Any]:
    text = f'{{"m": [0, [60], [{"9" * 400}]]}}'
    return {**item, "packed": {"B": zlib.compress(text.encode())}}


def partial(item: dict[str, Any]) -> dict[str, Any]:
    reading = SERIES.read(item)
    left = {key: one for key, one in reading.series.items() if "HealthyUnits" not in key}
    return SERIES.item("Media/Live", replace(reading, series=left))


def short(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "since": {"N": str(NOW - 600)}}


def read_at(seconds: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda item: {**item, "read_at": {"N": str(NOW + seconds)}}


def expired(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "expires_at": {"N": str(NOW)}}


@pytest.mark.parametrize(
    "broken",
    [
        damaged,
        no_json,
        no_number,
        partial,
        short,
        read_at(-91),
        read_at(61),
        read_at(10**6),
        expired,
    ],
)
@given(values=worlds)
def test_a_reader_that_stops_is_late_damaged_or_partial_changes_nothing_of_what_a_tick_reads(
    broken: Callable[[dict[str, Any]], dict[str, Any]], values: dict[str, dict[int, float]]
) -> None:
    """What the reader says is of another world: a tick that took it would be seen."""
    fake, _ = same_world(values)
    real, fake.metrics = fake.metrics, {"Streams": minutes([9e6] * 70), "HealthyUnits": {}}
    read(fake, REPORTING)
    fake.metrics = real
    key = ("Media/Live", "SERIES")
    fake.table[key] = broken(fake.table[key])
    seen, own = metrics(fake, REPORTING), without_reading(fake, REPORTING)
    baseline = FleetMetrics.of(REPORTING).baseline.values()
    for query_id in baseline if broken is partial else own.series:
        assert seen.series[query_id] == own.series[query_id]


@given(
    age=st.integers(min_value=-60, max_value=90),
    second=st.integers(min_value=0, max_value=59),
    newest=st.integers(min_value=0, max_value=8),
    after_seconds=st.integers(min_value=1, max_value=400),
)
def test_by_a_reading_nothing_is_silent_that_is_not_silent_as_the_tick_reads_it(
    age: int, second: int, newest: int, after_seconds: int
) -> None:
    now = NOW + second
    signal = replace(FLEET.signals[0], when_silent=WhenSilent(after_seconds=after_seconds))
    spec = replace(FLEET, signals=(signal,))
    fake = aws()
    points = minutes([5.0] * 20, until=NOW + 120 - 60 * newest)
    fake.metrics["Streams"] = {t: v for t, v in points.items() if t + 60 <= now - age}
    read(fake, spec, now=now - age)
    fake.metrics["Streams"] = points

    def is_silent(reads: MetricReads) -> bool:
        said = reads.series["s0_m0"].points
        return not said or now - (said[-1][0] + 60) > after_seconds

    assert is_silent(metrics(fake, spec, now)) == is_silent(without_reading(fake, spec, now))


@given(age=st.integers(min_value=-60, max_value=90), second=st.integers(min_value=0, max_value=59))
def test_no_period_counts_that_was_not_over_when_it_was_read_nor_at_the_time_of_the_tick(
    age: int, second: int
) -> None:
    now = NOW + second
    fake = aws()
    fake.metrics["Streams"] = minutes([5.0] * 80, until=NOW + 300)  # also what is not over yet
    read(fake, FLEET, now=now - age)
    seen = metrics(fake, now=now)
    assert seen.own == 0
    ends = [time + 60 for time, _ in seen.series["s0_m0"].points]
    assert max(ends) <= min(now, now - age)


def test_a_report_of_a_fast_clock_is_as_fast_by_a_reading() -> None:
    fake = aws()
    fake.metrics["HealthyUnits"] = minutes([90] * 60, until=NOW + 600)
    read(fake, REPORTING, LONGER)
    assert metrics(fake, REPORTING).series["b0"].ahead_seconds == 540
    assert metrics(fake, LONGER).series["s0_m0"].ahead_seconds == 0


def test_no_reading_counts_twice_and_a_tick_out_of_turn_reads_itself() -> None:
    fake = remembers(aws(300))
    read(fake, FLEET, now=NOW - 5)
    for now, own in ((NOW, 0), (NOW + 5, 1), (NOW + 60, 1)):
        tick(fake, now=now)
        assert fake.counted()["GetMetricData"] == own
    read(fake, FLEET, now=NOW + 115)
    for now, own in ((NOW + 120, 0), (NOW + 125, 1)):
        tick(fake, now=now)
        assert fake.counted()["GetMetricData"] == own


@pytest.mark.parametrize(("before", "own"), [(-60, 0), (-45, 0), (-44, 1), (-10, 1)])
def test_a_reading_that_knows_less_than_the_tick_before_is_not_used(before: int, own: int) -> None:
    fake = remembers(aws(300))
    tick(fake, now=NOW + before)
    read(fake, FLEET, now=NOW - 60)
    tick(fake, now=NOW)
    assert fake.counted()["GetMetricData"] == own


def test_metrics_of_one_signal_are_never_of_two_moments() -> None:
    fake = aws()
    fake.metrics |= {"Waiting": minutes([7] * 70), "InFlight": minutes([3] * 70)}
    read(fake, QUEUED)
    item = fake.table["Media/Jobs", "SERIES"]
    reading = SERIES.read(item)
    left = {key: one for key, one in reading.series.items() if "InFlight" not in key}
    fake.table["Media/Jobs", "SERIES"] = SERIES.item("Media/Jobs", replace(reading, series=left))
    assert metrics(fake, QUEUED).own == 2


def test_one_request_reads_for_many_fleets_and_equal_metrics_once() -> None:
    fake = aws(300)
    fleets = [replace(REPORTING, fleet=f"Media/Live{number}") for number in range(9)]
    other = RateSignal(
        name="s", metrics={"m": Metric(namespace="N", metric_name="Waiting")}, expression="m"
    )
    fleets.append(replace(FLEET, fleet="Media/Other", signals=(other,)))
    said = read(fake, *fleets)
    assert fake.counted() == {"GetMetricData": 1, "PutItem": 10}
    assert (said["metrics"], said["written"]) == (3, 10)


def test_metrics_of_another_account_are_asked_for_apart() -> None:
    foreign = replace(STREAMS, account="222222222222")
    fleets = (FLEET, replace(FLEET, fleet="B", signals=(_signal(foreign),)))
    fake = aws(300)
    read(fake, *fleets)
    asked = [asked["MetricDataQueries"] for name, asked in fake.calls if name == "GetMetricData"]
    assert [[one.get("AccountId") for one in queries] for queries in asked] == [
        [None],
        ["222222222222"],
    ]


def _signal(metric: Metric) -> RateSignal:
    return RateSignal(name="streams", metrics={"m": metric}, expression="m")


def test_a_specification_that_cannot_be_read_stops_no_other_fleet(printed: Lines) -> None:
    fake = aws(300)
    of_another_version = {**FLEET.to_json(), "version": 99}
    said = read(fake, specs=[of_another_version, "x", {"version": 1}, FLEET.to_json()])
    assert said["written"] == 1
    assert [text.partition(":")[0] for text in said["skipped"]] == [
        "specs[0]",
        "specs[1]",
        "specs[2]",
    ]
    [line] = printed()
    assert (line["level"], line["skipped"]) == ("WARNING", said["skipped"])


def test_what_is_refused_for_one_fleet_stops_no_other_and_is_told() -> None:
    fake = aws(300)
    other = replace(FLEET, fleet="Media/Other", signals=(_signal(ON_PREMISES),))
    fake.statuses["HealthyUnits"] = "Forbidden"
    with pytest.raises(ReadingError, match="1 of 2 fleets have no new reading, first 'Media/Ot"):
        read(fake, other, FLEET)
    assert set(fake.table) == {("Media/Live", "SERIES")}


@pytest.mark.parametrize("failing", ["GetMetricData", "PutItem"])
def test_a_reader_that_fails_says_so_and_the_tick_reads_and_grows(failing: str) -> None:
    fake = remembers(aws(300))
    fake.failing[failing] = "Throttling"
    with pytest.raises(ReadingError, match="their ticks read for themselves"):
        read(fake, FLEET)
    fake.failing.clear()
    tick(fake)
    assert fake.counted()["GetMetricData"] == 1
    assert sum(fake.desired.values()) >= 20


def test_a_reading_that_no_item_holds_is_noted_and_left_out(
    monkeypatch: pytest.MonkeyPatch, printed: Lines
) -> None:
    monkeypatch.setattr(reader, "MOST_PACKED_BYTES", 50)
    fake = aws(300)
    said = read(fake, FLEET)
    assert (said["written"], said["failed"], fake.table) == (0, [], {})
    [line] = printed()
    assert "above 50: it reads for itself" in line["failed_calls"][0]["message"]


def test_values_that_no_record_keeps_are_left_to_the_tick() -> None:
    fake = aws()
    fake.metrics["Streams"] = minutes([1.0, float("nan")])
    fake.metrics["HealthyUnits"] = minutes([1.0])
    read(fake, REPORTING)
    assert metrics(fake, REPORTING).own == 1


def test_the_log_says_how_old_a_reading_was_or_that_the_tick_read_for_itself(
    printed: Lines,
) -> None:
    fake = remembers(aws(300))
    fake.metrics["HealthyUnits"] = minutes([90] * 70)
    read(fake, REPORTING, now=NOW - 20)
    printed()
    said = []
    for now in (NOW, NOW + 60):
        tick(fake, REPORTING, now=now)
        said += [line["metrics_read"] for line in printed() if "metrics_read" in line]
    assert said == [
        {"own": 0, "shared": 2, "shared_age_seconds": 20, "shared_unused": None},
        {"own": 2, "shared": 0, "shared_age_seconds": None, "shared_unused": "not-newer"},
    ]


def test_a_fleet_without_a_reader_leaves_the_records_that_it_always_left() -> None:
    fake = aws(300)
    tick(fake)
    assert "read_at" not in fake.table["Media/Live", "TICK"]


def test_a_metric_has_one_key_however_it_is_written() -> None:
    one = Metric(namespace="N", metric_name="M", dimensions={"a": "1", "b": "2"}, account="1")
    assert metric_key(one) == metric_key(replace(one, dimensions={"b": "2", "a": "1"}))
    assert metric_key(replace(one, account=None)) == metric_key(replace(one, reader="1"))
    others = (
        replace(one, statistic="Sum"),
        replace(one, period_seconds=300),
        replace(one, dimensions={}),
        replace(one, reader="1"),
    )
    assert len({metric_key(metric) for metric in (one, *others)}) == 5


@given(
    points=st.dictionaries(
        st.integers(min_value=0, max_value=2**40), st.floats(allow_nan=False, allow_infinity=False)
    ),
    ahead=st.integers(min_value=0, max_value=7200),
)
def test_a_reading_is_read_as_it_was_written(points: dict[int, float], ahead: int) -> None:
    series = MetricSeries(points=tuple(sorted(points.items())), ahead_seconds=ahead)
    reading = SharedReading(read_at=NOW, since=NOW - 60, series={"m": series})
    assert SERIES.read(SERIES.item("F", reading)) == reading


def test_a_fleet_reads_the_same_metrics_whoever_reads_them() -> None:
    assert [len(metrics_of(FleetMetrics.of(spec).groups)) for spec in FLEETS] == [2, 2, 3, 2]
