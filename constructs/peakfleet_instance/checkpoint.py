"""Checkpoints in S3: kept whole, and found again by machines that know nothing of each other.

Every machine of a gang keeps its own part. Below the prefix of the training run:

- `checkpoints/<step>/<formation>/<rank>-of-<size>/<file>`: the part of one machine,
- `checkpoints/<step>/<formation>/done/<rank>-of-<size>`: that part is all there.

A checkpoint is complete once every rank of its formation is done. What is not complete is never
used, and parts that different formations wrote at the same step are never put together.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

STEP_DIGITS, FORMATION_DIGITS = 12, 10
MOST_KEPT = 3
KEYS_PER_DELETE = 1000

log = logging.getLogger(__name__)


class S3(Protocol):
    """The calls of boto3's S3 client that are used."""

    def list_objects_v2(self, **request: Any) -> Any:  # noqa: ANN401  boto3's own shapes
        """Return one page of keys."""

    def put_object(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        """Write a small object."""

    def get_object(self, **request: Any) -> Any:  # noqa: ANN401  boto3's own shapes
        """Read a small object."""

    def delete_objects(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        """Delete up to a thousand objects."""

    def upload_file(self, name: str, bucket: str, key: str, /) -> object:
        """Write a file, in parts where it is large."""

    def download_file(self, bucket: str, key: str, name: str, /) -> object:
        """Read a file, in parts where it is large."""


@dataclass(frozen=True, order=True)
class Kept:
    """A checkpoint in S3; later ones are greater.

    Args:
        step: Number that the program gave it.
        formation: Number of the formation that wrote it.
    """

    step: int
    formation: int


@dataclass(frozen=True)
class Part:
    """The part of a checkpoint that one machine has.

    Args:
        formation: Number of its formation.
        rank: Of the machine.
        size: How many machines there are. A checkpoint is of one size.
    """

    formation: int
    rank: int
    size: int

    @property
    def name(self) -> str:
        """The part in keys."""
        return f"{self.rank:04d}-of-{self.size:04d}"


class Checkpoints:
    """The checkpoints of one training run, as one machine of its gang sees them.

    Args:
        s3: A boto3 S3 client.
        bucket: Where they are.
        prefix: Of the training run.
        part: Which part of each is this machine's.
    """

    def __init__(self, s3: S3, *, bucket: str, prefix: str, part: Part) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._root = f"{prefix}/checkpoints/"
        self._part = part

    def keep(self, step: int, folder: Path) -> None:
        """Keep this machine's part of a checkpoint, and forget those that are long past.

        Args:
            step: What the checkpoint is called; later ones have larger numbers.
            folder: All of its files.
        """
        kept = Kept(step, self._part.formation)
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            key = f"{self._part_of(kept)}/{path.relative_to(folder).as_posix()}"
            self._s3.upload_file(str(path), self._bucket, key)
        self._s3.put_object(Bucket=self._bucket, Key=self._mark_of(kept), Body=b"")
        log.info("checkpoint %d is kept", step)
        self._forget()

    def newest(self) -> Kept | None:
        """Return the newest complete checkpoint of this size; None if there is none."""
        return next(self._complete(), None)

    def fetch(self, kept: Kept, folder: Path) -> Path:
        """Fetch this machine's part of a checkpoint, and return where it is.

        It appears there when all of it has come.

        Args:
            kept: Which one.
            folder: Where checkpoints are; it becomes a folder in it, named as its step.
        """
        draft, final = folder / f"fetching-{kept.step}", folder / str(kept.step)
        draft.mkdir(parents=True)
        root = f"{self._part_of(kept)}/"
        for key in self._keys(root):
            path = draft / key[len(root) :]
            path.parent.mkdir(parents=True, exist_ok=True)
            self._s3.download_file(self._bucket, key, str(path))
        return draft.rename(final)

    def _complete(self) -> Iterator[Kept]:
        """Yield complete checkpoints, the newest first."""
        size = self._part.size
        every = {Part(0, rank, size).name for rank in range(size)}
        for kept in sorted(self._found(), reverse=True):
            done = {key.rpartition("/")[2] for key in self._keys(f"{self._at(kept)}/done/")}
            if every <= done:
                yield kept

    def _forget(self) -> None:
        """Delete this machine's part of checkpoints that newer ones have replaced.

        The mark goes first, so that nobody takes for complete what is being deleted.
        """
        needed = list(islice(self._complete(), MOST_KEPT))
        if len(needed) < MOST_KEPT:
            return
        for kept in [one for one in self._found() if one < needed[-1]]:
            keys = [self._mark_of(kept), *self._keys(f"{self._part_of(kept)}/")]
            for first in range(0, len(keys), KEYS_PER_DELETE):
                named = [{"Key": key} for key in keys[first : first + KEYS_PER_DELETE]]
                self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": named})

    def _found(self) -> Iterator[Kept]:
        """Yield every checkpoint, complete or not."""
        for step in self._folders(self._root):
            for formation in self._folders(f"{self._root}{step}/"):
                yield Kept(int(step), int(formation))

    def _folders(self, prefix: str) -> Iterator[str]:
        """Yield the numbers that follow a prefix."""
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            for found in page.get("CommonPrefixes", ()):
                name = found["Prefix"][len(prefix) :].rstrip("/")
                if name.isdecimal():
                    yield name

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self._pages(Prefix=prefix):
            for found in page.get("Contents", ()):
                yield found["Key"]

    def _pages(self, **request: str) -> Iterator[Any]:
        page = self._s3.list_objects_v2(Bucket=self._bucket, **request)
        yield page
        while page.get("NextContinuationToken"):
            token = page["NextContinuationToken"]
            page = self._s3.list_objects_v2(Bucket=self._bucket, ContinuationToken=token, **request)
            yield page

    def _at(self, kept: Kept) -> str:
        formation = f"{kept.formation:0{FORMATION_DIGITS}d}"
        return f"{self._root}{kept.step:0{STEP_DIGITS}d}/{formation}"

    def _part_of(self, kept: Kept) -> str:
        return f"{self._at(kept)}/{self._part.name}"

    def _mark_of(self, kept: Kept) -> str:
        return f"{self._at(kept)}/done/{self._part.name}"
