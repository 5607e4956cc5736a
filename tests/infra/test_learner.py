"""What learns for a fleet: only where it can, once an hour, allowed to do little."""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match, Template

from peakfleet import CapacityPool, DemandSignal, Foresight, ServiceLevel, SpecError
from peakfleet.control_plane import numpy_layer as numpy
from peakfleet.control_plane import readable
from peakfleet.prefetch import prefetch
from peakfleet.testing import fleet_specs
from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.learn import run
from peakfleet_learner import SETTLING_MINUTES
from peakfleet_planner.forecast import RecordedDemand
from peakfleet_planner.spec import MINUTE_SECONDS
from tests.handlers.fake_aws import FakeAws
from tests.infra.fleets import burst_fleet, function, metric, new_stack, only, properties
from tests.infra.test_scaler import permissions

SCHEDULE = "AWS::Scheduler::Schedule"
LAYER = "AWS::Lambda::LayerVersion"


@pytest.fixture(name="template", scope="module")
def _template() -> Template:
    stack = new_stack()
    burst_fleet(stack, foresight=Foresight.learned())
    return Template.from_stack(stack)


def lesson(template: Template) -> dict[str, Any]:
    """Return the schedule that is not the tick's."""
    (found,) = [
        schedule
        for schedule in properties(template, SCHEDULE)
        if schedule["ScheduleExpression"] != "rate(1 minute)"
    ]
    return found


def learner(template: Template) -> dict[str, Any]:
    _, found = function(template, "learn")
    return found


def jobs(stack: Stack) -> DemandSignal:
    return DemandSignal.queue_backlog(
        sqs.Queue(stack, "Jobs"), seconds_per_message=90, drain_within=Duration.minutes(10)
    )


def test_a_fleet_of_live_signals_learns_unless_it_is_told_otherwise() -> None:
    stack = new_stack()
    two = [DemandSignal.metric(metric("One")), DemandSignal.metric(metric("Two"))]
    assert burst_fleet(stack, "Two", foresight=None, signals=two).learner is not None
    assert burst_fleet(stack, "Default", foresight=None).learner is not None
    by_seconds = DemandSignal.metric(metric(period=Duration.seconds(10)))
    assert burst_fleet(stack, "Fast", foresight=None, signals=[by_seconds]).learner is not None
    assert burst_fleet(stack, "Off", foresight=Foresight.off()).learner is None


def test_a_fleet_that_cannot_learn_has_no_learner() -> None:
    stack = new_stack()
    slow = CapacityPool.graviton(
        "c8g.4xlarge", units_per_instance=16, max_instances=50, boot=Duration.hours(1)
    )
    learned = {"foresight": Foresight.learned()}
    fleets = (
        burst_fleet(stack, "Queue", signals=[jobs(stack)], **learned),
        burst_fleet(stack, "Slow", pools=[slow], **learned),
    )
    assert [fleet.learner for fleet in fleets] == [None] * 2
    assert not Template.from_stack(stack).find_resources(LAYER)


def test_a_queue_that_may_not_wait_for_new_capacity_is_learned() -> None:
    stack = new_stack()
    tight = DemandSignal.queue_backlog(
        sqs.Queue(stack, "Tight"), seconds_per_message=20, drain_within=Duration.minutes(2)
    )
    assert burst_fleet(stack, "Queue", foresight=None, signals=[tight]).learner is not None
    level = ServiceLevel.miss_at_most(0.01)
    burst_fleet(stack, "Share", foresight=None, signals=[tight], service_level=level)
    with pytest.raises(RuntimeError, match="miss_at_most needs"):
        Template.from_stack(stack)


def test_the_synth_says_why_demand_is_not_learned_unless_that_is_meant() -> None:
    stack = new_stack()
    both = [jobs(stack), DemandSignal.metric(metric("One"))]
    slow = [DemandSignal.metric(metric("Two").with_(period=Duration.minutes(5)))]
    assert burst_fleet(stack, "Both", foresight=None, signals=both).learner is not None
    burst_fleet(stack, "Slow", foresight=None, signals=slow)
    burst_fleet(stack, "Off", foresight=Foresight.off(), signals=slow)
    burst_fleet(stack, "Waits", foresight=None, signals=both[:1])
    told = Annotations.from_stack(stack)
    told.has_info("/Media/Slow", Match.string_like_regexp("read in periods of 300 seconds"))
    told.has_no_info("/Media/Off", Match.string_like_regexp("not learned"))
    told.has_no_info("/Media/Waits", Match.string_like_regexp("not learned"))


