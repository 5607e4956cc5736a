"""One job of the transcode fleet: a source video to H.264 and AAC in MP4.

Reads `{"source": "sources/a.mov", "target": "renditions/a.mp4"}` from standard input; both
are keys in the media bucket. ffmpeg runs on one thread, as a unit is one slot.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .clients import client
from .ingest_job import Store

SOURCES, RENDITIONS = "sources/", "renditions/"
SAFE_INPUT = ("-protocol_whitelist", "file")
"""A source that names other files, a playlist for example, makes ffmpeg call no network."""
QUALITY = ("-c:v", "libx264", "-preset", "medium", "-crf", "21", "-c:a", "aac", "-b:a", "160k")


def transcode(job: dict[str, Any], store: Store, *, bucket: str, ffmpeg: str) -> None:
    """Transcode the source of *job* to its target.

    Raises:
        ValueError: The job names no source or target, or one outside its prefix.
        subprocess.CalledProcessError: ffmpeg failed.
    """
    source, target = _key(job, "source", SOURCES), _key(job, "target", RENDITIONS)
    with tempfile.TemporaryDirectory() as folder:
        original, made = str(Path(folder, "source")), str(Path(folder, "target.mp4"))
        store.download_file(bucket, source, original)
        command = [ffmpeg, "-nostdin", "-loglevel", "error", "-y", *SAFE_INPUT, "-i", original]
        command += ["-threads", "1", *QUALITY, "-movflags", "+faststart", made]
        subprocess.run(command, check=True)  # noqa: S603  fixed words and our own file names
        store.upload_file(made, bucket, target)


def _key(job: dict[str, Any], name: str, prefix: str) -> str:
    key = job.get(name)
    if not isinstance(key, str) or not key.startswith(prefix):
        raise ValueError(f"{name} must be a key that starts with {prefix}, got {key!r}")
    return key


def main() -> None:
    """Transcode the job on standard input."""
    transcode(
        json.load(sys.stdin),
        client("s3"),
        bucket=os.environ["PEAKFLEET_BUCKET"],
        ffmpeg=os.environ["PEAKFLEET_FFMPEG"],
    )


if __name__ == "__main__":
    main()
