"""An Auto Scaling group in moto under the laws of a world, for tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3

from peakfleet_local import World
from peakfleet_local.testing import in_process_aws
from tests.local.deployed import Client, Json

REGION = "us-east-1"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


@dataclass(slots=True, kw_only=True)
class Scene:
    """A group and the world it lives in."""

    world: World
    autoscaling: Client
    ec2: Client
    subnets: str
    template: str
    group: str = ""

    def create(
        self,
        *,
        weights: Mapping[str, int | None] | None = None,
        minimum: int = 0,
        maximum: int = 20,
        distribution: Mapping[str, Any] | None = None,
        **options: object,
    ) -> str:
        """Make a group of c8g.large, or of other types, the one that is looked at."""
        self.group = f"g{uuid4()}"
        overrides = [
            {"InstanceType": name} | ({"WeightedCapacity": str(weight)} if weight else {})
            for name, weight in (weights or {"c8g.large": None}).items()
        ]
        specification = {"LaunchTemplateId": self.template, "Version": "1"}
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=self.group,
            MinSize=minimum,
            MaxSize=maximum,
            VPCZoneIdentifier=self.subnets,
            MixedInstancesPolicy={
                "LaunchTemplate": {
                    "LaunchTemplateSpecification": specification,
                    "Overrides": overrides,
                },
                "InstancesDistribution": dict(distribution or {}),
            },
            **options,
        )
        return self.group

    def update(self, **changes: object) -> None:
        self.autoscaling.update_auto_scaling_group(AutoScalingGroupName=self.group, **changes)

    def describe(self) -> dict[str, Any]:
        answer = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.group])
        group: dict[str, Any] = answer["AutoScalingGroups"][0]
        return group

    def set_desired(self, capacity: int) -> None:
        self.autoscaling.set_desired_capacity(
            AutoScalingGroupName=self.group, DesiredCapacity=capacity
        )

    def launch(
        self, capacity: int, *, client_token: str | None = None, **more: Json
    ) -> dict[str, Any]:
        """Call LaunchInstances, in the first zone unless told otherwise."""
        if not {"AvailabilityZones", "SubnetIds"} & set(more):
            more["AvailabilityZones"] = [ZONES[0]]
        answer: dict[str, Any] = self.autoscaling.launch_instances(
            AutoScalingGroupName=self.group,
            RequestedCapacity=capacity,
            ClientToken=client_token or str(uuid4()),
            **more,
        )
        return answer

    def put_hook(self, transition: str, **more: Json) -> None:
        self.autoscaling.put_lifecycle_hook(
            AutoScalingGroupName=self.group,
            LifecycleHookName=transition,
            LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
            **more,
        )

    def events(self, detail_type: str) -> list[dict[str, Any]]:
        """What the world said of this kind and has not delivered."""
        return [dict(e) for e in self.world.events if e["detail-type"] == detail_type]

    def terminate_one(self) -> None:
        self.autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=self.staying()[0]["InstanceId"], ShouldDecrementDesiredCapacity=True
        )

    def states(self) -> Counter[str]:
        return Counter(i["LifecycleState"] for i in self.describe()["Instances"])

    def staying(self) -> list[dict[str, Any]]:
        return [i for i in self.describe()["Instances"] if i["LifecycleState"] != "Terminating"]

    def activities(self) -> list[dict[str, Any]]:
        answer = self.autoscaling.describe_scaling_activities(AutoScalingGroupName=self.group)
        activities: list[dict[str, Any]] = answer["Activities"]
        return activities


@contextmanager
def scene(
    *,
    world: World | None = None,
    zones: Sequence[str] = ZONES,
    cidr_bits: int = 24,
    **group: Json,
) -> Iterator[Scene]:
    """A world with a group, whose options are those of `Scene.create`."""
    with in_process_aws(world=world or World(boot_seconds=90)) as laws:
        ec2 = boto3.client("ec2", REGION)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/{cidr_bits}", AvailabilityZone=zone)
            for n, zone in enumerate(zones)
        ]
        template = ec2.create_launch_template(
            LaunchTemplateName="t",
            LaunchTemplateData={"ImageId": "ami-00000001", "InstanceType": "c8g.large"},
        )
        it = Scene(
            world=laws,
            autoscaling=boto3.client("autoscaling", REGION),
            ec2=ec2,
            subnets=",".join(s["Subnet"]["SubnetId"] for s in subnets),
            template=template["LaunchTemplate"]["LaunchTemplateId"],
        )
        it.create(**group)
        yield it
