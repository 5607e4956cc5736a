"""What another team writes: two fleets on top of the wheel `peakfleet`, and nothing else."""

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from peakfleet import Baseline, BurstFleet, CapacityPool, DemandSignal, Purchase, QueueFleet


class ConsumerStack(Stack):
    """Thumbnails from a queue, and a search service that reports its own demand."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc(self, "Network", max_azs=3)

        thumbnails = QueueFleet(
            self,
            "Thumbnails",
            vpc=vpc,
            pools=[
                CapacityPool.graviton(
                    "c8g.2xlarge",
                    "c7g.2xlarge",
                    units_per_instance=8,
                    max_instances=40,
                    purchase=Purchase.spot(),
                ),
                CapacityPool.graviton("c8g.2xlarge", units_per_instance=8, max_instances=10),
            ],
            seconds_per_message=2,
            drain_within=Duration.minutes(10),
            baseline=Baseline.fixed(24),
        )
        thumbnails.user_data.add_commands(
            f"echo QUEUE_URL={thumbnails.queue.queue_url} >>/etc/environment",
            "systemctl enable --now thumbnail-worker",
        )
        photos = s3.Bucket(
            self,
            "Photos",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
        )
        photos.grant_read_write(thumbnails)

        search = BurstFleet(
            self,
            "Search",
            vpc=vpc,
            pools=[CapacityPool.x86("m7i.2xlarge", units_per_instance=500, max_instances=20)],
            baseline=Baseline.reported(
                namespace="OnPrem/Search", metric_name="HealthyUnits", declared_units=4_000
            ),
            signals=[
                DemandSignal.metric(
                    cloudwatch.Metric(
                        namespace="Search",
                        metric_name="QueriesPerSecond",
                        period=Duration.minutes(1),
                    )
                )
            ],
        )
        search.metric_unserved_units().create_alarm(
            self, "SearchesMissed", threshold=0, evaluation_periods=5
        )


app = App()
ConsumerStack(app, "Consumer")
app.synth()
