"""What a tick costs: time, memory and cold import. Run: `python -m benchmarks.tick`.

Ticks run against moto in this process, so their time is that of boto3, moto and peakfleet
together, without a network; `decide` is the planner alone. Imports are measured in fresh
processes, where memory is what the process holds; elsewhere it is what Python allocates at
most beyond what it had.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from statistics import median
from typing import Any

import boto3
from moto import mock_aws

from peakfleet_handlers.aws import Calls, Deadline, clients
from peakfleet_handlers.fleet_metrics import FleetMetrics
from peakfleet_handlers.state import read_known
from peakfleet_handlers.tick import handler, observe, read_metrics
from peakfleet_planner import (
    BacklogSignal,
    FleetSpec,
    Metric,
    MetricSeries,
    PoolReading,
    PoolSpec,
    RateSignal,
    ReportedBaseline,
    Snapshot,
    decide,
)

NOW = 1_800_000_000
TABLE = "state"
FRESH_PROCESSES = 7
REPEATS = 30
IMPORTED = """
import resource, time
start = time.perf_counter()
import peakfleet_handlers.tick
imported = time.perf_counter()
from peakfleet_handlers.aws import clients
made = [clients().cloudwatch, clients().autoscaling, clients().dynamodb]
ready = time.perf_counter()
print(imported - start, ready - imported, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

SPEC = FleetSpec(
    fleet="Media/Transcode",
    pools=tuple(
        PoolSpec(name=name, group=name, units_per_capacity=16, max_capacity=50)
        for name in ("GravitonSpot", "Graviton", "X86")
    ),
    signals=(
        BacklogSignal(
            name="jobs",
            metrics={
                "waiting": Metric(namespace="Bench", metric_name="Waiting"),
                "in_flight": Metric(namespace="Bench", metric_name="InFlight"),
            },
            seconds_per_item=90,
            drain_within_seconds=600,
        ),
        RateSignal(
            name="streams",
            metrics={"m": Metric(namespace="Bench", metric_name="Streams")},
            expression="m",
        ),
    ),
    baseline=ReportedBaseline(
        metric=Metric(namespace="Bench", metric_name="Healthy"), declared_units=400
    ),
    state_table=TABLE,
)


LARGE = FleetSpec(
    fleet="Media/Large",
    pools=tuple(
        PoolSpec(
            name=f"pool{number}",
            group=f"pool{number}",
            units_per_capacity=16,
            max_capacity=5000,
            launch="direct",
        )
        for number in range(40)
    ),
    signals=tuple(
        RateSignal(
            name=f"signal{number}",
            metrics={"m": Metric(namespace="Bench", metric_name=f"Signal{number}")},
            expression="m",
        )
        for number in range(100)
    ),
)
"""40 pools and 100 signals, for 100,000 instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one thing costs.

    Args:
        what: The thing.
        milliseconds: Median time.
        kibibytes: Peak memory. Default: not measured.
    """

    what: str
    milliseconds: float
    kibibytes: float | None = None

    def row(self) -> str:
        """Return it as a line of the table."""
        memory = "" if self.kibibytes is None else f"{self.kibibytes:,.0f}"
        return f"{self.what:<52}{self.milliseconds:>10.1f}{memory:>12}"


def main() -> None:
    """Measure and print."""
    costs = [*cold_start(), *warm(), *large()]
    head = f"{'median of ' + str(FRESH_PROCESSES) + ' or ' + str(REPEATS) + ' runs':<52}"
    lines = [f"{head}{'ms':>10}{'peak KiB':>12}", *(cost.row() for cost in costs)]
    sys.stdout.write("\n".join(lines) + "\n")


def cold_start() -> list[Cost]:
    """Return the cost of importing the handler, and of its clients, in fresh processes."""
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
    runs = [
        [float(number) for number in answer.split()]
        for answer in (
            subprocess.run(  # noqa: S603  this Python and the text above
                [sys.executable, "-c", IMPORTED],
                check=True,
                capture_output=True,
                text=True,
                env=environment,
            ).stdout
            for _ in range(FRESH_PROCESSES)
        )
    ]
    imported, made, held = (median(column) for column in zip(*runs, strict=True))
    return [
        Cost(what="cold import of peakfleet_handlers.tick", milliseconds=1000 * imported),
        Cost(
            what="its three clients, in the same process",
            milliseconds=1000 * made,
            kibibytes=held,
        ),
    ]


def warm() -> list[Cost]:
    """Return the cost of decisions and ticks once everything is loaded."""
    credentials = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    os.environ |= dict.fromkeys(credentials, "testing") | {"AWS_DEFAULT_REGION": "us-east-1"}
    with mock_aws(), redirect_stdout(io.StringIO()):
        make_account()
        calls = Calls(deadline=Deadline.of(None))
        known = read_known(None, now_epoch_seconds=NOW)
        metrics = FleetMetrics.of(SPEC)
        read = read_metrics(metrics, NOW, known, clients=clients(), calls=calls)
        snapshot = observe(SPEC, NOW, known, read, clients=clients(), calls=calls)
        seconds = count()

        def change() -> None:
            boto3.client("autoscaling").set_desired_capacity(
                AutoScalingGroupName="GravitonSpot", DesiredCapacity=0
            )

        def tick() -> None:
            handler(event(NOW + next(seconds)))

        return [
            _measured("decide, 2 signals, 3 pools, 1 h", lambda: decide(SPEC, snapshot)),
            _measured("tick that changes one pool (2 writes)", tick, before=change),
            _measured("tick that changes nothing (3 reads)", tick),
        ]


def large() -> list[Cost]:
    """Return the cost of one decision about 100,000 instances, half of which are to be launched."""
    zones = ("us-east-1a", "us-east-1b", "us-east-1c")
    demand = tuple(
        (NOW - 60 * minute, 1_600_000.0 + 5_000 * (minute * 7 % 13) - 2_000 * minute)
        for minute in range(120, 0, -1)
    )
    pools = tuple(
        PoolReading(
            name=pool.name,
            desired_capacity=1250,
            in_service_capacity=1250,
            min_capacity=0,
            max_capacity=5000,
            booting_capacity=0,
            zones=dict(zip(zones, (417, 417, 416), strict=True)),
            serving=frozenset(f"i-{pool.name}-{number:08x}" for number in range(1250)),
        )
        for pool in LARGE.pools
    )
    snapshot = Snapshot(
        now_epoch_seconds=NOW,
        signals={one.name: {"m": MetricSeries(points=demand)} for one in LARGE.signals},
        pools=pools,
    )
    what = "decide, 100 signals, 40 pools, 100,000 instances"
    return [_measured(what, lambda: decide(LARGE, snapshot), repeats=3)]


def _measured(
    what: str,
    call: Callable[[], object],
    before: Callable[[], object] = lambda: None,
    *,
    repeats: int = REPEATS,
) -> Cost:
    """Return the cost of *call*, with *before* done each time but not measured."""
    times = []
    for _ in range(repeats):
        before()
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    before()
    tracemalloc.start()  # slows what it watches, so after the times
    held, _ = tracemalloc.get_traced_memory()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Cost(what=what, milliseconds=1000 * median(times), kibibytes=(peak - held) / 1024)


def event(now: int, spec: FleetSpec = SPEC) -> dict[str, Any]:
    """Return what a schedule sends."""
    return {"scheduled_time": datetime.fromtimestamp(now, UTC).isoformat(), "spec": spec.to_json()}


def make_account() -> None:
    """Make the groups, the table and an hour of metrics that the fleet needs."""
    ec2, autoscaling = boto3.client("ec2"), boto3.client("autoscaling")
    template = ec2.create_launch_template(
        LaunchTemplateName="bench",
        LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "c8g.4xlarge"},
    )["LaunchTemplate"]["LaunchTemplateId"]
    for pool in SPEC.pools:
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=pool.group,
            MinSize=0,
            MaxSize=pool.max_capacity,
            AvailabilityZones=["us-east-1a"],
            LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
        )
    keys = {"fleet": "HASH", "item": "RANGE"}
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
        KeySchema=[{"AttributeName": k, "KeyType": kind} for k, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
    )
    for name, value in {"Waiting": 40, "InFlight": 2, "Streams": 450, "Healthy": 400}.items():
        boto3.client("cloudwatch").put_metric_data(
            Namespace="Bench",
            MetricData=[
                {
                    "MetricName": name,
                    "Timestamp": datetime.fromtimestamp(NOW - 60 * minute, UTC),
                    "Value": value,
                }
                for minute in range(1, 61)
            ],
        )


if __name__ == "__main__":
    main()
