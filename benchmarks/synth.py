"""What the synth of many fleets costs. Run: `python -m benchmarks.synth [FLEETS ...]`.

Processor time and memory, Node's included, beside the same groups, alarms, schedules and one
function written by hand in plain CDK.
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
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets

from peakfleet import Baseline, BurstFleet, CapacityPool, DemandSignal, Purchase

PER_STACK = 20
SPOT = CapacityPool.graviton(
    "c8g.4xlarge",
    "c7g.4xlarge",
    units_per_instance=16,
    max_instances=50,
    purchase=Purchase.spot(),
)
GRAVITON = CapacityPool.graviton("c8g.4xlarge", units_per_instance=16, max_instances=50)
X86 = CapacityPool.x86("c7i.4xlarge", units_per_instance=16, max_instances=50)


def main() -> None:
    """Print a line for each number of fleets."""
    os.environ.setdefault("CDK_VALIDATION", "false")  # of the CDK's own, for both alike
    parser = argparse.ArgumentParser()
    parser.add_argument("fleets", type=int, nargs="*", default=[1, 10, 50, 100])
    parser.add_argument("--one", choices=("ours", "plain"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        synth_once(asked.one, asked.fleets[0])
        return
    for line in synth_table(asked.fleets):
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
    streams = cloudwatch.Metric(
        namespace="Live", metric_name=f"Streams{number}", period=Duration.minutes(1)
    )
    BurstFleet(
        stack,
        f"Fleet{number}",
        vpc=vpc,
        pools=[SPOT, GRAVITON, X86],
        signals=[DemandSignal.metric(streams)],
        baseline=Baseline.reported(
            namespace="Live", metric_name=f"Healthy{number}", declared_units=400
        ),
    )


def by_hand(stack: Stack, vpc: ec2.IVpc, number: int) -> None:
    """Define the same groups, alarms and schedules without the library."""
    found = stack.node.try_find_child("Function")
    function = (
        found
        if isinstance(found, lambda_.Function)
        else lambda_.Function(
            stack,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(event, context): pass"),
        )
    )
    role = iam.Role(stack, f"Role{number}", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    security = ec2.SecurityGroup(stack, f"Security{number}", vpc=vpc)
    for pool in ("Spot", "Graviton", "X86"):
        template = ec2.LaunchTemplate(
            stack,
            f"Template{pool}{number}",
            instance_type=ec2.InstanceType("c7i.4xlarge" if pool == "X86" else "c8g.4xlarge"),
            machine_image=ec2.MachineImage.latest_amazon_linux2023(
                cpu_type=ec2.AmazonLinuxCpuType.X86_64
                if pool == "X86"
                else ec2.AmazonLinuxCpuType.ARM_64
            ),
            role=role,
            security_group=security,
        )
        group = autoscaling.AutoScalingGroup(
            stack,
            f"Group{pool}{number}",
            vpc=vpc,
            launch_template=template,
            max_capacity=50,
            min_capacity=0,
        )
        group.scale_on_cpu_utilization("Net", target_utilization_percent=90, disable_scale_in=True)
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["autoscaling:SetDesiredCapacity"], resources=[group.auto_scaling_group_arn]
            )
        )
    alarms = [
        cloudwatch.Alarm(
            stack,
            f"Alarm{name}{number}",
            metric=cloudwatch.Metric(namespace="Live", metric_name=f"{name}{number}"),
            threshold=0,
            evaluation_periods=5,
        )
        for name in ("One", "Two", "Three", "Four", "Five")
    ]
    cloudwatch.CompositeAlarm(
        stack,
        f"All{number}",
        alarm_rule=cloudwatch.AlarmRule.any_of(
            *(cloudwatch.AlarmRule.from_alarm(one, cloudwatch.AlarmState.ALARM) for one in alarms)
        ),
    )
    for name, every in (("Tick", Duration.minutes(1)), ("Learn", Duration.hours(1))):
        scheduler.Schedule(
            stack,
            f"{name}{number}",
            schedule=scheduler.ScheduleExpression.rate(every),
            target=targets.LambdaInvoke(
                function, input=scheduler.ScheduleTargetInput.from_object({"fleet": number})
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


def synth_table(counts: list[int]) -> Iterator[str]:
    """Yield processor seconds of our synth beside one by hand, Node's included."""
    heads = ("fleets", "ours s", "by hand s", "ratio", "ours MiB", "by hand MiB")
    yield "".join(f"{head:>13}" for head in heads)
    for count in counts:
        seconds, mebibytes = synth_cost("ours", count)
        plain_seconds, plain_mebibytes = synth_cost("plain", count)
        ratio = seconds / plain_seconds
        found = (count, seconds, plain_seconds, ratio, mebibytes, plain_mebibytes)
        yield "".join(f"{one:>13,.1f}" for one in found)


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
