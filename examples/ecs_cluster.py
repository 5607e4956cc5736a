"""A fleet as the capacity of an ECS cluster: ECS places tasks, peakfleet sizes the group.

The capacity provider has no managed scaling and no termination protection, which would make ECS a
second writer; the synth refuses that. Managed draining stays on: ECS holds a machine that is told
to leave until its tasks have moved.
"""

from typing import cast

from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from peakfleet import Baseline, BurstFleet, CapacityPool, DemandSignal


class EcsCluster(Stack):
    """One cluster, one fleet. A unit is a task."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc(self, "Network", max_azs=3)
        cluster = ecs.Cluster(
            self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        tasks = cloudwatch.Metric(  # of the service, which its own scaling sets
            namespace="ECS/ContainerInsights",
            metric_name="DesiredTaskCount",
            dimensions_map={"ClusterName": cluster.cluster_name, "ServiceName": "encode"},
        )
        image = ecs.EcsOptimizedImage.amazon_linux2023(ecs.AmiHardwareType.ARM)
        self.encode = BurstFleet(
            self,
            "Encode",
            vpc=vpc,
            baseline=Baseline.fixed(40),  # tasks that run on our own servers
            signals=[DemandSignal.metric(tasks)],
            pools=[
                CapacityPool.graviton(
                    "c8g.4xlarge", units_per_instance=8, max_instances=30, machine_image=image
                )
            ],
        )
        for name, group in self.encode.groups.items():
            provider = ecs.AsgCapacityProvider(
                self,
                f"{name}Provider",
                auto_scaling_group=group,
                enable_managed_scaling=False,
                enable_managed_termination_protection=False,
                enable_managed_draining=True,
            )
            # Said in words, as the CDK leaves out what is off.
            resource = cast("ecs.CfnCapacityProvider", provider.node.find_child(f"{name}Provider"))
            resource.add_property_override(
                "AutoScalingGroupProvider.ManagedScaling.Status", "DISABLED"
            )
            cluster.add_asg_capacity_provider(provider)


if __name__ == "__main__":
    app = App()
    EcsCluster(app, "EcsCluster")
    app.synth()
