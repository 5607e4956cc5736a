"""The publisher of NeuronCore metrics, on what neuron-monitor prints."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_instance.neuron_metrics import CONFIGURATION, Health, Publisher, follow
from peakfleet_instance.neuron_report import read_report
from tests.instance.neuron_documents import INSTANCE_ID, document, line, process

ROOT = Path(__file__).parents[2]
LATENCY = {"p0": 0.003, "p50": 0.0035, "p99": 0.005, "p100": 0.0075}


class FakeCloudWatch:
    """Datapoints by metric name and number of dimensions; refuses them while `broken`."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, int], list[tuple[float, float]]] = {}
        self.namespaces: set[str] = set()
        self.broken = False

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> object:  # noqa: N803  boto3's own names
        if self.broken:
            raise ConnectionError("CloudWatch does not answer")
        self.namespaces.add(Namespace)
        for one in MetricData:
            key = (one["MetricName"], len(one["Dimensions"]))
            self.points.setdefault(key, []).append((one["Timestamp"], one["Value"]))
        return {}

    def values(self, name: str) -> list[float]:
        return [value for _, value in self.points.get((name, 1), [])]


class FakeAutoScaling:
    """The health that each instance was given; refuses calls while `broken`."""

    def __init__(self) -> None:
        self.health: dict[str, str] = {}
        self.calls = 0
        self.broken = 0

    def set_instance_health(
        self,
        *,
        InstanceId: str,  # noqa: N803  boto3's own names
        HealthStatus: str,  # noqa: N803  boto3's own names
        ShouldRespectGracePeriod: bool,  # noqa: N803  boto3's own names
    ) -> object:
        self.calls += 1
        assert not ShouldRespectGracePeriod
        if self.broken:
            self.broken -= 1
            raise ConnectionError("Auto Scaling does not answer")
        self.health[InstanceId] = HealthStatus
        return {}


class Monitor:
    """Prints its lines five seconds apart, from 12:00:00 on; a clock for who listens."""

    def __init__(self, lines: Iterable[str], *, seconds_apart: float = 5) -> None:
        self._lines = lines
        self._seconds_apart = seconds_apart
        self.seconds = 43_200.0

    def __iter__(self) -> Any:  # noqa: ANN401  a generator of lines
        for one in self._lines:
            yield one
            self.seconds += self._seconds_apart

    def now(self) -> float:
        return self.seconds


def publish(
    *minutes: list[str], autoscaling: FakeAutoScaling | None = None
) -> tuple[FakeCloudWatch, FakeAutoScaling]:
    """Publish whole minutes of twelve lines each, and one more line that ends the last minute."""
    cloudwatch, autoscaling = FakeCloudWatch(), autoscaling or FakeAutoScaling()
    lines = [one for minute in minutes for one in (minute * 12)[:12]]
    monitor = Monitor([*lines, "the next minute\n"])
    publisher = Publisher(cloudwatch, namespace="PeakFleet/Neuron", fleet="A/B", pool="Inferentia")
    follow(monitor, publisher, Health(autoscaling), monitor.now)
    return cloudwatch, autoscaling


def test_utilisation_is_of_all_cores_and_not_of_those_in_use() -> None:
    busy = line(process(1, {0: 80.0}), devices=6)
    cloudwatch, _ = publish([busy])
    assert cloudwatch.values("NeuronCoreUtilization") == [pytest.approx(80 / 12)]
    assert cloudwatch.values("NeuronCoresBusy") == [pytest.approx(0.8)]
    assert cloudwatch.values("NeuronCores") == [12]


def test_processes_that_list_each_others_cores_are_counted_once() -> None:
    busy = line(
        process(20843, {0: 50.0, 1: 0.0}),
        process(21050, {0: 0.0, 1: 30.0}),
    )
    assert publish([busy])[0].values("NeuronCoreUtilization") == [pytest.approx(40)]


def test_a_core_is_never_busier_than_it_can_be() -> None:
    shared = line(process(1, {0: 70.0}), process(2, {0: 70.0}))
    assert publish([shared])[0].values("NeuronCoreUtilization") == [pytest.approx(50)]


