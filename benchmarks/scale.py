"""What a thousand fleets ask of one account. Run: `python -m benchmarks.scale [--fleets N]`.

Resources are counted in real templates, calls and records in real ticks against moto in this
process; the rest is arithmetic with AWS's default quotas and list prices (us-east-1), which stand
below.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from math import ceil
from time import process_time
from typing import Any

from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from moto import mock_aws

from benchmarks.synth import PER_STACK, network, ours
from benchmarks.tick import NOW, TABLE, event, make_account
from benchmarks.tick import SPEC as BENCH_SPEC
from peakfleet import Metrics
from peakfleet_handlers.aws import Deadline, clients
from peakfleet_handlers.fleet_metrics import FleetMetrics, metrics_of
from peakfleet_handlers.read import run as read_for_all
from peakfleet_handlers.scaler import handler
from peakfleet_learner import learn
from peakfleet_planner import FleetSpec, MetricSeries
from peakfleet_sim import World, live_spec
from peakfleet_sim.demand import premiere_with_past
from peakfleet_table import SERIES, PackedModel, SharedReading, metric_key

SPEC = replace(BENCH_SPEC, signals=BENCH_SPEC.signals[1:])
"""Three pools, one live signal, a baseline that is reported."""
MONTH_HOURS = 730
TICKS = MONTH_HOURS * 60
TICK_SECONDS, TICK_GB = 0.3, 0.5
"""A warm tick that calls four services; `benchmarks/tick.py` has what of it is our own."""
LESSON_GB, LESSON_READS = 1769 / 1024, 2
LAMBDA_IS_SLOWER = 2
"""A lesson is measured here, of two weeks; a processor of Lambda is taken to need twice as long."""
LOG_LINE_BYTES = 500
"""Of the line that has a plan, besides the plan."""
READER_SECONDS, READER_GB = 0.5, 0.5
"""A warm run that reads once and writes a record for each fleet of a stack, one after the other."""
CHANGING = 0.1
"""Share of ticks that change a size."""
METRIC, ALARM, COMPOSITE = 0.30, 0.10, 0.50
GET_METRIC_DATA = 0.01 / 1000
REQUEST, GB_SECOND = 0.20 / 1e6, 0.0000133334
READ_UNIT, WRITE_UNIT = 0.125 / 1e6, 0.625 / 1e6
LOG_GB, INVOCATION = 0.50, 1.00 / 1e6
NEVER = Deadline.of(None)
QUOTAS = {
    "AWS::AutoScaling::AutoScalingGroup": 500,
    "AWS::EC2::LaunchTemplate": 5000,
    "AWS::IAM::Role": 1000,
    "AWS::IAM::InstanceProfile": 1000,
    "AWS::Events::Rule": 300,
    "AWS::CloudWatch::Alarm": 5000,
    "AWS::Lambda::Function": None,
    "AWS::Scheduler::Schedule": 10_000_000,
}
PER_SECOND = {"GetMetricData": 50, "Scheduler invocations": 1000, "Lambda starts": 1000}
"""AWS publishes none for DescribeAutoScalingGroups, whose bucket the account shares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What one tick asks for.

    Args:
        calls: How often each operation is called.
        metrics_read: Metrics that GetMetricData is asked for.
        published: Metrics that it publishes.
        log_bytes: What it writes to its log.
        read_units: DynamoDB's read units.
        write_units: DynamoDB's write units.
        reader_calls: How often each operation is called by the reader of a stack of fleets, where
            they share one. Default: they share none.
    """

    calls: Counter[str]
    metrics_read: int
    published: int
    log_bytes: int
    read_units: int
    write_units: int
    reader_calls: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one lesson of the learner needs.

    Args:
        seconds: Of a processor of Lambda.
        model_bytes: What a tick reads of it.
    """

    seconds: float
    model_bytes: int


def main() -> None:
    """Count, price and print; or measure the synth."""
    os.environ.setdefault("CDK_VALIDATION", "false")  # of the CDK's own, for both alike
    parser = argparse.ArgumentParser()
    parser.add_argument("--fleets", type=int, default=1000)
    for line in report(parser.parse_args().fleets):
        say(line)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def report(fleets: int) -> Iterator[str]:
    """Yield the tables of so many fleets in one account and region."""
    each, shared = resources()
    planes = ceil(fleets / PER_STACK)
    yield f"{sum(each.values())} resources a fleet of three pools, {sum(shared.values())} shared"
    yield f"{fleets} fleets in {planes} stacks of {PER_STACK}"
    yield f"\n{'resource':<42}{'count':>8}{'quota':>12}{'share':>8}"
    for kind, quota in QUOTAS.items():
        count = fleets * each[kind] + planes * shared[kind]
        share = f"{count / quota:.1f}" if quota else ""
        yield f"{kind:<42}{count:>8,}{f'{quota:,}' if quota else 'none':>12}{share:>8}"
    quiet, busy, lesson = ticked(SPEC), ticked(SPEC, changes=True), learned()
    yield from calls_of("calls of all fleets", quiet, busy, fleets=fleets, planes=planes)
    for words, width in (("all in the same second", 1.0), ("spread over the minute", 60.0)):
        throttled, late = crowd(fleets, width)
        yield f"ticks {words}: {throttled} refused by GetMetricData's quota twice, {late} late"
    with_reader = ticked(SPEC, reader=True), ticked(SPEC, changes=True, reader=True)
    title = "the same with Reads.shared()"
    yield from calls_of(title, *with_reader, fleets=fleets, planes=planes)
    throttled, late = crowd(planes, 1.0)
    yield f"readers all in the same second: {throttled} refused twice, {late} late"
    items = reader_costs()
    yield f"\n{'Reads.shared() adds, USD a fleet and month':<42}{sum(items.values()):>8.2f}"
    yield from (f"  {name:<40}{usd:>8.2f}" for name, usd in items.items())
    for detail in (Metrics.essential(), Metrics.least(), Metrics.every()):
        items = costs(detail, quiet=quiet, busy=busy, lesson=lesson, each=each, shared=shared)
        title = f"USD a fleet and month, Metrics.{detail.detail}()"
        yield f"\n{title:<42}{sum(items.values()):>8.2f}"
        yield from (f"  {name:<40}{usd:>8.2f}" for name, usd in items.items())


