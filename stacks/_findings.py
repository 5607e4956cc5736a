"""Why stars in what the stacks grant are as they are."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet.findings import Wildcard, acknowledge_policies

_READS = ("s3:GetBucket*", "s3:GetObject*", "s3:List*")
_WRITES = ("s3:AbortMultipartUpload", "s3:PutObject")
_GRANTS = (
    Wildcard(
        resource=r"<\w+\.Arn>(/.+)?",
        actions=_READS,
        reason="what grant_read of the CDK means, on one bucket and one prefix of it",
    ),
    Wildcard(
        resource=r"<\w+\.Arn>/[\w/-]+\*",
        actions=_WRITES,
        reason="the objects under one prefix have names of the program's making",
    ),
    Wildcard(
        resource=r"\*",
        actions=("cloudwatch:PutMetricData",),
        reason="AWS knows no resource for it; its namespace is given",
    ),
)


def acknowledge_grants(scope: Construct, *grantees: iam.IRole | iam.ManagedPolicy) -> None:
    """Say why the stars in what these were granted on buckets and metrics are there."""
    for grantee in grantees:
        acknowledge_policies(scope, grantee, _GRANTS)
