"""A deployed shared reader saves the ticks their requests, and stops nothing when it fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from peakfleet_local import LocalAws, deploy
from tests.local.test_deploy import CDK

FLEETS = ("Media/One", "Media/Two")
APP = """
import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2

from peakfleet import BurstFleet, CapacityPool, ControlPlane, DemandSignal, Foresight, Reads

app = cdk.App()
stack = cdk.Stack(app, "Media")
private = ec2.SubnetConfiguration(name="p", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
vpc = ec2.Vpc(
    stack, "Vpc", availability_zones=["us-east-1a", "us-east-1b"], subnet_configuration=[private]
)
plane = ControlPlane(stack, "Plane", reads=Reads.shared())
for name in ("One", "Two"):
    BurstFleet(
        stack,
        name,
        vpc=vpc,
        pools=[
            CapacityPool.graviton("c8g.4xlarge", units_per_instance=10, max_instances=50)
        ],
        signals=[
            DemandSignal.metric(
                cloudwatch.Metric(
                    namespace="Live",
                    metric_name="Streams",
                    dimensions_map={"Fleet": name},
                    period=cdk.Duration.minutes(1),
                )
            )
        ],
        foresight=Foresight.off(),
        control_plane=plane,
    )
app.synth()
"""


READ_SECONDS = 20
"""So long before the ticks the reader runs. Schedules have phases of their own on AWS; here all of
them would run at once, and a tick would have the newest reading or not, as it happens."""


class Deployed:
    """Two fleets and their reader, a minute at a time."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        (folder / "app.py").write_text(APP)
        (folder / "cdk.json").write_text(json.dumps({"app": "python app.py"}))
        deploy(aws, app_directory=folder, cdk_command=CDK, on_output=lambda _: None)
        self.aws = aws
        found = aws.client("lambda").list_functions()["Functions"]
        names = {one["Handler"].split(".")[1]: one["FunctionName"] for one in found}
        self.scaler, self.reader = names["scaler"], names["read"]
        self.demand = 100.0
        self.sent = self._taken_over()
        aws.world.advance(60 - aws.world.now_epoch_seconds % 60)

    def minute(self) -> Mapping[str, Mapping[str, Any]]:
        """Let a minute pass, and return what each schedule's run answers."""
        start = self.aws.world.now_epoch_seconds
        for fleet in FLEETS:
            self.aws.put_metric(
                namespace="Live",
                name="Streams",
                dimensions={"Fleet": fleet.partition("/")[2]},
                epoch_seconds=start,
                value=self.demand,
            )
        self.aws.world.advance(60 - READ_SECONDS)
        time = datetime.fromtimestamp(self.aws.world.now_epoch_seconds, UTC).isoformat()
        payload = self.sent.replace("<aws.scheduler.scheduled-time>", time)
        self.aws.client("lambda").invoke(FunctionName=self.reader, Payload=payload.encode())
        self.aws.world.advance(READ_SECONDS)
        return self.aws.fire_schedules(self.aws.world.now_epoch_seconds)

    def _taken_over(self) -> str:
        """Disable the reader's schedule; return what it sends."""
        scheduler = self.aws.client("scheduler")
        names = [one["Name"] for one in scheduler.list_schedules()["Schedules"]]
        schedules = [scheduler.get_schedule(Name=name) for name in names]
        (found,) = (one for one in schedules if self.reader in one["Target"]["Arn"])
        kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        scheduler.update_schedule(**{name: found[name] for name in kept}, State="DISABLED")
        return str(found["Target"]["Input"])

    def reads(self) -> list[dict[str, Any]]:
        """Return what the ticks said that they read, the newest last."""
        lines = [json.loads(one) for one in self.aws.logs(self.scaler) if one.startswith("{")]
        return [line["metrics_read"] for line in lines if "metrics_read" in line]

    def desired(self) -> list[int]:
        groups = self.aws.client("autoscaling").describe_auto_scaling_groups()
        return [one["DesiredCapacity"] for one in groups["AutoScalingGroups"]]


def test_ticks_ask_cloudwatch_for_nothing_and_ask_again_when_the_reader_fails(
    aws: LocalAws, tmp_path: Path
) -> None:
    deployed = Deployed(aws, tmp_path)
    for _ in range(3):
        deployed.minute()
    aws.kill_at(deployed.scaler, "GetMetricData")  # whichever tick asks for metrics ends there
    for _ in range(5):
        answers = deployed.minute()
        assert [name for name, one in answers.items() if "errorMessage" in one] == []
        assert [answers[fleet]["applied"]["failed_calls"] for fleet in FLEETS] == [0, 0]
    assert all(one["own"] == 0 and one["shared"] == 1 for one in deployed.reads()[-10:])
    assert min(deployed.desired()) >= 10

    deployed.demand = 300.0
    failed = []
    for _ in range(5):
        aws.kill_at(deployed.reader, "GetMetricData")
        answers = deployed.minute()
        failed += [name for name in FLEETS if "errorMessage" in answers[name]]
    assert failed, "the ticks that asked first ended where they were told to"
    assert all(one["own"] == 1 for one in deployed.reads()[-8:])
    assert min(deployed.desired()) >= 30