def recording_file(folder: Path, step: str = "00:01", header: str = "timestamp_utc,demand") -> Path:
    first = datetime(2026, 3, 1, tzinfo=UTC)
    minutes = int(step.split(":")[1])
    rows = [
        f"{first + timedelta(minutes=minutes * at):%Y-%m-%dT%H:%M:%SZ},{at}"
        for at in range(2 * 1440 // minutes)
    ]
    file = folder / "demand.csv.gz"
    file.write_bytes(gzip.compress("\n".join([header, *rows]).encode()))
    return file


@pytest.mark.parametrize("step", ["00:01", "00:15"])
def test_a_recording_goes_with_the_lesson_and_with_nothing_else(tmp_path: Path, step: str) -> None:
    stack = new_stack()
    burst_fleet(stack, foresight=Foresight.from_recording(recording_file(tmp_path, step)))
    sent = [
        json.loads(readable(found["Target"]["Input"]))
        for found in properties(Template.from_stack(stack), SCHEDULE)
    ]
    (text,) = [one["recorded"] for one in sent if "recorded" in one]
    recorded = RecordedDemand.unpacked(text)
    assert recorded.first_minute * 60 == datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    assert len(recorded.values) == 2 * 1440
    assert recorded.values[14:17] == ((14, 15, 16) if step == "00:01" else (0, 1, 1))


def test_a_recording_that_cannot_be_read_says_what_can(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"header must be timestamp_utc,demand, .*demand check"):
        Foresight.from_recording(recording_file(tmp_path, header="time,value"))
    with pytest.raises(SpecError, match="cannot be read as a recording"):
        Foresight.from_recording(tmp_path / "missing.csv")


def test_a_share_that_may_be_missed_is_sent_with_a_worth_to_begin_with() -> None:
    stack = new_stack()
    level = ServiceLevel.miss_at_most(0.01)
    burst_fleet(stack, foresight=Foresight.learned(), service_level=level)

    sent = fleet_specs(Template.from_stack(stack))["Media/Live"].service_level
    assert (sent.miss_at_most, sent.unserved_cost) == (0.01, 30)


@pytest.mark.parametrize("share", [0, -0.1, 0.6, float("nan")])
def test_a_share_that_cannot_be_meant_is_refused(share: float) -> None:
    with pytest.raises(SpecError, match="miss_at_most must be"):
        ServiceLevel.miss_at_most(share)


def test_a_fleet_that_does_not_learn_cannot_be_held_to_a_share() -> None:
    stack = new_stack()
    burst_fleet(stack, foresight=Foresight.off(), service_level=ServiceLevel.miss_at_most(0.01))

    with pytest.raises(RuntimeError, match="miss_at_most needs a fleet that learns"):
        Template.from_stack(stack)


def test_a_signal_that_is_added_later_is_learned_too() -> None:
    fleet = burst_fleet(new_stack(), signals=[], foresight=None)
    assert fleet.learner is None
    fleet.add_signal(DemandSignal.metric(metric()))
    assert fleet.learner is not None


def test_it_learns_every_hour_and_forgets_a_lesson_that_comes_late(template: Template) -> None:
    schedule = lesson(template)
    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] == 3600


def test_the_learner_reads_what_its_schedule_sends(template: Template) -> None:
    sent = json.loads(readable(lesson(template)["Target"]["Input"]))
    assert sent["scheduled_time"] == "<aws.scheduler.scheduled-time>"
    event = {**sent, "scheduled_time": "2027-01-15T08:00:00Z"}
    answer = run(event, clients=FakeAws().clients, deadline=Deadline.of(None))
    assert answer["outcome"] == "no-history"


def test_the_tick_reads_back_to_the_last_lesson_even_when_that_was_half_an_hour_late(
    template: Template,
) -> None:
    spec = fleet_specs(template)["Media/Live"]
    since_learned_seconds = 3600 + 60 * SETTLING_MINUTES + MINUTE_SECONDS
    assert spec.service_level.history_seconds > since_learned_seconds + 1800


