"""An S3 of a dictionary, with the calls that trainers make."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any


@dataclass
class FakeS3:
    """One bucket. `page_size` keys are listed by one call."""

    objects: dict[str, bytes] = field(default_factory=dict)
    page_size: int = 2
    upload_fails_after: int | None = None
    uploads: int = 0

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  boto3's own shapes
        prefix, ends = asked["Prefix"], asked.get("Delimiter")
        found = sorted(key for key in self.objects if key.startswith(prefix))
        cut = {
            prefix + key[len(prefix) :].partition(ends)[0] + ends
            for key in found
            if ends and ends in key[len(prefix) :]
        }
        rows = sorted(cut) if ends else found
        first = int(asked.get("ContinuationToken", 0))
        last = first + min(self.page_size, asked.get("MaxKeys", self.page_size))
        page: dict[str, Any] = (
            {"CommonPrefixes": [{"Prefix": row} for row in rows[first:last]]}
            if ends
            else {"Contents": [{"Key": row} for row in rows[first:last]]}
        )
        return {**page, "NextContinuationToken": str(last)} if last < len(rows) else page

    def put_object(self, **asked: Any) -> None:  # noqa: ANN401  as above
        self.objects[asked["Key"]] = asked["Body"]

    def get_object(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        return {"Body": BytesIO(self.objects[asked["Key"]])}

    def delete_objects(self, **asked: Any) -> None:  # noqa: ANN401  as above
        for one in asked["Delete"]["Objects"]:
            self.objects.pop(one["Key"], None)

    def upload_file(self, name: str, bucket: str, key: str, /) -> None:
        if self.upload_fails_after is not None and self.uploads >= self.upload_fails_after:
            raise OSError(f"{bucket} is away")
        self.uploads += 1
        self.objects[key] = Path(name).read_bytes()

    def download_file(self, bucket: str, key: str, name: str, /) -> None:
        del bucket
        Path(name).write_bytes(self.objects[key])
