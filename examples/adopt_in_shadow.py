"""Adopt a group that runs already: watch what a fleet would do with it, then let it.

In shadow nothing of this template touches the group, and the fleet may only read. After two weeks
of `peakfleet shadow AdoptInShadow/Web --since 14d`, remove the group's own scaling policy and say
`Mode.active()`; `Mode.shadow()` leads back.
"""

from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet import Baseline, BurstFleet, CapacityPool, DemandSignal, Mode, SpendLimit


class AdoptInShadow(Stack):
    """One fleet over a group of somebody else's."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.web = BurstFleet(
            self,
            "Web",
            mode=Mode.shadow(),
            vpc=ec2.Vpc(self, "Network", max_azs=2),
            baseline=Baseline.fixed(4000),  # requests a second that our own servers carry
            signals=[
                DemandSignal.metric(
                    cloudwatch.Metric(namespace="Web", metric_name="RequestsPerSecond")
                )
            ],
            pools=[
                CapacityPool.existing(
                    "web-production",
                    "c8g.2xlarge",
                    name="Web",
                    units_per_instance=250,
                    max_instances=60,
                )
            ],
            spend_limits=[SpendLimit.of(usd_per_month=3000)],
        )


if __name__ == "__main__":
    app = App()
    AdoptInShadow(app, "AdoptInShadow")
    app.synth()