def test_it_runs_on_arm_with_numpy_and_time_enough(template: Template) -> None:
    learns = learner(template)
    assert (learns["Runtime"], learns["Architectures"]) == ("python3.13", ["arm64"])
    assert (learns["MemorySize"], learns["Timeout"]) == (1769, 600)
    (layer,) = template.find_resources(LAYER)
    assert learns["Layers"] == [{"Ref": layer}]
    assert only(template, LAYER)["CompatibleArchitectures"] == ["arm64"]
    assert only(template, LAYER)["CompatibleRuntimes"] == ["python3.13"]


def test_tick_and_learner_are_the_same_code_and_only_one_has_numpy(template: Template) -> None:
    (_, tick), learns = function(template, "scaler"), learner(template)
    assert tick["Code"] == learns["Code"]
    assert "Layers" not in tick


def test_it_may_read_metrics_and_keep_its_model_and_nothing_else(template: Template) -> None:
    allowed = permissions(template, of="Learns the demand of the fleets of Media")
    assert set(allowed) == {
        "cloudwatch:GetMetricData",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
    }
    assert allowed["dynamodb:PutItem"]["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["Media/Live"]}
    }


def test_the_fleets_of_a_stack_share_one_numpy() -> None:
    stack = new_stack()
    for name in ("First", "Second"):
        burst_fleet(stack, name, foresight=Foresight.learned())
    Template.from_stack(stack).resource_count_is(LAYER, 1)


def test_without_numpy_and_network_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SpecError, match=r"Media/Live.* run `python -m peakfleet.prefetch` once"):
        burst_fleet(new_stack(), foresight=Foresight.learned())


def test_without_a_home_that_can_be_written_numpy_is_kept_among_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nope")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = numpy.layer_file()
    assert found.parent.parent == tmp_path
    assert found.parent.stat().st_mode & 0o077 == 0  # nobody else puts a layer there


def test_nowhere_to_write_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nope")
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nope")
    with pytest.raises(RuntimeError, match="set XDG_CACHE_HOME to a folder that can be written"):
        prefetch()


def test_without_pip_the_error_names_ways_that_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(RuntimeError, match=r"uv run --with pip .*prefetch WHEEL` with a wheel"):
        prefetch()


def test_another_wheel_than_numpys_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wheel = tmp_path / "numpy.whl"
    wheel.write_bytes(b"something else")
    with pytest.raises(RuntimeError, match=r"is not the wheel of numpy .* whose SHA-256 is"):
        prefetch(wheel)
    assert not numpy.layer_file().exists()


def test_numpy_that_was_fetched_is_not_fetched_again() -> None:
    before = numpy.layer_file().stat()
    assert prefetch() == numpy.layer_file()
    assert numpy.layer_file().stat().st_mtime_ns == before.st_mtime_ns


def test_what_cannot_be_fetched_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(
        RuntimeError, match=r"numpy 2\.\d\.\d for Lambda could not be fetched: ERROR"
    ):
        prefetch()
    assert list((tmp_path / "peakfleet").iterdir()) == []


def test_the_layer_holds_what_runs_on_lambda_and_its_licence() -> None:
    with zipfile.ZipFile(numpy.layer_file()) as layer:
        names = layer.namelist()
        unpacked_bytes = sum(entry.file_size for entry in layer.infolist())
    assert all(name.startswith("python/numpy") for name in names)
    assert any(name.endswith(".cpython-313-aarch64-linux-gnu.so") for name in names)
    assert any("/licenses/" in name for name in names)
    assert not [name for name in names if "/tests/" in name or name.endswith((".pyi", ".a"))]
    assert unpacked_bytes < 60 * 1024 * 1024


def test_the_same_wheel_makes_the_same_layer(tmp_path: Path) -> None:
    wheel = tmp_path / "numpy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("b.py", "a.py", "tests/test_a.py", "a.pyi", "include/a.h"):
            archive.writestr(f"numpy/{name}", name)
        archive.writestr("numpy-1.0.dist-info/licenses/tests/LICENSE", "free")
    for name in ("first.zip", "second.zip"):
        numpy.make_layer(wheel, tmp_path / name)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert zipfile.ZipFile(tmp_path / "first.zip").namelist() == [
        "python/numpy-1.0.dist-info/licenses/tests/LICENSE",
        "python/numpy/a.py",
        "python/numpy/b.py",
    ]