@pytest.mark.parametrize("nobody", [[], None])
def test_an_idle_machine_publishes_zero(nobody: object) -> None:
    idle = json.dumps({**document(), "neuron_runtime_data": nobody})
    cloudwatch, _ = publish([idle])
    assert cloudwatch.values("NeuronCoreUtilization") == [0]
    assert cloudwatch.values("NeuronErrors") == [0]


def test_a_loaded_model_that_nobody_asks_has_no_latency_but_memory() -> None:
    loaded = line(process(1, {0: 0.0}, latency=None, device_bytes=1000))
    cloudwatch, _ = publish([loaded])
    assert cloudwatch.values("NeuronCoreUtilization") == [0]
    assert cloudwatch.values("NeuronDeviceMemoryUsed") == [1000]
    assert cloudwatch.values("NeuronLatencyP99") == []


def test_each_minute_is_published_once_for_the_fleet_and_once_for_the_pool() -> None:
    cloudwatch, _ = publish([line(process(1, {0: 100.0}))], [line()])
    of_both = [cloudwatch.points["NeuronCoresBusy", dimensions] for dimensions in (1, 2)]
    assert of_both == [[(43_200.0, 1.0), (43_260.0, 0.0)]] * 2
    assert cloudwatch.namespaces == {"PeakFleet/Neuron"}


def test_a_minute_is_the_mean_of_its_reports() -> None:
    half = [line(process(1, {0: 100.0, 1: 100.0}))] * 6 + [line()] * 6
    assert publish(half)[0].values("NeuronCoreUtilization") == [pytest.approx(50)]


def test_a_monitor_that_ends_publishes_nothing_of_its_last_minute() -> None:
    cloudwatch = FakeCloudWatch()
    monitor = Monitor([line(process(1, {0: 100.0}))] * 11)
    publisher = Publisher(cloudwatch, namespace="N", fleet="F", pool="P")
    follow(monitor, publisher, Health(FakeAutoScaling()), monitor.now)
    assert cloudwatch.points == {}


def test_a_monitor_that_is_stuck_leaves_a_gap_and_no_zero() -> None:
    cloudwatch = FakeCloudWatch()
    monitor = Monitor([line(process(1, {0: 100.0}))] * 3, seconds_apart=300)
    publisher = Publisher(cloudwatch, namespace="N", fleet="F", pool="P")
    follow(monitor, publisher, Health(FakeAutoScaling()), monitor.now)
    assert cloudwatch.points["NeuronCoresBusy", 1] == [(43_200.0, 1.0), (43_500.0, 1.0)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage\n",
        "[]\n",
        "null\n",
        '{"neuron_runtime_data": []}\n',
        json.dumps({**document(), "neuron_runtime_data": "no"}),
        json.dumps({key: part for key, part in document().items() if "runtime" not in key}),
        line(hardware_error="the driver is not loaded"),
        line(devices=0),
        line(process(1, {0: 50.0}))[:-30],
    ],
    ids=lambda text: text[:30],
)
def test_what_is_no_report_publishes_nothing(text: str) -> None:
    assert publish([text])[0].points == {}


@pytest.mark.parametrize(
    "blind",
    [
        line(process(1, {0: 90.0}), process(2, {}, error="cannot reach the process")),
        line(process(1, {}, counters_error="timed out")),
        line({**process(1, {}), "report": {}}),
        line(process(1, {0: float("nan")})),
        line(process(1, {0: -1.0})),
        line(process(1, {0: 1.0, 1: 1.0, 2: 1.0})),
    ],
    ids=["process", "counters", "missing", "nan", "negative", "more cores than there are"],
)
def test_a_process_that_could_not_be_looked_at_is_not_taken_for_idle(blind: str) -> None:
    cloudwatch, _ = publish([blind])
    assert cloudwatch.values("NeuronCoreUtilization") == []
    assert cloudwatch.values("NeuronCores") == [2]


def test_garbage_between_reports_does_not_spoil_their_minute() -> None:
    mixed = [line(process(1, {0: 100.0, 1: 100.0})), "Warning: something\n"]
    assert publish(mixed)[0].values("NeuronCoreUtilization") == [pytest.approx(100)]


