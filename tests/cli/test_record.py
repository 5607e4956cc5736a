"""`peakfleet record` against CloudWatch in moto."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from peakfleet_cli.main import app
from peakfleet_cli.record.demand_file import DemandFile, RecordError
from peakfleet_cli.record.recording import (
    Recorded,
    Recording,
    finest_period_seconds,
    series_of_fleet,
    series_of_metric,
)
from peakfleet_planner import (
    BacklogSignal,
    FleetSpec,
    Metric,
    PoolSpec,
    RateSignal,
    SilenceRule,
    WhenSilent,
)
from peakfleet_sim import load_demand

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
STREAMS = Metric(namespace="Live", metric_name="Streams", dimensions={"Site": "A"})


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield


def publish(values: dict[int, float], *, metric: str = "Streams", namespace: str = "Live") -> None:
    """Publish values by how many minutes ago they were measured."""
    cloudwatch = boto3.client("cloudwatch")
    data = [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": "Site", "Value": "A"}],
            "Timestamp": NOW - timedelta(minutes=ago),
            "Value": value,
        }
        for ago, value in values.items()
    ]
    for first in range(0, len(data), 500):
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[first : first + 500])


def record(
    path: Path,
    *,
    ago_minutes: float,
    metric: Metric = STREAMS,
    step_seconds: int = 60,
    now: datetime = NOW,
    silent_is_zero: bool = False,
) -> Recorded:
    file = DemandFile(path=path, step_seconds=step_seconds)
    return Recording(
        series=(series_of_metric(metric, silent_is_zero=silent_is_zero),),
        file=file,
        period_seconds=file.step_seconds,
        now=now,
    ).run(start=now - timedelta(minutes=ago_minutes))


def values(path: Path) -> list[float]:
    return [float(line.split(",")[1]) for line in path.read_text().splitlines()[1:]]


def test_what_is_recorded_can_be_replayed(tmp_path: Path) -> None:
    publish({ago: 100.0 + ago for ago in range(60)})
    path = tmp_path / "new" / "demand.csv"
    recorded = record(path, ago_minutes=30)
    demand = load_demand(path)

    assert demand.start == NOW - timedelta(minutes=30)
    assert demand.units.tolist() == [100.0 + ago for ago in range(30, 2, -1)]
    assert (recorded.rows, recorded.filled, recorded.clipped) == (28, 0, False)
    assert recorded.ends == NOW - timedelta(minutes=2)


def test_a_gap_is_bridged_and_counted(tmp_path: Path) -> None:
    publish({9: 10.0, 8: 20.0, 5: 50.0, 4: 60.0})
    recorded = record(tmp_path / "demand.csv", ago_minutes=30)

    assert values(tmp_path / "demand.csv") == [10, 20, 30, 40, 50, 60]
    assert recorded.filled == 2


def test_silence_is_zero_only_if_said_so(tmp_path: Path) -> None:
    publish({9: 10.0, 6: 40.0})
    record(tmp_path / "demand.csv", ago_minutes=30, silent_is_zero=True)

    assert values(tmp_path / "demand.csv") == [10, 0, 0, 40, 0, 0, 0]


def test_a_file_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "demand.csv"
    publish({ago: float(ago) for ago in range(60) if ago != 30})
    earlier = record(path, ago_minutes=50, now=NOW - timedelta(minutes=28))
    again = record(path, ago_minutes=50, now=NOW - timedelta(minutes=28))
    later = record(path, ago_minutes=50)
    in_one_go = tmp_path / "other.csv"
    record(in_one_go, ago_minutes=50 + 28)

    assert (earlier.rows, again.rows) == (29, 0)  # from 59 minutes ago, there is nothing before
    assert (later.begins, later.filled) == (NOW - timedelta(minutes=30), 1)
    assert path.read_text() == in_one_go.read_text()


def test_a_row_that_was_half_written_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "demand.csv"
    publish({ago: float(ago) for ago in range(60)})
    record(path, ago_minutes=50)
    whole = path.read_text()
    path.write_text(whole[:-9])
    record(path, ago_minutes=50)

    assert path.read_text() == whole


def test_a_gzipped_file_goes_on_too(tmp_path: Path) -> None:
    path = tmp_path / "demand.csv.gz"
    publish({ago: float(ago) for ago in range(60)})
    record(path, ago_minutes=50, now=NOW - timedelta(minutes=20))
    record(path, ago_minutes=50)

    assert len(gzip.decompress(path.read_bytes()).splitlines()) == 1 + 57
    assert load_demand(path).units[-1] == 3


@pytest.mark.slow
def test_days_are_read_a_piece_at_a_time(tmp_path: Path) -> None:
    publish({ago: float(ago % 97) for ago in range(0, 3 * 1440, 1)})
    recorded = record(tmp_path / "demand.csv", ago_minutes=3 * 1440 - 1)

    assert recorded.rows == 3 * 1440 - 3
    assert values(tmp_path / "demand.csv")[-1] == 3


def test_sums_are_recorded_by_the_second_at_any_step(tmp_path: Path) -> None:
    publish(dict.fromkeys(range(90), 120.0))
    sums = Metric(
        namespace="Live", metric_name="Streams", dimensions={"Site": "A"}, statistic="Sum"
    )
    record(tmp_path / "minutes.csv", ago_minutes=30, metric=sums)
    record(tmp_path / "fives.csv", ago_minutes=60, metric=sums, step_seconds=300)

    assert set(values(tmp_path / "minutes.csv")) == {2.0}
    assert set(values(tmp_path / "fives.csv")) == {2.0}


def test_nothing_older_than_cloudwatch_keeps_is_asked_for(tmp_path: Path) -> None:
    publish(dict.fromkeys(range(10), 1.0))
    recorded = record(tmp_path / "demand.csv", ago_minutes=20 * 1440)

    assert recorded.clipped
    assert finest_period_seconds(NOW - timedelta(days=15), NOW) == 60
    assert finest_period_seconds(NOW - timedelta(days=63), NOW) == 300
    assert finest_period_seconds(NOW - timedelta(days=900), NOW) == 3600


def test_a_file_that_ended_too_long_ago_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "demand.csv"
    path.write_text("timestamp_utc,demand\n2020-01-01T00:00:00Z,1\n2020-01-01T00:01:00Z,2\n")

    with pytest.raises(RecordError, match="keeps for 15 days: start a new file"):
        record(path, ago_minutes=30)


def fleet(*signals: RateSignal | BacklogSignal) -> FleetSpec:
    pool = PoolSpec(name="Arm", group="arm", units_per_capacity=1, max_capacity=9)
    return FleetSpec(fleet="Media/Live", pools=(pool,), signals=signals)


def rate(metric: str, *, per_value: float, rule: SilenceRule = SilenceRule.HOLD) -> RateSignal:
    return RateSignal(
        name=metric,
        metrics={
            "m": Metric(
                namespace="Live", metric_name=metric, dimensions={"Site": "A"}, statistic="Sum"
            )
        },
        expression="m / 60",
        units_per_value=per_value,
        when_silent=WhenSilent(rule=rule),
    )


def deploy(spec: FleetSpec) -> None:
    """Make the schedule that a deployment makes, beside another one."""
    scheduler: Any = boto3.client("scheduler")
    sent = {"scheduled_time": "<aws.scheduler.scheduled-time>", "spec": spec.to_json()}
    for name, text in (("other", "tick"), ("ours", json.dumps(sent))):
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression="rate(1 minute)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:tick",
                "RoleArn": "arn:aws:iam::123456789012:role/scheduler",
                "Input": text,
            },
        )


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["record", *map(str, arguments)])


def test_a_deployed_fleet_is_recorded_by_its_own_signals_the_largest_counts(
    tmp_path: Path,
) -> None:
    deploy(fleet(rate("Streams", per_value=2), rate("Viewers", per_value=1)))
    publish(dict.fromkeys(range(40), 600.0))
    publish({ago: 60.0 * ago for ago in range(40)}, metric="Viewers")
    path = tmp_path / "demand.csv"
    window = (
        "--from",
        f"{NOW - timedelta(minutes=40)}",
        "--until",
        f"{NOW - timedelta(minutes=5)}",
    )
    result = command(path, "--fleet", "Media/Live", *window)

    assert result.exit_code == 0, result.output
    assert values(path)[:3] == [39, 38, 37]
    assert values(path)[-1] == 20
    assert "34 rows from" in result.stdout


def test_a_backlog_is_recorded_by_what_was_sent_to_its_queue(tmp_path: Path) -> None:
    waiting = Metric(
        namespace="AWS/SQS",
        metric_name="ApproximateNumberOfMessagesVisible",
        dimensions={"Site": "A"},
        statistic="Maximum",
    )
    jobs = BacklogSignal(
        name="jobs", metrics={"waiting": waiting}, seconds_per_item=90, drain_within_seconds=600
    )
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(fleet(jobs).to_json()))
    publish({20: 40.0, 18: 80.0}, metric="NumberOfMessagesSent", namespace="AWS/SQS")
    path = tmp_path / "demand.csv"
    since = f"{NOW - timedelta(minutes=30)}"
    result = command(path, "--fleet", "Media/Live", "--spec", spec, "--from", since)

    assert result.exit_code == 0, result.output
    assert values(path)[:4] == [60, 0, 120, 0]  # 40 messages of 90 s keep 60 units busy


def test_a_backlog_of_something_else_says_what_to_record_instead() -> None:
    depth = Metric(namespace="Farm", metric_name="Jobs")
    jobs = BacklogSignal(
        name="jobs", metrics={"waiting": depth}, seconds_per_item=90, drain_within_seconds=600
    )
    with pytest.raises(RecordError, match="signal 'jobs' is a backlog of Farm/Jobs"):
        series_of_fleet(fleet(jobs))


def test_any_metric_is_recorded_by_name(tmp_path: Path) -> None:
    publish(dict.fromkeys(range(30), 5.0))
    path = tmp_path / "demand.csv"
    arguments = (
        path, "--namespace", "Live", "--metric", "Streams", "--dimension", "Site=A",
        "--units-per-value", 2, "--from", f"{NOW - timedelta(minutes=20)}",
        "--until", f"{NOW - timedelta(minutes=5)}",
    )  # fmt: skip

    assert command(*arguments).exit_code == 0
    assert set(values(path)) == {10.0}
    assert "there was nothing new" in command(*arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a deployed fleet with --fleet, or --namespace and --metric"),
        (
            ["--fleet", "Media/X"],
            "there is no fleet 'Media/X' in eu-west-1; did you mean Media/Live?",
        ),
        (["--fleet", "Media/Live", "--metric", "M"], "leave --namespace and --metric out"),
        (["--namespace", "N", "--metric", "M", "--dimension", "Site"], "must be NAME=VALUE"),
        (["--namespace", "Nowhere", "--metric", "M"], "knows no namespace 'Nowhere' in eu-west-1"),
        (
            ["--namespace", "Live", "--metric", "Strems"],
            "no metric Live/Strems in eu-west-1; it has Streams",
        ),
        (
            ["--namespace", "Live", "--metric", "Streams", "--dimension", "Site=B"],
            "no metric Live/Streams with Site=B in eu-west-1; it has it with Site=A",
        ),
    ],
)
def test_what_cannot_be_recorded_is_said(
    tmp_path: Path, arguments: Sequence[str], says: str
) -> None:
    deploy(fleet(rate("Streams", per_value=2)))
    publish({5: 1.0})
    result = command(tmp_path / "demand.csv", *arguments)

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "demand.csv").exists()
    assert says in result.stderr


def test_a_step_that_differs_from_the_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demand.csv"
    path.write_text("timestamp_utc,demand\n2026-01-01T00:00:00Z,1\n2026-01-01T00:05:00Z,2\n")
    result = command(path, "--namespace", "N", "--metric", "M", "--period", 60)

    assert result.exit_code == 1
    assert "has a step of 300 s, not of 60 s" in result.stderr
