"""Two fleets that may spend 60 USD an hour together, live before batch, and one limit alone."""

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet import BurstFleet, CapacityPool, DemandSignal, QueueFleet, SpendLimit


class SharedSpendLimit(Stack):
    """Fleets of one stack share its state table, and so a limit."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc(self, "Network", max_azs=3)
        pool = CapacityPool.graviton("c8g.4xlarge", units_per_instance=16, max_instances=80)
        viewers = cloudwatch.Metric(namespace="Live", metric_name="Viewers")
        self.live = BurstFleet(
            self,
            "Live",
            vpc=vpc,
            signals=[DemandSignal.metric(viewers)],
            pools=[pool],
            spend_limits=[
                SpendLimit.shared("media", usd_per_hour=60, priority="live"),
                SpendLimit.of(usd_per_month=9000),
            ],
        )
        self.encode = QueueFleet(
            self,
            "Encode",
            vpc=vpc,
            seconds_per_message=120,
            drain_within=Duration.hours(1),
            pools=[pool],
            spend_limits=[SpendLimit.shared("media", usd_per_hour=60, priority="batch")],
        )


if __name__ == "__main__":
    app = App()
    SharedSpendLimit(app, "SharedSpendLimit")
    app.synth()
