"""Live streams: our own edge servers are filled first, instances in AWS take the rest."""

from datetime import datetime
from zoneinfo import ZoneInfo

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet import Baseline, CapacityPool, DemandSignal, KnownPeak, ServiceLevel, StreamFleet


class LiveStreaming(Stack):
    """One load balancer that splits viewers between both sides every minute."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        viewers = cloudwatch.Metric(
            namespace="Live", metric_name="Viewers", period=Duration.minutes(1)
        )
        sessions = cloudwatch.Metric(  # of another source: what the network hands out
            namespace="Edge", metric_name="Sessions", period=Duration.minutes(1)
        )
        self.live = StreamFleet(
            self,
            "Live",
            vpc=ec2.Vpc(self, "Network", max_azs=3),
            on_premises_targets=["192.168.10.21", "192.168.10.22", "192.168.10.23"],
            signals=[DemandSignal.metric(viewers).witnessed_by(sessions)],
            baseline=Baseline.reported(
                namespace="OnPrem/Live", metric_name="HealthyViewers", declared_units=12_000
            ),
            service_level=ServiceLevel.premium(),  # a viewer who waits is a viewer lost
            known_peaks=[
                KnownPeak(
                    "monday-show",
                    start=datetime(2027, 3, 8, 20, tzinfo=ZoneInfo("Europe/Berlin")),
                    duration=Duration.hours(2),
                    units=30_000,
                    repeats="weekly",
                )
            ],
            pools=[CapacityPool.graviton("c8gn.xlarge", units_per_instance=800, max_instances=60)],
        )


if __name__ == "__main__":
    app = App()
    LiveStreaming(app, "LiveStreaming")
    app.synth()