def test_latency_is_that_of_the_slowest_process() -> None:
    slow = {**LATENCY, "p50": 0.01, "p99": 0.07}
    both = line(process(1, {0: 5.0}, latency=LATENCY), process(2, {1: 5.0}, latency=slow))
    cloudwatch, _ = publish([both])
    assert cloudwatch.values("NeuronLatencyP50") == [0.01]
    assert cloudwatch.values("NeuronLatencyP99") == [0.07]


def test_errors_are_counted_but_recovered_ones_and_the_clients_are_not() -> None:
    failing = process(1, {0: 5.0}, runtime=2, timed_out=1, transient=7, incorrect_input=9)
    cloudwatch, autoscaling = publish([line(failing)])
    assert cloudwatch.values("NeuronErrors") == [12 * 3]
    assert cloudwatch.values("NeuronHardwareErrors") == [0]
    assert autoscaling.health == {}


@pytest.mark.parametrize(
    "failed", [line(process(1, {0: 5.0}, hardware=1)), line(uncorrected={0: 2})]
)
def test_a_machine_whose_chip_fails_gives_itself_up_once(failed: str) -> None:
    cloudwatch, autoscaling = publish([line()], [failed, *[line(uncorrected={0: 2})] * 11])
    assert autoscaling.health == {INSTANCE_ID: "Unhealthy"}
    assert autoscaling.calls == 1
    assert cloudwatch.values("NeuronHardwareErrors")[0] == 0
    assert cloudwatch.values("NeuronHardwareErrors")[1] > 0


def test_memory_errors_that_do_not_grow_are_counted_once() -> None:
    cloudwatch, _ = publish([line(uncorrected={0: 2})], [line(uncorrected={0: 5})])
    assert cloudwatch.values("NeuronHardwareErrors") == [2, 3]


def test_giving_up_is_tried_until_the_group_has_heard() -> None:
    autoscaling = FakeAutoScaling()
    autoscaling.broken = 3
    publish([line(process(1, {0: 5.0}, hardware=1))], autoscaling=autoscaling)
    assert autoscaling.health == {INSTANCE_ID: "Unhealthy"}
    assert autoscaling.calls == 4


def test_a_minute_that_cloudwatch_does_not_take_does_not_end_the_publisher() -> None:
    cloudwatch = FakeCloudWatch()
    cloudwatch.broken = True
    monitor = Monitor([line()] * 25)
    publisher = Publisher(cloudwatch, namespace="N", fleet="F", pool="P")
    follow(monitor, publisher, Health(FakeAutoScaling()), monitor.now)
    assert cloudwatch.points == {}
    assert monitor.seconds == 43_200 + 25 * 5


@given(
    st.lists(
        st.dictionaries(st.integers(0, 3), st.floats(0, 1000), max_size=4),
        max_size=5,
    )
)
def test_utilisation_is_always_a_share_of_the_machine(cores: list[dict[int, float]]) -> None:
    processes = [process(pid, used) for pid, used in enumerate(cores)]
    report = read_report(line(*processes, devices=2))
    assert report is not None
    assert report.busy_cores is not None
    assert 0 <= report.busy_cores <= report.cores == 4


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(sorted(document())),
)
def test_no_document_breaks_the_publisher(part: object, where: str) -> None:
    report = read_report(json.dumps({**document(process(1, {0: 5.0})), where: part}))
    assert report is None or report.cores > 0


def test_the_monitor_always_has_something_to_report() -> None:
    assert CONFIGURATION["system_metrics"] == [{"type": "neuron_hw_counters"}]


def test_the_program_ends_with_its_monitor_so_that_systemd_starts_both_again(
    tmp_path: Path,
) -> None:
    monitor = tmp_path / "neuron-monitor"
    monitor.write_text(f'#!/bin/sh\ntest -s "$2" && cp "$2" {tmp_path}/told.json\nexit 3\n')
    monitor.chmod(monitor.stat().st_mode | stat.S_IEXEC)
    command = [sys.executable, "-m", "peakfleet_instance.neuron_metrics", "--monitor", str(monitor)]
    ended = subprocess.run(  # noqa: S603  our own program
        [*command, "--namespace", "N", "--fleet", "F", "--pool", "P"],
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        cwd=ROOT / "constructs",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "neuron-monitor has ended with 3" in ended.stderr
    assert json.loads((tmp_path / "told.json").read_text()) == CONFIGURATION
