"""A model on Inferentia2, with Graviton behind it when AWS has none."""

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from peakfleet import Baseline, CapacityPool, InferenceFleet, Model


class Inference(Stack):
    """One model behind an internal load balancer."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        models = s3.Bucket(
            self,
            "Models",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
        )
        self.ranking = InferenceFleet(
            self,
            "Ranking",
            vpc=ec2.Vpc(self, "Network", max_azs=3),
            model=Model.in_bucket(models, prefix="ranking/2026-11-22"),
            latency_goal=Duration.millis(80),
            loaded_within=Duration.minutes(8),
            baseline=Baseline.fixed(400),  # requests per second that our own GPUs answer
            pools=[
                CapacityPool.inferentia("inf2.xlarge", units_per_instance=600, max_instances=30),
                CapacityPool.graviton("c8g.4xlarge", units_per_instance=90, max_instances=40),
            ],
        )


if __name__ == "__main__":
    app = App()
    Inference(app, "Inference")
    app.synth()
