"""One job of the ingest fleet: a checksum and, for a picture, a thumbnail of each new file.

Reads an S3 event from standard input. For `incoming/a/b.jpg` it writes
`checksums/a/b.jpg.sha256` and `thumbnails/a/b.jpg.jpg` to the same bucket. Running twice
writes the same two objects again.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote_plus

from .clients import client

INCOMING, CHECKSUMS, THUMBNAILS = "incoming/", "checksums/", "thumbnails/"
THUMBNAIL_PIXELS = 512
CHUNK_BYTES = 1 << 20


class Store(Protocol):
    """The calls of boto3's S3 client that are used."""

    def download_file(self, bucket: str, key: str, filename: str, /) -> object:
        """Fetch an object into a file."""

    def upload_file(self, filename: str, bucket: str, key: str, /) -> object:
        """Write a file to an object."""


def ingest(event: dict[str, Any], store: Store) -> list[str]:
    """Handle each object of *event* and return the keys that were written.

    The test event that S3 sends once, when the notification is set up, has no records.
    """
    return [
        key
        for record in event.get("Records", [])
        for key in _ingest_object(
            record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]), store
        )
    ]


def _ingest_object(bucket: str, key: str, store: Store) -> list[str]:
    if not key.startswith(INCOMING):
        raise ValueError(f"key must start with {INCOMING}, got {key!r}")
    name = key[len(INCOMING) :]
    with tempfile.TemporaryDirectory() as folder:
        original, made = Path(folder, "original"), Path(folder, "made")
        store.download_file(bucket, key, str(original))
        made.write_text(f"{sha256(original)}  {name}\n", encoding="utf-8")
        store.upload_file(str(made), bucket, f"{CHECKSUMS}{name}.sha256")
        written = [f"{CHECKSUMS}{name}.sha256"]
        if write_thumbnail(original, made):
            store.upload_file(str(made), bucket, f"{THUMBNAILS}{name}.jpg")
            written.append(f"{THUMBNAILS}{name}.jpg")
    return written


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file of any size, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_thumbnail(source: Path, target: Path) -> bool:
    """Write a JPEG of at most 512 pixels a side; return False if *source* is no picture."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415  only pictures need it

    try:
        with Image.open(source) as picture:
            small = ImageOps.exif_transpose(picture).convert("RGB")
            small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
            small.save(target, format="JPEG", quality=85)
    except UnidentifiedImageError:
        return False
    return True


def main() -> None:
    """Handle the event on standard input."""
    for key in ingest(json.load(sys.stdin), client("s3")):
        print(key)  # noqa: T201  the worker's log


if __name__ == "__main__":
    main()