def calls_of(title: str, quiet: Ticked, busy: Ticked, *, fleets: int, planes: int) -> Iterator[str]:
    """Yield how often all ticks, and the readers of so many control planes, call what."""
    yield f"\n{title:<42}{'a minute':>10}{'a second':>10}{'quota':>8}{'share':>8}"
    for name in sorted({*quiet.calls, *busy.calls, *quiet.reader_calls}):
        calls = fleets * ((1 - CHANGING) * quiet.calls[name] + CHANGING * busy.calls[name])
        calls += planes * quiet.reader_calls[name]
        quota = PER_SECOND.get(name)
        ends = f"{quota:>8}{calls / 60 / quota:>8.2f}" if quota else ""
        yield f"{name:<42}{calls:>10,.0f}{calls / 60:>10.1f}{ends}"


def reader_costs() -> dict[str, float]:
    """Return what a shared reader adds to a fleet a month, by item.

    A reading is as large as values with all their digits make it.
    """
    run = REQUEST + READER_SECONDS * READER_GB * GB_SECOND
    chosen, reads = random.Random(1), FleetMetrics.of(SPEC)
    minutes = range(NOW - reads.history_seconds - 180, NOW, 60)
    series = {
        metric_key(metric): MetricSeries(
            points=tuple((at, chosen.uniform(0, 40_000)) for at in minutes)
        )
        for metric in metrics_of(reads.groups).values()
    }
    reading = SharedReading(read_at=NOW, since=minutes[0], series=series)
    size = len(SERIES.item(SPEC.fleet, reading)["packed"]["B"])
    return {
        f"writes of readings of {size} bytes": TICKS * ceil(size / 1024) * WRITE_UNIT,
        "reads of them": TICKS * ceil(size / 4096) * READ_UNIT,
        "share of the reader's runs and schedule": TICKS * (run + INVOCATION) / PER_STACK,
        "share of its alarm": ALARM / PER_STACK,
    }


def costs(
    metrics: Metrics,
    *,
    quiet: Ticked,
    busy: Ticked,
    lesson: Lesson,
    each: Counter[str],
    shared: Counter[str],
) -> dict[str, float]:
    """Return what one fleet costs a month, by item; without its machines."""
    of_detail = ticked(replace(SPEC, metrics=metrics.detail))
    alarms = ALARM * each["AWS::CloudWatch::Alarm"]
    composite = 0.0 if metrics.detail == "least" else COMPOSITE

    def mean(of: Callable[[Ticked], float]) -> float:
        return (1 - CHANGING) * of(quiet) + CHANGING * of(busy)

    model = lesson.model_bytes / 4096
    return {
        "custom metrics": METRIC * of_detail.published,
        "alarms and the one that sums them up": alarms + composite,
        "GetMetricData": TICKS * quiet.metrics_read * GET_METRIC_DATA,
        "scaler": TICKS * (REQUEST + TICK_SECONDS * TICK_GB * GB_SECOND),
        "learner": MONTH_HOURS * (REQUEST + lesson.seconds * LESSON_GB * GB_SECOND),
        "learner's GetMetricData": MONTH_HOURS * LESSON_READS * GET_METRIC_DATA,
        "state table": TICKS
        * (
            (mean(lambda one: one.read_units) + model) * READ_UNIT
            + mean(lambda one: one.write_units) * WRITE_UNIT
        ),
        "logs": TICKS * mean(lambda one: one.log_bytes) / 1e9 * LOG_GB,
        "schedules": (TICKS + MONTH_HOURS) * INVOCATION,
        "share of the control plane's alarms": ALARM * shared["AWS::CloudWatch::Alarm"] / PER_STACK,
    }


