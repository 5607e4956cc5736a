"""An account in moto, with groups that obey bounds and boot times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from moto import mock_aws

from peakfleet_handlers.aws import Clients, Deadline
from peakfleet_handlers.tick import run
from peakfleet_local.groups import installed
from peakfleet_local.world import World
from peakfleet_planner import FleetSpec, Metric
from peakfleet_table import TICKS, NewestTick
from tests.handlers.scenes import FLEET, NOW, TABLE, event

REGION = "us-east-1"
BOOT_SECONDS = 90
ZONES = ("us-east-1a", "us-east-1b")


@cache
def session() -> boto3.Session:
    """Return one session for all tests: it loads each service's model once."""
    return boto3.Session(region_name=REGION)


def of(service: str) -> Any:  # noqa: ANN401  a boto3 client
    return session().client(service)


@dataclass(kw_only=True)
class Account:
    """An account with a state table and two groups, and what was asked of it."""

    world: World
    subnets: list[str]
    vpc: str
    clients: Clients = field(default_factory=Clients)
    calls: Counter[str] = field(default_factory=Counter)

    def watch(self) -> None:
        for name in ("cloudwatch", "autoscaling", "dynamodb", "elbv2"):
            getattr(self.clients, name).meta.events.register("before-call", self._count)

    def _count(self, model: Any, **_: object) -> None:  # noqa: ANN401  botocore's
        self.calls[model.name] += 1

    def put(self, value: float, metric: Metric = FLEET.signals[0].metrics["m"]) -> None:
        """Put an hour of one metric, a value a minute, up to the present."""
        now = int(self.world.now_epoch_seconds)
        times = [now - now % 60 - 60 * minute for minute in range(1, 61)]
        of("cloudwatch").put_metric_data(
            Namespace=metric.namespace,
            MetricData=[
                {
                    "MetricName": metric.metric_name,
                    "Timestamp": datetime.fromtimestamp(time, UTC),
                    "Value": value,
                }
                for time in times
            ],
        )

    def tick(self, spec: FleetSpec = FLEET) -> dict[str, Any]:
        self.calls.clear()
        now = int(self.world.now_epoch_seconds)
        return run(event(spec, now), clients=self.clients, deadline=Deadline.of(None))

    def desired(self) -> dict[str, int]:
        found = of("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return {group["AutoScalingGroupName"]: group["DesiredCapacity"] for group in found}

    def remembered(self) -> list[str]:
        found = of("dynamodb").scan(TableName=TABLE)["Items"]
        return sorted(item["item"]["S"] for item in found)

    def newest_tick(self) -> NewestTick:
        found = of("dynamodb").scan(TableName=TABLE)["Items"]
        return TICKS.read(next(item for item in found if item["item"]["S"] == TICKS.prefix))

    def put_item(self, item: dict[str, Any]) -> None:
        of("dynamodb").put_item(TableName=TABLE, Item=item)

    def make_group(self, name: str, maximum: int, overrides: list[dict[str, str]]) -> None:
        template = of("ec2").create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "c7g.large"},
        )["LaunchTemplate"]["LaunchTemplateId"]
        named = {"LaunchTemplateId": template, "Version": "1"}
        of("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=maximum,
            VPCZoneIdentifier=",".join(self.subnets),
            MixedInstancesPolicy={
                "LaunchTemplate": {"LaunchTemplateSpecification": named, "Overrides": overrides}
            },
        )


@contextmanager
def opened() -> Iterator[Account]:
    """Yield a fresh account; it is gone afterwards."""
    world = World(now_epoch_seconds=NOW, boot_seconds=BOOT_SECONDS)
    with mock_aws(), installed(world):
        ec2 = of("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=zone)
            for i, zone in enumerate(ZONES)
        ]
        of("dynamodb").create_table(
            TableName=TABLE,
            AttributeDefinitions=[
                {"AttributeName": "fleet", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "fleet", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        made = Account(world=world, subnets=[s["Subnet"]["SubnetId"] for s in subnets], vpc=vpc)
        made.make_group("g", 10, [{"InstanceType": "c7g.large"}])
        made.make_group("x", 20, [{"InstanceType": "c7i.large"}])
        made.watch()
        yield made
