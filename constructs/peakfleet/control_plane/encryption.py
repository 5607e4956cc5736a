"""Keys of your own: for volumes, state table, logs and queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Annotations, Aws, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet.findings import acknowledge

_USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
_SERVICE_LINKED_ROLE = (
    "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """KMS keys of your own. Default: the keys that AWS manages.

    The policy of a key that the app defines admits who needs it: Auto Scaling, CloudWatch Logs
    and EventBridge. That of an imported key is yours to write; the synth warns of it.

    Args:
        volumes: Of the instances' root volumes. A symmetric key.
        state: Of the state table that the fleets of a stack share.
        logs: Of the functions' log groups.
        queues: Of the queues that the fleet defines.
    """

    volumes: kms.IKey | None = None
    state: kms.IKey | None = None
    logs: kms.IKey | None = None
    queues: kms.IKey | None = None

    @classmethod
    def with_key(cls, key: kms.IKey) -> Encryption:
        """Use one key for everything."""
        return cls(volumes=key, state=key, logs=key, queues=key)

    def key_of_logs(self, scope: Construct) -> kms.IKey | None:
        """Return the key of a log group, which CloudWatch Logs may use then."""
        if self.logs:
            any_group = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"
            _admit(
                scope,
                self.logs,
                "PeakFleetLogs",
                iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com"),
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": any_group}},
            )
        return self.logs

    def queue(
        self,
        scope: Construct,
        construct_id: str,
        *,
        visibility_timeout: Duration | None = None,
        receive_message_wait_time: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        """Define a queue: encrypted, over TLS only, for 14 days."""
        if self.queues:
            _admit(
                scope,
                self.queues,
                "PeakFleetQueues",
                iam.ServicePrincipal("events.amazonaws.com"),
                actions=("kms:Decrypt", "kms:GenerateDataKey*"),
            )
        queue = sqs.Queue(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.KMS if self.queues else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=self.queues,
            enforce_ssl=True,
            visibility_timeout=visibility_timeout,
            receive_message_wait_time=receive_message_wait_time,
            retention_period=Duration.days(14),
            dead_letter_queue=dead_letter_queue,
        )
        if dead_letter_queue is None:
            acknowledge(queue, {"Serverless-SQSRedrivePolicy": "is a dead-letter queue itself"})
        return queue

    def grant_queues(self, sender: iam.IGrantable) -> None:
        """Let *sender* encrypt what it puts into the fleet's queues."""
        if self.queues:
            self.queues.grant(sender, "kms:Decrypt", "kms:GenerateDataKey*")

    def grant_launches(self, scope: Construct, launcher: iam.IGrantable) -> None:
        """Let Auto Scaling launch instances whose volumes have a key, and *launcher* too.

        `LaunchInstances` launches with the permissions of who calls it.
        """
        if not self.volumes:
            return
        # The role may not exist yet, and a key policy that names it would be refused.
        account = Stack.of(scope).account
        arn = f"arn:{Aws.PARTITION}:iam::{account}:{_SERVICE_LINKED_ROLE}"
        service = {"ArnLike": {"aws:PrincipalArn": arn}}
        for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        who = iam.AnyPrincipal()
        _admit(scope, self.volumes, "PeakFleetVolumes", who, conditions=service)
        _admit(
            scope,
            self.volumes,
            "PeakFleetVolumeGrants",
            who,
            actions=("kms:CreateGrant",),
            conditions={**service, **for_aws},
        )
        through_ec2 = {"StringLike": {"kms:ViaService": "ec2.*"}}
        for actions, conditions in ((_USE, through_ec2), (("kms:CreateGrant",), for_aws)):
            iam.Grant.add_to_principal(
                grantee=launcher,
                actions=list(actions),
                resource_arns=[self.volumes.key_arn],
                conditions=conditions,
            )


def _admit(
    scope: Construct,
    key: kms.IKey,
    sid: str,
    principal: iam.IPrincipal,
    *,
    actions: Sequence[str] = _USE,
    conditions: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Admit a service to a key; warn where its policy is not the app's to write."""
    added = key.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            actions=list(actions),
            principals=[principal],
            resources=["*"],
            conditions=conditions,
        ),
        True,  # allow_no_op  # noqa: FBT003  jsii takes it by position
    )
    if not added.statement_added:
        Annotations.of(scope).add_warning_v2(
            f"peakfleet:BurstFleet.importedKey:{sid}",
            f"the policy of the imported key {key.key_arn} must admit {principal} to "
            f"{', '.join(actions)}; see Encryption",
        )
