"""Training of models on Trainium, in a capacity block that was bought for it."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet import CapacityBlock, CapacityPool, Checkpoints, TrainingFleet
from stacks._bucket import access_log_bucket, private_bucket
from stacks._findings import acknowledge_grants
from stacks.network import NetworkStack
from stacks.settings import TrainingSettings

PROGRAM_FOLDER = "/opt/train"
RUNS = "runs"
ROOT_VOLUME_GIB = 200
"""The image of the Neuron SDK, a training program, and a checkpoint on its way to S3."""


class TrainingStack(Stack):
    """A model is trained by machines that come, train and go together.

    Defines a bucket of programs and checkpoints, and the `Models` fleet: Trainium in one zone, in
    a capacity block if there is one. Not deployed unless an environment has settings for it.

    Args:
        settings: Machines, block, program and run.
        network: Where the fleet runs and whom it alarms.

    Limitations:
        There is no program in here. The operator puts an archive with a script `start.sh` at
        `programs/<program>.tar.gz` in the bucket; the guide "Training" says what it must do. Until
        then machines switch themselves off and raise an alarm. A run that has finished stays
        finished: the next one has another name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: TrainingSettings,
        network: NetworkStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=network.name_of(construct_id),
            env=network.deployed_in,
            description="Training of models",
            termination_protection=network.termination_protection,
        )
        self.runs = private_bucket(
            self, "TrainingRuns", access_logs=access_log_bucket(self, "AccessLogs")
        )
        # Checkpoints replace each other all day long, and each may have terabytes.
        self.runs.add_lifecycle_rule(
            prefix=f"{RUNS}/", noncurrent_version_expiration=Duration.days(1)
        )
        block = settings.capacity_block
        self.training = TrainingFleet(
            self,
            "Models",
            vpc=network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=[network.vpc.isolated_subnets[settings.zone]]),
            machines=CapacityPool.trainium(
                settings.instance_type,
                max_instances=settings.machines,
                root_volume_gib=ROOT_VOLUME_GIB,
            ),
            command=f"bash {PROGRAM_FOLDER}/start.sh",
            checkpoints=Checkpoints.in_bucket(self.runs, prefix=f"{RUNS}/{settings.run}"),
            reservation=CapacityBlock.of(block) if block else None,
            security_groups=[
                network.security_group(Construct(self, "ModelNetwork"), description="Models")
            ],
            alarm_topic=network.alarm_topic,
        )
        program = f"programs/{settings.program}.tar.gz"
        self.runs.grant_read(self.training, program)
        acknowledge_grants(self, self.training.role)
        self.training.user_data.add_commands(
            # There is no way to the Neuron repository that the image may know, and none is needed.
            "echo skip_if_unavailable=True >>/etc/dnf/dnf.conf",
            f"install -d {PROGRAM_FOLDER}",
            f"aws s3 cp --only-show-errors '{self.runs.s3_url_for_object(program)}' - |",
            f"  tar -xz --no-same-owner -C {PROGRAM_FOLDER}",
        )
