"""The reporter sends what it measured, with the time of that, once or never."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_reporter.command import main
from peakfleet_reporter.publisher import NotPublishedError, Publisher, cloudwatch
from peakfleet_reporter.reporter import Outcome, Reporter
from peakfleet_reporter.sources import (
    CommandSource,
    FileSource,
    HealthSource,
    Measurement,
    PrometheusSource,
    SourceError,
)
from peakfleet_reporter.systemd import JournalFormatter

NOW = 1_790_000_000


class Cloud:
    """A CloudWatch whose link can be cut, and the clocks of service and host."""

    def __init__(self, *, host_slow_seconds: float = 0) -> None:
        self.passed = 0.0
        self.host_slow_seconds = host_slow_seconds
        self.cut = self.refuses = False
        self.data: list[dict[str, Any]] = []

    def wall(self) -> float:
        return NOW + self.passed - self.host_slow_seconds

    def ticking(self) -> float:
        return 500 + self.passed

    def put_metric_data(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401  as boto3 has it
        date = format_datetime(datetime.fromtimestamp(NOW + self.passed, UTC), usegmt=True)
        answer = {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}
        if self.cut:
            raise EndpointConnectionError(endpoint_url="https://monitoring")
        if self.refuses:
            raise ClientError({**answer, "Error": {"Code": "RequestExpired"}}, "PutMetricData")  # type: ignore[typeddict-item]  # as botocore gives it
        self.data += request["MetricData"]
        return answer

    def units(self) -> list[tuple[float, float]]:
        """Return what was reported: seconds since the beginning, and units."""
        found = [one for one in self.data if one["MetricName"] == "HealthyUnits"]
        return [(one["Timestamp"].timestamp() - NOW, one["Value"]) for one in found]

    def beats(self) -> list[float]:
        return [one["Value"] for one in self.data if one["MetricName"] == "Reporting"]


class Site:
    """A source that says what it is told."""

    def __init__(self, units: float | None = 360, age_seconds: float = 0) -> None:
        self.units, self.age_seconds = units, age_seconds

    def measure(self) -> Measurement:
        if self.units is None:
            raise SourceError("nobody answers")
        return Measurement(self.units, self.age_seconds)


def reporter(cloud: Cloud, site: Site, **options: Any) -> Reporter:  # noqa: ANN401  as a reporter has them
    publisher = Publisher(
        client=cloud,
        namespace="OnPrem/live/fra",
        metric="HealthyUnits",
        region="eu-central-1",
        wall=cloud.wall,
        ticking=cloud.ticking,
        share=options.pop("share", 1.0),
    )
    return Reporter(
        source=site,
        publishers=[publisher],
        wall=cloud.wall,
        ticking=cloud.ticking,
        tell=lambda _: None,
        **options,
    )


def minutes(cloud: Cloud, one: Reporter, count: int) -> list[Outcome]:
    found = []
    for _ in range(count):
        found.append(one.report())
        cloud.passed += 60
    return found


@given(links=st.lists(st.booleans(), min_size=1, max_size=30))
def test_no_value_is_ever_sent_later_than_it_was_measured(links: list[bool]) -> None:
    cloud, site = Cloud(), Site()
    one = reporter(cloud, site)
    for minute, there in enumerate(links):
        cloud.cut, site.units = not there, float(minute)
        minutes(cloud, one, 1)
    sent = [(60.0 * minute, float(minute)) for minute, there in enumerate(links) if there]
    assert cloud.units() == sent


def test_after_an_outage_it_says_what_it_dropped(caplog: pytest.LogCaptureFixture) -> None:
    cloud = Cloud()
    one = reporter(cloud, Site())
    cloud.cut = True
    assert minutes(cloud, one, 3) == [Outcome.NOT_PUBLISHED] * 3
    cloud.cut = False
    with caplog.at_level(logging.INFO):
        assert minutes(cloud, one, 2) == [Outcome.PUBLISHED] * 2
    (said,) = [record.message for record in caplog.records if "again" in record.message]
    assert "takes reports again; 3 of 14:13:20 UTC to 14:15:20 UTC were dropped" in said
    assert cloud.units() == [(180, 360), (240, 360)]


def test_a_source_that_fails_reports_no_units_and_a_heart_that_beats() -> None:
    cloud, site = Cloud(), Site(units=None)
    assert minutes(cloud, reporter(cloud, site), 1) == [Outcome.NOT_MEASURED]
    assert (cloud.units(), cloud.beats()) == ([], [0.0])


def test_the_heartbeat_stands_where_it_arrived() -> None:
    cloud = Cloud()
    minutes(cloud, reporter(cloud, Site()), 1)
    (beat,) = [one for one in cloud.data if one["MetricName"] == "Reporting"]
    assert "Timestamp" not in beat


@given(slow=st.integers(-3600, 3600), age=st.integers(0, 100))
def test_times_are_those_of_the_service_however_wrong_the_hosts_clock_is(
    slow: int, age: int
) -> None:
    cloud = Cloud(host_slow_seconds=slow)
    one = reporter(cloud, Site(age_seconds=age))
    cloud.refuses = True  # a clock that is far off is refused at first, and the answer has a date
    minutes(cloud, one, 1)
    cloud.refuses = False
    minutes(cloud, one, 2)
    assert [at for at, _ in cloud.units()] == [60 - age, 120 - age]


@pytest.mark.parametrize(("slow", "words"), [(600, "600 s slow"), (-600, "600 s fast"), (20, "")])
def test_a_wrong_clock_is_said_once(
    slow: float, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = Cloud(host_slow_seconds=slow)
    minutes(cloud, reporter(cloud, Site()), 3)
    said = [record.message for record in caplog.records if "clock" in record.message]
    assert (len(said) == 1 and words in said[0]) if words else not said


def test_more_than_was_declared_is_never_reported() -> None:
    cloud = Cloud()
    minutes(cloud, reporter(cloud, Site(units=900), declared_units=400.0), 1)
    assert cloud.units() == [(0, 400)]


def test_a_region_is_told_its_share() -> None:
    cloud = Cloud()
    minutes(cloud, reporter(cloud, Site(), share=0.25), 1)
    assert cloud.units() == [(0, 90)]


def test_it_reports_once_in_a_period_and_always_at_the_same_place_in_it() -> None:
    cloud = Cloud()
    told: list[str] = []
    one = reporter(cloud, Site(), offset_seconds=17.0)
    one.tell = told.append
    one.sleep = lambda seconds: setattr(cloud, "passed", cloud.passed + seconds)
    one.run(stopped=lambda: len(cloud.beats()) == 4)
    assert [(NOW + at) % 60 for at, _ in cloud.units()[1:]] == [17, 17, 17]
    assert told == ["READY=1\nWATCHDOG=1"] * 4


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_command_says_one_number() -> None:
    assert CommandSource(python("print(360.5)")).measure() == Measurement(360.5)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('up')", "one number, got 'up'"),
        ("print(-1)", "at least 0"),
        ("print('nan')", "at least 0"),
        ("print(3); raise SystemExit(4)", "ended with status 4"),
        ("import time; time.sleep(9)", "took over 0.2 s"),
    ],
)
def test_what_is_no_number_in_time_is_no_measurement(code: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        CommandSource(python(code), timeout_seconds=0.2 if "sleep" in code else 9).measure()


def test_a_file_is_as_old_as_its_last_change(tmp_path: Path) -> None:
    units = tmp_path / "units"
    units.write_text("42\n")
    assert FileSource(units).measure().units == 42
    with pytest.raises(SourceError, match="s old, more than 1e-09 s"):
        FileSource(units, most_age_seconds=1e-9).measure()


@contextmanager
def web(answer: Callable[[str], tuple[int, str]]) -> Iterator[str]:
    """Answer GET requests, by path and query."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_servers_that_answer_are_counted() -> None:
    with web(lambda path: (503 if path == "/3" else 200, "")) as url:
        urls = [*(f"{url}/{n}" for n in range(4)), "http://127.0.0.1:1/"]
        assert HealthSource(urls, units_each=120.0).measure() == Measurement(360)


