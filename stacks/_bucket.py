"""Buckets as all stacks want them."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from peakfleet.findings import acknowledge

OLD_VERSIONS_DAYS = 30
ACCESS_LOGS_DAYS = 90
_ONE_REGION = "of one region, as the service is; a second copy is the company's own"
_AWS_KEY = "encrypted with the keys of S3; who may read is said by roles, not by a key"


def access_log_bucket(scope: Construct, construct_id: str) -> s3.Bucket:
    """Return a bucket for the access logs of others; each log is kept for 90 days."""
    bucket = s3.Bucket(
        scope,
        construct_id,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(ACCESS_LOGS_DAYS))],
    )
    acknowledge(
        bucket,
        {
            "S3BucketReplicationEnabled": _ONE_REGION,
            "S3BucketVersioningEnabled": "S3 writes each log once, and nobody may replace it",
            "S3DefaultEncryptionKMS": _AWS_KEY,
        },
    )
    return bucket


def private_bucket(scope: Construct, construct_id: str, *, access_logs: s3.IBucket) -> s3.Bucket:
    """Return a bucket that is encrypted, versioned, TLS only, never public, and kept.

    Versions that were replaced are kept for 30 days. The bucket outlives its stack.

    Args:
        scope: Where it is defined.
        construct_id: Its name there.
        access_logs: Who read and wrote what is logged there.
    """
    bucket = s3.Bucket(
        scope,
        construct_id,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        versioned=True,
        server_access_logs_bucket=access_logs,
        server_access_logs_prefix=f"{construct_id}/",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        lifecycle_rules=[
            s3.LifecycleRule(
                abort_incomplete_multipart_upload_after=Duration.days(2),
                noncurrent_version_expiration=Duration.days(OLD_VERSIONS_DAYS),
            )
        ],
    )
    acknowledge(
        bucket, {"S3BucketReplicationEnabled": _ONE_REGION, "S3DefaultEncryptionKMS": _AWS_KEY}
    )
    return bucket


def grant_upload(bucket: s3.IBucket, grantee: iam.IGrantable, *keys: str) -> None:
    """Let *grantee* write objects, and nothing that `grant_put` adds: locks, retention, tags."""
    iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["s3:AbortMultipartUpload", "s3:PutObject"],
        resource_arns=[bucket.arn_for_objects(key) for key in keys],
    )
