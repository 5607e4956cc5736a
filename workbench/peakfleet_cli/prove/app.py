"""The app that `peakfleet prove` deploys: three tiny pools, one for each way to get capacity.

`python -m peakfleet_cli.prove` writes its template. The context value `proof` names the stack,
`vpc` an existing network (by its id) with a way to the internet.
"""

from __future__ import annotations

import os

from aws_cdk import App, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet import (
    Baseline,
    BurstFleet,
    CapacityPool,
    DemandSignal,
    Drain,
    Foresight,
    Purchase,
    ServiceLevel,
    WarmPool,
)
from peakfleet_cli.prove.names import (
    DIRECT,
    INSTANCE_TYPES,
    KEPT,
    MOST_INSTANCES,
    NAMESPACE,
    SPOT,
    USD_PER_HOUR,
)


class ProofStack(Stack):
    """One fleet that follows a metric which the command publishes."""

    def __init__(
        self, scope: Construct, construct_id: str, *, vpc_id: str | None, env: Environment
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        vpc = (
            ec2.Vpc.from_lookup(self, "Network", vpc_id=vpc_id)
            if vpc_id
            else ec2.Vpc(
                self,
                "Network",
                max_azs=2,
                nat_gateways=0,  # a gateway would cost more than all instances together
                subnet_configuration=[
                    ec2.SubnetConfiguration(
                        name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=26
                    )
                ],
            )
        )
        dearest = max(USD_PER_HOUR.values())
        fleet = BurstFleet(
            self,
            "Fleet",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
            if vpc_id is None
            else None,
            signals=[DemandSignal.metric(_metric("Demand", self.stack_name), name="demand")],
            baseline=Baseline.reported(
                namespace=NAMESPACE,
                metric_name="HealthyUnits",
                dimensions={"Proof": self.stack_name},
                declared_units=1,
            ),
            pools=[
                CapacityPool.graviton(
                    *INSTANCE_TYPES,
                    name=SPOT,
                    units_per_instance=1,
                    max_instances=1,
                    purchase=Purchase.spot(),
                    usd_per_hour=dearest,
                ),
                CapacityPool.graviton(
                    *INSTANCE_TYPES,
                    name=DIRECT,
                    units_per_instance=1,
                    max_instances=1,
                    usd_per_hour=dearest,
                ),
                CapacityPool.graviton(
                    INSTANCE_TYPES[0],
                    name=KEPT,
                    units_per_instance=1,
                    max_instances=MOST_INSTANCES - 2,
                    warm=WarmPool.reused(max_instances=MOST_INSTANCES - 2),
                    usd_per_hour=dearest,
                ),
            ],
            drain=Drain.when_idle(at_most=Duration.minutes(5)),
            # Nothing is lost by missed work here, so that capacity leaves as soon as it may.
            service_level=ServiceLevel.custom(unserved_cost=1, hold=Duration.minutes(1)),
            foresight=Foresight.off(),
        )
        fleet.state.table.apply_removal_policy(RemovalPolicy.DESTROY)


def _metric(name: str, proof: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Proof": proof},
        period=Duration.minutes(1),
        statistic="Maximum",
    )


def main() -> None:
    """Write the template to where the CDK CLI wants it."""
    app = App()
    ProofStack(
        app,
        app.node.try_get_context("proof") or "peakfleet-proof",
        vpc_id=app.node.try_get_context("vpc"),
        env=Environment(
            account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
            region=os.environ.get("CDK_DEFAULT_REGION"),
        ),
    )
    app.synth()
