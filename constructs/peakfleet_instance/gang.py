"""The gang that this machine belongs to, as its ticks have formed it, and what it hears and says.

All of it are small objects below `<prefix>/gang/`; the ticks' own module lists them. A machine
starts when the formation names it. It never decides who belongs to the gang.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from peakfleet_instance.checkpoint import S3


@dataclass(frozen=True)
class Formation:
    """The machines that train together, from one start to the next stop.

    Args:
        number: Later formations have larger numbers.
        rank: Of this machine, from 0.
        addresses: Private address of every machine, by rank.
    """

    number: int
    rank: int
    addresses: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many machines there are."""
        return len(self.addresses)


class Gang:
    """What this machine hears of its gang and tells it.

    Args:
        s3: A boto3 S3 client.
        bucket: Where the gang's words are.
        prefix: Of the training run.
        instance_id: Of this machine.
    """

    def __init__(self, s3: S3, *, bucket: str, prefix: str, instance_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._root = f"{prefix}/gang/"
        self._instance_id = instance_id

    def formation(self) -> Formation | None:
        """Return the present formation; None if there is none that names this machine."""
        key = f"{self._root}members.json"
        if not self._exists(key):
            return None
        document = json.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        ids = [one["id"] for one in document["members"]]
        if self._instance_id not in ids:
            return None
        return Formation(
            number=int(document["formation"]),
            rank=ids.index(self._instance_id),
            addresses=tuple(one["address"] for one in document["members"]),
        )

    @property
    def is_finished(self) -> bool:
        """Whether the training run is done."""
        return self._exists(f"{self._root}finished")

    def words(self, formation: Formation) -> frozenset[str]:
        """Return what was said to and in a formation, such as `notice-i-0abc` or `save-7`."""
        root = self._folder(formation)
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=root)
        return frozenset(one["Key"][len(root) :] for one in page.get("Contents", ()))

    def say(self, word: str, formation: Formation) -> None:
        """Tell the formation: `notice`, this machine goes; `failed`, its program has failed."""
        self._put(f"{self._folder(formation)}{word}-{self._instance_id}")

    def finish(self) -> None:
        """Say that the training run is done, so that the machines are let go."""
        self._put(f"{self._root}finished")

    def _folder(self, formation: Formation) -> str:
        return f"{self._root}{formation.number:010d}/"

    def _exists(self, key: str) -> bool:
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return any(one["Key"] == key for one in page.get("Contents", ()))

    def _put(self, key: str) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=b"")
