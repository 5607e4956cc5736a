"""A network and an image that exist already, and Lambda functions inside that network."""

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet import BurstFleet, CapacityPool, DemandSignal, Foresight, Functions


class OwnImageAndVpc(Stack):
    """Nothing of the network is made here, and nothing is looked up at synth."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Network",
            vpc_id="vpc-0123456789abcdef0",
            availability_zones=["eu-central-1a", "eu-central-1b"],
            private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        )
        # An image that your pipeline writes to a parameter; new instances take the newest.
        image = ec2.MachineImage.from_ssm_parameter(
            "/images/renderer/arm64", os=ec2.OperatingSystemType.LINUX
        )
        frames = cloudwatch.Metric(
            namespace="Farm", metric_name="FramesWaiting", period=Duration.minutes(1)
        )
        self.render = BurstFleet(
            self,
            "Render",
            vpc=vpc,
            signals=[DemandSignal.metric(frames)],
            functions=Functions(vpc=vpc),
            foresight=Foresight.off(),
            pools=[
                CapacityPool.graviton(
                    "c8g.8xlarge", units_per_instance=4, max_instances=25, machine_image=image
                )
            ],
        )


if __name__ == "__main__":
    app = App()
    OwnImageAndVpc(app, "OwnImageAndVpc")
    app.synth()
