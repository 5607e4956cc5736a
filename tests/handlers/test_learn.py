"""The hourly lesson: two weeks of demand in, one item of the state table out."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from math import pi, sin
from pathlib import Path
from typing import Any

import pytest

from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.learn import entry_point as learn
from peakfleet_learner import SETTLING_MINUTES
from peakfleet_planner import BacklogSignal, DemandModel, FleetSpec, Metric, Plan, RateSignal
from peakfleet_planner.forecast import RecordedDemand
from peakfleet_table import (
    BOOTS,
    FIRST_READ,
    MODELS,
    PROPOSALS,
    RECORDINGS,
    PackedModel,
    PackedRecording,
)
from tests.handlers.account import Account, of
from tests.handlers.conftest import Lines
from tests.handlers.fake_aws import FakeAws
from tests.handlers.scenes import FLEET, NOW, TABLE, event, minutes, tick
from tests.handlers.scenes import aws as an_aws
from tests.learner.patterns import bursts_every_hour

LAMBDA = Path(__file__).parents[2] / "lambda"
DAY = 1440
DAY_SECONDS = 24 * 3600
MODEL = ("Media/Live", "MODEL")
STREAMS = RateSignal(
    name="streams",
    metrics={"m": Metric(namespace="Live", metric_name="Streams")},
    expression="m",
)
SLOW = RateSignal(
    name="slow",
    metrics={"m": Metric(namespace="Live", metric_name="Streams", period_seconds=300)},
    expression="m",
)
JOBS = BacklogSignal(
    name="jobs",
    metrics={"waiting": Metric(namespace="AWS/SQS", metric_name="Visible")},
    seconds_per_item=90,
    drain_within_seconds=600,
)


def watched(days: float) -> FakeAws:
    """Return an AWS that knows a wave with the period of a day."""
    fake = an_aws()
    wave = [150 + 100 * sin(2 * pi * minute / DAY) for minute in range(int(days * DAY))]
    fake.metrics["Streams"] = minutes(wave)
    return fake


def lesson(fake: FakeAws, spec: FleetSpec = FLEET) -> dict[str, Any]:
    fake.calls.clear()
    return learn.run(event(spec), clients=fake.clients, deadline=Deadline.of(None))


def model_in(fake: FakeAws) -> DemandModel:
    model = MODELS.read(fake.table[MODEL]).model()
    assert model is not None
    return model


def test_what_was_learned_is_kept_for_a_day() -> None:
    fake = watched(days=0.5)
    answer = lesson(fake)
    learned = model_in(fake).learned_at_epoch_seconds
    assert (answer["outcome"], answer["failed_calls"]) == ("learned", 0)
    assert learned == NOW - 60 * SETTLING_MINUTES
    assert fake.table[MODEL]["learned"] == {"N": str(learned)}
    assert fake.table[MODEL]["expires_at"] == {"N": str(learned + DAY_SECONDS)}


def test_two_weeks_are_read_a_week_at_a_time_and_nothing_twice_or_recorded() -> None:
    fake = watched(days=15)
    fake.metrics["Streams"] = {
        time: value for time, value in fake.metrics["Streams"].items() if not time % 3600
    }
    fake.calls.clear()
    sent = {**event(FLEET), "recorded": recording(300).packed()}
    learn.run(sent, clients=fake.clients, deadline=Deadline.of(None))
    assert fake.counted()["Query"] == 1
    reads = [asked for operation, asked in fake.calls if operation == "GetMetricData"]
    windows = [(asked["StartTime"], asked["EndTime"]) for asked in reads]
    assert [(end - start).days for start, end in windows] == [7, 7]
    assert [end for _, end in windows[:-1]] == [start for start, _ in windows[1:]]
    assert windows[-1][1].timestamp() == NOW
    assert model_in(fake).minutes_seen <= 14 * DAY


def test_demand_is_learned_in_the_units_of_the_fleet() -> None:
    halves = replace(FLEET, signals=(replace(STREAMS, units_per_value=0.5),))
    whole, half = watched(days=0.2), watched(days=0.2)
    lesson(whole)
    lesson(half, halves)
    assert model_in(half).mean == pytest.approx(model_in(whole).mean / 2)


def test_of_several_live_signals_the_largest_request_is_learned() -> None:
    fake = watched(days=0.3)
    fake.metrics["Calls"] = minutes([240.0] * int(0.3 * DAY))
    calls = replace(
        STREAMS, name="calls", metrics={"m": Metric(namespace="Live", metric_name="Calls")}
    )
    answer = lesson(fake, replace(FLEET, signals=(STREAMS, calls)))
    alone = watched(days=0.3)
    alone.metrics["Streams"] = {
        time: max(240.0, value) for time, value in alone.metrics["Streams"].items()
    }
    lesson(alone)
    assert answer["outcome"] == "learned"
    assert model_in(fake).recent == model_in(alone).recent
    assert min(model_in(fake).recent) == 24.0


def test_of_a_queue_that_may_not_wait_what_arrives_is_learned() -> None:
    fake = watched(days=0)
    count = int(0.3 * DAY)
    fake.metrics["Visible"] = minutes([4.0 * minute for minute in range(count)])
    fake.metrics["NotVisible"] = minutes([60.0] * count)
    hidden = Metric(namespace="AWS/SQS", metric_name="NotVisible")
    tight = replace(
        JOBS,
        metrics={**JOBS.metrics, "in_flight": hidden},
        seconds_per_item=30,
        drain_within_seconds=120,
    )
    answer = lesson(fake, replace(FLEET, signals=(tight,)))
    assert answer["outcome"] == "learned"
    assert model_in(fake).mean == pytest.approx((60 + 4 * 30 / 60) / 10)


def recording(level: float) -> RecordedDemand:
    """Return two days of the wave, far above *level*, that ended a week ago."""
    wave = [level + 100 * sin(2 * pi * minute / DAY) for minute in range(2 * DAY)]
    return RecordedDemand.newest(NOW // 60 - 7 * DAY, wave)


@pytest.mark.parametrize("days", [0, 0.5])
def test_a_fleet_without_history_begins_with_what_was_recorded(days: float) -> None:
    fake = watched(days)
    answer = learn.run(
        {**event(FLEET), "recorded": recording(300).packed()},
        clients=fake.clients,
        deadline=Deadline.of(None),
    )
    assert (answer["outcome"], answer["failed_calls"]) == ("learned", 0)
    assert answer["ModelMinutes"] == 7 * DAY - SETTLING_MINUTES


def test_what_somebody_put_into_the_table_counts_before_what_is_deployed() -> None:
    fake = watched(days=0)
    kept = PackedRecording(packed=recording(1000).packed(), put=NOW)
    fake.table["Media/Live", "DEMAND"] = RECORDINGS.item("Media/Live", kept)
    learn.run(
        {**event(FLEET), "recorded": recording(300).packed()},
        clients=fake.clients,
        deadline=Deadline.of(None),
    )
    assert model_in(fake).mean == pytest.approx(100, rel=0.1)


def test_a_recording_that_is_damaged_is_noted_and_left_out() -> None:
    fake = watched(days=0.5)
    answer = learn.run(
        {**event(FLEET), "recorded": "damaged"}, clients=fake.clients, deadline=Deadline.of(None)
    )
    assert (answer["outcome"], answer["failed_calls"]) == ("learned", 1)
    assert answer["ModelMinutes"] < DAY


def test_peaks_that_come_back_are_proposed_where_no_tick_reads() -> None:
    fake = watched(days=0)
    fake.metrics["Streams"] = minutes(bursts_every_hour(2.6))
    lesson(fake)
    (peak,) = PROPOSALS.read(fake.table["Media/Live", "CALENDAR"]).peaks
    assert peak.repeats == "hourly"
    assert peak.next_epoch_seconds > NOW - 3600
    assert PROPOSALS.prefix < FIRST_READ
    assert RECORDINGS.prefix < FIRST_READ


def test_the_tick_foresees_with_a_model_that_is_trusted() -> None:
    fake = watched(days=2)
    lesson(fake)
    trusted = replace(model_in(fake), trusted=True)
    fake.table[MODEL] = MODELS.item("Media/Live", PackedModel.of(trusted))
    answer = tick(fake)
    assert (answer["rule"], answer["applied"]["failed_calls"]) == ("foresight", 0)
    assert fake.counted()["Query"] == 1


def test_a_model_is_unpacked_once_however_often_it_is_read() -> None:
    fake = watched(days=0.2)
    lesson(fake)
    first = MODELS.read(fake.table[MODEL]).model()
    again = MODELS.read({"model": {"B": bytes(bytearray(packed(fake)))}}).model()
    assert first is again


def packed(fake: FakeAws) -> bytes:
    content: bytes = fake.table[MODEL]["model"]["B"]
    return content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{}" * 1000, mtime=0)[:-9],
        gzip.compress(b"no json", mtime=0),
        gzip.compress(b"[]", mtime=0),
        gzip.compress(b'{"version": 2}', mtime=0),
        gzip.compress(b"[" * 100_000, mtime=0),
    ],
)
def test_a_model_that_cannot_be_read_is_counted_and_the_tick_goes_on(content: bytes) -> None:
    fake = an_aws(155)
    fake.table[MODEL] = {**MODELS.key("Media/Live"), "model": {"B": content}}
    answer = tick(fake)
    assert (answer["applied"]["failed_calls"], fake.desired["g"]) == (1, 6)


def test_a_model_of_another_version_is_ignored_until_the_next_lesson() -> None:
    fake = an_aws(155)
    old = gzip.compress(json.dumps({"version": 0, "weights": [1]}).encode())
    fake.table[MODEL] = {**MODELS.key("Media/Live"), "model": {"B": old}}
    answer = tick(fake)
    assert (answer["applied"]["failed_calls"], fake.desired["g"]) == (0, 6)


@pytest.mark.parametrize(
    "signals",
    [(JOBS,), (STREAMS, SLOW), (SLOW, JOBS)],
)
def test_a_fleet_that_cannot_be_foreseen_is_left_alone(
    signals: tuple[RateSignal | BacklogSignal, ...], printed: Lines
) -> None:
    fake = watched(days=0.1)
    answer = lesson(fake, replace(FLEET, signals=signals))
    (said,) = printed()
    assert (answer["outcome"], fake.calls, fake.table) == ("not-learnable", [], {})
    assert said["level"] == "INFO"


def test_a_fleet_without_a_state_table_has_nowhere_to_keep_a_model() -> None:
    fake = watched(days=0.1)
    assert lesson(fake, replace(FLEET, state_table=None))["outcome"] == "not-kept"
    assert fake.calls == []


def test_a_fleet_without_history_has_no_model_yet() -> None:
    fake = watched(days=0)
    assert lesson(fake)["outcome"] == "no-history"
    assert fake.table == {}


@pytest.mark.parametrize("how", ["failing", "incomplete"])
def test_a_day_that_cannot_be_read_leaves_the_last_model(how: str, printed: Lines) -> None:
    fake = watched(days=0.2)
    lesson(fake)
    before = dict(fake.table)
    printed()
    if how == "failing":
        fake.failing["GetMetricData"] = "Throttling"
    else:
        fake.statuses["Streams"] = "PartialData"
    answer = lesson(fake)
    (said,) = printed()
    assert (answer["outcome"], answer["failed_calls"]) == ("history-unreadable", 1)
    assert (said["level"], answer["ModelTrusted"]) == ("WARNING", 0)
    assert fake.table == before


def test_a_model_above_the_limit_of_an_item_is_reported_and_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learn, "MOST_BYTES", 100)
    fake = watched(days=0.2)
    answer = lesson(fake)
    assert (answer["outcome"], answer["ModelTrusted"]) == ("too-large", 0)
    assert answer["ModelBytes"] > 100
    assert fake.table == {}


def test_a_model_that_cannot_be_written_is_reported() -> None:
    fake = watched(days=0.2)
    fake.failing["PutItem"] = "ProvisionedThroughputExceededException"
    answer = lesson(fake)
    assert (answer["outcome"], answer["failed_calls"]) == ("lost", 1)


def test_a_lesson_is_one_log_line_and_one_record_of_metrics(printed: Lines) -> None:
    fake = watched(days=0.5)
    lesson(fake, replace(FLEET, metrics="every"))
    said, metrics = printed()
    assert (said["fleet"], said["outcome"]) == ("Media/Live", "learned")
    [about] = metrics["_aws"]["CloudWatchMetrics"]
    assert (about["Namespace"], about["Dimensions"]) == ("PeakFleet", [["Fleet"]])
    assert {metric["Name"] for metric in about["Metrics"]} == {
        "ForesightCost",
        "ModelBytes",
        "ModelMinutes",
        "ModelTrusted",
        "ReactiveCost",
    }
    assert metrics["ModelMinutes"] == [DAY // 2 - SETTLING_MINUTES]
    assert metrics["ModelBytes"] == [len(packed(fake))]


def test_whether_a_model_is_trusted_is_published_once_a_day(printed: Lines) -> None:
    for hour in range(24):
        learn.run(
            event(replace(FLEET, state_table=None), NOW + hour * 3600),
            clients=watched(days=0).clients,
            deadline=Deadline.of(None),
        )
    sent = [line for line in printed() if "_aws" in line]
    assert [line["ModelTrusted"] for line in sent] == [[0]]


def test_what_may_be_missed_and_what_was_are_metrics_and_the_next_tick_explains_them() -> None:
    fake = watched(days=0.5)
    asking = replace(FLEET, service_level=replace(FLEET.service_level, miss_at_most=0.01))
    answer = lesson(fake, asking)
    service = model_in(fake).service

    assert service is not None
    assert answer["MissedShareAsked"] == service.asked == 0.01
    assert answer["MissedShareGot"] == service.got
    assert answer["UnservedCost"] == service.unserved_cost
    plan = Plan.from_json({k: v for k, v in tick(fake, asking).items() if k != "applied"})
    assert plan.service == service
    assert "of the burst 0.01 may be missed" in plan.explain()


def test_a_model_survives_the_real_table(account: Account) -> None:
    account.put(155)
    answer = learn.run(event(), clients=account.clients, deadline=Deadline.of(None))
    assert (answer["outcome"], answer["failed_calls"]) == ("learned", 0)
    [item] = of("dynamodb").scan(TableName=TABLE)["Items"]
    model = MODELS.read(item).model()
    assert model is not None
    assert model.recent[-1] == pytest.approx(15.5)
    assert account.tick()["applied"]["failed_calls"] == 0


def test_the_tick_imports_neither_the_learner_nor_numpy() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(LAMBDA)!r}); import peakfleet_handlers.tick; "
        "print(*({'numpy', 'peakfleet_learner'} & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603  the test's own command
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_a_model_is_learned_for_boots_as_they_were_measured() -> None:
    fake = watched(days=0.2)
    boots = {"M": {"c8g.large": {"L": [{"N": "500"}] * 9}}}
    fake.table["Media/Live", "READY#Graviton"] = {
        **BOOTS.key("Media/Live", "Graviton"),
        "seconds": boots,
        "launched": {"M": {}},
        "expires_at": {"N": str(NOW + DAY_SECONDS)},
    }
    lesson(fake)
    assert model_in(fake).basis.boot_minutes == 9


def test_demand_that_is_read_by_the_second_is_learned_as_seen_without_delay() -> None:
    metrics = {"m": replace(STREAMS.metrics["m"], period_seconds=10)}
    by_the_minute, by_the_second = watched(days=0.2), watched(days=0.2)
    lesson(by_the_minute)
    lesson(by_the_second, replace(FLEET, signals=(replace(STREAMS, metrics=metrics),)))
    first, sooner = model_in(by_the_minute), model_in(by_the_second)
    assert sooner.recent == first.recent
    assert sooner.grow.first_minute == first.grow.first_minute - 1
