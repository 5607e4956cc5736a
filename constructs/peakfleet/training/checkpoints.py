"""Where a training run keeps its checkpoints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from peakfleet._values import check_prefix
from peakfleet.findings import Wildcard

if TYPE_CHECKING:  # slow to import, and only annotations name it
    from aws_cdk import aws_s3 as s3

_MACHINES = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """The checkpoints of one training run, in a bucket. Use `in_bucket`."""

    bucket: s3.IBucket
    prefix: str

    def __post_init__(self) -> None:
        """Refuse a prefix that makes no key."""
        check_prefix("checkpoints", self.prefix, example="search/2026-11-22")

    @classmethod
    def in_bucket(cls, bucket: s3.IBucket, *, prefix: str) -> Checkpoints:
        """Return the checkpoints of the training run below a prefix.

        Args:
            bucket: Machines may read and write what is under the prefix.
            prefix: One for each training run: a run that has finished stays finished.

        Raises:
            SpecError: The prefix is empty, or has a slash at an end.
        """
        return cls(bucket=bucket, prefix=prefix)

    def grant_machines(self, grantee: iam.IGrantable) -> None:
        """Let machines read, write and delete what is under the prefix."""
        keys = f"{self.prefix}/*"
        self._grant_list(grantee, keys)
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=list(_MACHINES),
            resource_arns=[self.bucket.arn_for_objects(keys)],
        )
        if self.bucket.encryption_key:
            self.bucket.encryption_key.grant_encrypt_decrypt(grantee)

    @property
    def wildcards(self) -> tuple[Wildcard, ...]:
        """The stars in what machines are granted."""
        return (
            Wildcard(
                resource=rf".*/{re.escape(self.prefix)}/\*",
                actions=_MACHINES,
                reason="the checkpoints of one training run have names of the program's making",
            ),
        )

    def grant_ticks(self, grantee: iam.IGrantable) -> None:
        """Let a gang's ticks see what the machines say, and tell them who they are."""
        keys = f"{self.prefix}/gang/*"
        self._grant_list(grantee, keys)
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:PutObject"],
            resource_arns=[self.bucket.arn_for_objects(keys)],
        )
        if self.bucket.encryption_key:
            self.bucket.encryption_key.grant_encrypt(grantee)

    def _grant_list(self, grantee: iam.IGrantable, keys: str) -> None:
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucket"],
            resource_arns=[self.bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [keys]}},
        )