def prometheus(path: str, *, sampled: float) -> tuple[int, str]:
    (query,) = parse_qs(urlsplit(path).query)["query"]
    value = sampled if "timestamp" in query else 7
    result = [{"metric": {}, "value": [NOW, str(value)]}]
    if query == "none":
        result = []
    return 200, json.dumps({"data": {"resultType": "vector", "result": result}})


def test_a_sample_of_prometheus_is_as_old_as_it_was_scraped() -> None:
    with web(lambda path: prometheus(path, sampled=NOW - 15)) as url:
        assert PrometheusSource(url, "units").measure() == Measurement(7, 15)
        with pytest.raises(SourceError, match="must return one sample, got a vector of 0"):
            PrometheusSource(url, "none").measure()


def test_a_sample_that_prometheus_still_remembers_is_no_measurement() -> None:
    with (
        web(lambda path: prometheus(path, sampled=NOW - 290)) as url,
        pytest.raises(SourceError, match="290 s old, more than 120 s"),
    ):
        PrometheusSource(url, "units").measure()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--file", "x", "--region", "a=0.7", "--region", "b=0.7"], "must be at most 1"),
        (["--health-url", "ftp://x"], "must begin with http"),
        (["--prometheus", "http://x"], "needs --query"),
        (["--file", "x", "--dimension", "Site"], "must be NAME=VALUE"),
        ([], "one of the arguments"),
    ],
)
def test_wrong_options_are_refused(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--namespace", "OnPrem/live/fra", *options])
    assert refused.value.code == 2
    assert words in capsys.readouterr().err


def test_lines_of_the_journal_begin_with_their_priority() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "cut\noff", None, None)
    assert JournalFormatter("%(message)s").format(record) == "<3>cut | off"


def test_finished_items_are_reported_by_the_minute_and_an_outage_is_left_out() -> None:
    cloud, counter = Cloud(), Site(units=1000)
    one = reporter(cloud, Site(), counter=counter, share=0.5)
    for rise in (40, 0, 20, None, 30, 10):
        cloud.cut = rise == 0
        counter.units = None if rise is None else (counter.units or 1060) + rise
        one.report()
        cloud.passed += 60
    taken = [item["Value"] for item in cloud.data if item["MetricName"] == "TakenItems"]
    # The first and the one after a failure have nothing before them; what was cut off is dropped.
    assert taken == [10, 5]


def test_a_counter_that_begins_anew_is_not_reported() -> None:
    cloud, counter = Cloud(), Site(units=1000)
    one = reporter(cloud, Site(), counter=counter)
    for count in (1000, 5, 35):
        counter.units = count
        minutes(cloud, one, 1)
    taken = [item["Value"] for item in cloud.data if item["MetricName"] == "TakenItems"]
    assert taken == [30]


def test_one_measurement_alone_says_nothing_of_what_was_finished(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--namespace", "N", "--command", "true", "--taken", "true", "--once"]
    with pytest.raises(SystemExit):
        main(options)
    assert "cannot be used with --once" in capsys.readouterr().err


def test_the_region_is_that_of_the_environment_file_and_without_one_the_way_out_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(NotPublishedError, match="--region or AWS_REGION"):
        cloudwatch(None, None)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert cloudwatch(None, None).meta.region_name == "eu-central-1"
    assert cloudwatch("eu-west-1", None).meta.region_name == "eu-west-1"
