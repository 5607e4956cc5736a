"""Pre-training on Trainium2 in a capacity block: all machines or none, and checkpoints in S3."""

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from peakfleet import CapacityBlock, CapacityPool, Checkpoints, TrainingFleet


class Training(Stack):
    """One run on four machines."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc(self, "Network", max_azs=2)
        runs = s3.Bucket(
            self,
            "Runs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
        )
        self.training = TrainingFleet(
            self,
            "PreTraining",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=[vpc.private_subnets[0]]),  # one zone
            machines=CapacityPool.trainium("trn2.48xlarge", max_instances=4),
            reservation=CapacityBlock.of("cr-0123456789abcdef0"),
            checkpoints=Checkpoints.in_bucket(runs, prefix="runs/first"),
            command="bash /opt/training/start.sh",
        )


if __name__ == "__main__":
    app = App()
    Training(app, "Training")
    app.synth()
