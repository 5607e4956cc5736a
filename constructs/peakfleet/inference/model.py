"""The model that an inference fleet serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from peakfleet._values import check_prefix

if TYPE_CHECKING:  # slow to import, and only annotations name it
    from aws_cdk import aws_s3 as s3

ARCHIVE = "model.tar.gz"
MODEL_FOLDER = "/opt/peakfleet/model"
"""Where instances unpack it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model and the program that serves it, compiled before, once for each chip.

    Use `in_bucket`. The archive for a pool is `<prefix>/<chip>/model.tar.gz`, where the chip is
    `inferentia2`, `trainium1`, `trainium2`, `gpu`, `arm64` or `x86_64`. Instances unpack it
    at boot and compile nothing.

    Args:
        bucket: Where the archives are.
        prefix: What their keys begin with, without a slash at either end.

    Raises:
        SpecError: The prefix is empty, or has a slash at an end.

    Limitations:
        A bucket of another account must admit the fleet's role itself.
    """

    bucket: s3.IBucket
    prefix: str

    def __post_init__(self) -> None:
        """Refuse a prefix that makes no key."""
        check_prefix("model", self.prefix, example="ranking/2026-11-22")

    @classmethod
    def in_bucket(cls, bucket: s3.IBucket, *, prefix: str) -> Model:
        """Return the model whose archives are in *bucket*.

        Args:
            bucket: Instances may fetch the archive for their chip from it.
            prefix: One for each version, so that instances never mix two of them.

        Raises:
            SpecError: The prefix is empty, or has a slash at an end.
        """
        return cls(bucket=bucket, prefix=prefix)

    def url(self, chip: str) -> str:
        """Return where the archive for a chip is."""
        return self.bucket.s3_url_for_object(self._key(chip))

    def grant_fetch(self, grantee: iam.IGrantable, chip: str) -> iam.Grant:
        """Let *grantee* fetch the archive for a chip, and nothing else of the bucket."""
        if self.bucket.encryption_key is not None:
            self.bucket.encryption_key.grant_decrypt(grantee)
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:GetObject"],
            resource_arns=[self.bucket.arn_for_objects(self._key(chip))],
        )

    def _key(self, chip: str) -> str:
        return f"{self.prefix}/{chip}/{ARCHIVE}"