def ticked(spec: FleetSpec, *, changes: bool = False, reader: bool = False) -> Ticked:
    """Run ticks against moto and return what the last one asked for.

    Args:
        spec: The fleet.
        changes: Whether that tick changes a size. Default: no.
        reader: Whether it shares a reader with others of its stack, which have metrics of their
            own. Default: it reads for itself.
    """
    credentials = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    os.environ |= dict.fromkeys(credentials, "testing") | {"AWS_DEFAULT_REGION": "us-east-1"}
    clients.cache_clear()
    calls: Counter[str] = Counter()
    asked: list[dict[str, Any]] = []

    def count(model: Any, params: dict[str, Any], **_: object) -> None:  # noqa: ANN401  botocore's
        calls[model.name] += 1
        body = params.get("body")
        asked.append({"name": model.name, "body": body})

    with mock_aws():
        make_account()
        for service in ("cloudwatch", "autoscaling", "dynamodb"):
            getattr(clients(), service).meta.events.register(f"before-call.{service}.*", count)
        said, reader_calls = io.StringIO(), Counter[str]()
        for tick in range(1 if changes else 3):
            if reader:
                calls.clear()
                with redirect_stdout(io.StringIO()):
                    read_for_all(stack_of(spec, NOW + tick), clients=clients(), deadline=NEVER)
                reader_calls = Counter(calls)
            calls.clear()
            asked.clear()
            said = io.StringIO()
            with redirect_stdout(said):
                answer = handler(event(NOW + tick, spec))
        counted = Counter(calls)
        items = clients().dynamodb.scan(TableName=TABLE)["Items"]
    lines = said.getvalue().splitlines()
    published = {
        (name, *sorted(names))
        for line in map(json.loads, filter(None, lines))
        for block in line.get("_aws", {}).get("CloudWatchMetrics", ())
        for names in block["Dimensions"]
        for name in (metric["Name"] for metric in block["Metrics"])
    }
    read = sum(str(one["body"]).count("MetricStat") for one in asked if "Metric" in one["name"])
    sizes = [len(json.dumps(item, default=str)) for item in items if "packed" not in item]
    written = (
        sum(ceil(size / 1024) for size in sizes[-3:]) * 2 if changes else ceil(sizes[-1] / 1024)
    )
    return Ticked(
        calls=counted,
        metrics_read=read or len(spec.signals) + 1,
        published=len(published),
        log_bytes=len(said.getvalue()) + len(json.dumps(answer)) + LOG_LINE_BYTES,
        read_units=ceil(sum(sizes) / 4096),
        write_units=written,
        reader_calls=reader_calls,
    )


def stack_of(spec: FleetSpec, now: int) -> dict[str, Any]:
    """Return what the reader of a stack is sent in which a fleet is, and others like it."""
    text = json.dumps(spec.to_json())
    others = (
        json.loads(text.replace('"Bench"', f'"Bench{number}"').replace(spec.fleet, f"F{number}"))
        for number in range(1, PER_STACK)
    )
    return {**event(now, spec), "specs": [spec.to_json(), *others]}


def learned() -> Lesson:
    """Learn two weeks of generated evenings and return what that took."""
    demand = premiere_with_past(baseline_units=20_000, peak_burst_units=40_000)
    past = demand.units[: demand.history_minutes].tolist()
    history = tuple(
        (demand.start_epoch_seconds + 60 * minute, one) for minute, one in enumerate(past)
    )
    began = process_time()
    model = learn(live_spec(World(units_per_instance=400, baseline_units=20_000)), history)
    seconds = LAMBDA_IS_SLOWER * (process_time() - began)
    if model is None:
        raise RuntimeError("a live signal can be learned")
    return Lesson(seconds=seconds, model_bytes=len(PackedModel.of(model).packed))


def crowd(fleets: int, seconds: float) -> tuple[int, int]:
    """Return how many ticks GetMetricData refuses twice, and how many are late, in one minute.

    A token bucket with AWS's quota a second; who is refused asks again after half a second, as
    botocore does on average. A tick is late if it has not read within its minute.
    """
    quota, chosen = PER_SECOND["GetMetricData"], random.Random(1)
    arrivals = sorted((chosen.uniform(0, seconds), 1) for _ in range(fleets))
    tokens, at, refused, late = float(quota), 0.0, 0, 0
    while arrivals:
        when, attempt = arrivals.pop(0)
        tokens, at = min(quota, tokens + (when - at) * quota), when
        if tokens >= 1:
            tokens -= 1
            late += when > 60  # noqa: PLR2004  seconds in a minute
        elif attempt == 1:
            arrivals = sorted([*arrivals, (when + chosen.uniform(0, 1), 2)])
        else:
            refused += 1
    return refused, late


def resources() -> tuple[Counter[str], Counter[str]]:
    """Return the resources of each fleet, and those that the fleets of a stack share."""
    counted = []
    for fleets in (PER_STACK, PER_STACK - 1):
        stack = Stack(App(context={"aws:cdk:disable-asset-staging": True}), "Scale")
        vpc = network(stack)
        for number in range(fleets):
            ours(stack, vpc, number)
        made = Template.from_stack(stack).to_json()["Resources"]
        counted.append(Counter(one["Type"] for one in made.values()))
    each = counted[0] - counted[1]
    shared = Counter({kind: counted[0][kind] - PER_STACK * each[kind] for kind in counted[0]})
    return each, shared


if __name__ == "__main__":
    main()
