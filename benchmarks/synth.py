"""What the synth of many fleets costs. Run: `python -m benchmarks.synth [FLEETS ...]`.

Processor time, Node's included, and memory of the Python process, beside the same groups, alarms,
schedules and one function written by hand in plain CDK, see `fleet_by_hand`. Imports count, each
side its own. Of several runs of each, one after another in turn, the least counts.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2

from benchmarks.fleet_by_hand import by_hand

PER_STACK = 20


def main() -> None:
    """Print a line for each number of fleets."""
    os.environ.setdefault("CDK_VALIDATION", "false")  # of the CDK's own, for both alike
    parser = argparse.ArgumentParser()
    parser.add_argument("fleets", type=int, nargs="*", default=[1, 10, 50, 100])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--one", choices=("ours", "plain"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        synth_once(asked.one, asked.fleets[0])
        return
    for line in synth_table(asked.fleets, asked.runs):
        say(line)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def network(stack: Stack) -> ec2.IVpc:
    """Return a network that is there already."""
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Network",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["us-east-1a", "us-east-1b"],
        private_subnet_ids=["subnet-1", "subnet-2"],
    )


def ours(stack: Stack, vpc: ec2.IVpc, number: int) -> None:
    """Define a fleet of three pools."""
    from peakfleet import (  # noqa: PLC0415  only this side pays for importing it
        Baseline,
        BurstFleet,
        CapacityPool,
        DemandSignal,
        Purchase,
    )

    streams = cloudwatch.Metric(
        namespace="Live", metric_name=f"Streams{number}", period=Duration.minutes(1)
    )
    on_arm = CapacityPool.graviton
    BurstFleet(
        stack,
        f"Fleet{number}",
        vpc=vpc,
        pools=[
            on_arm(
                "c8g.4xlarge",
                "c7g.4xlarge",
                units_per_instance=16,
                max_instances=50,
                purchase=Purchase.spot(),
            ),
            on_arm("c8g.4xlarge", units_per_instance=16, max_instances=50),
            CapacityPool.x86("c7i.4xlarge", units_per_instance=16, max_instances=50),
        ],
        signals=[DemandSignal.metric(streams)],
        baseline=Baseline.reported(
            namespace="Live", metric_name=f"Healthy{number}", declared_units=400
        ),
    )


def synth_once(kind: str, fleets: int) -> None:
    """Synthesize so many fleets, and print processor seconds and memory of this process tree."""
    app = App(outdir=tempfile.mkdtemp(), analytics_reporting=False)
    define = ours if kind == "ours" else by_hand
    stack, vpc = None, None
    for number in range(fleets):
        if stack is None or vpc is None or number % PER_STACK == 0:
            stack = Stack(app, f"Stack{number}")
            vpc = network(stack)
        define(stack, vpc, number)
    app.synth()
    own = resource.getrusage(resource.RUSAGE_SELF)
    say(f"{own.ru_utime + own.ru_stime} {own.ru_maxrss / 1024}")


def synth_table(counts: list[int], runs: int) -> Iterator[str]:
    """Yield processor seconds of our synth beside one by hand, Node's included."""
    heads = ("fleets", "ours s", "by hand s", "ratio", "ours MiB", "by hand MiB")
    yield "".join(f"{head:>13}" for head in heads)
    for count in counts:
        pairs = [(synth_cost("ours", count), synth_cost("plain", count)) for _ in range(runs)]
        seconds, mebibytes = min(ours for ours, _ in pairs)
        plain_seconds, plain_mebibytes = min(plain for _, plain in pairs)
        yield (
            f"{count:>13}{seconds:>13.2f}{plain_seconds:>13.2f}{seconds / plain_seconds:>13.2f}"
            f"{mebibytes:>13.0f}{plain_mebibytes:>13.0f}"
        )


def synth_cost(kind: str, count: int) -> tuple[float, float]:
    """Return processor seconds and mebibytes of a synth in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(  # noqa: S603  this Python and this module
        [sys.executable, "-m", "benchmarks.synth", str(count), "--one", kind],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, float(told[-1])


if __name__ == "__main__":
    main()
