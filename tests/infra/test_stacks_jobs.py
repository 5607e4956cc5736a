"""The worker programs of the reference app: what is done for one message."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest
from PIL import Image

from stacks.workers.ingest_job import ingest
from stacks.workers.transcode_job import transcode


class FakeStore:
    """A bucket as a dict of bytes."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = {("files", key): body for key, body in objects.items()}

    def put(self, key: str, body: bytes) -> None:
        self.objects["files", key] = body

    def download_file(self, bucket: str, key: str, filename: str, /) -> object:
        return Path(filename).write_bytes(self.objects[bucket, key])

    def upload_file(self, filename: str, bucket: str, key: str, /) -> object:
        self.objects[bucket, key] = Path(filename).read_bytes()
        return None


def s3_event(*keys: str) -> dict[str, Any]:
    return {"Records": [{"s3": {"bucket": {"name": "files"}, "object": {"key": k}}} for k in keys]}


def picture(width: int, height: int) -> bytes:
    body = io.BytesIO()
    Image.new("RGBA", (width, height), "orange").save(body, format="PNG")
    return body.getvalue()


def test_a_picture_gets_a_checksum_and_a_thumbnail() -> None:
    store = FakeStore()
    store.put("incoming/a b/c.png", picture(2000, 1000))
    written = ingest(s3_event("incoming/a+b/c.png"), store)
    assert written == ["checksums/a b/c.png.sha256", "thumbnails/a b/c.png.jpg"]
    checksum = store.objects["files", written[0]].decode()
    assert checksum == f"{hashlib.sha256(picture(2000, 1000)).hexdigest()}  a b/c.png\n"
    with Image.open(io.BytesIO(store.objects["files", written[1]])) as small:
        assert (small.format, small.size) == ("JPEG", (512, 256))


def test_any_other_file_gets_a_checksum_only() -> None:
    store = FakeStore()
    store.put("incoming/notes.txt", b"not a picture")
    assert ingest(s3_event("incoming/notes.txt"), store) == ["checksums/notes.txt.sha256"]


def test_the_test_event_that_s3_sends_is_no_work() -> None:
    assert ingest({"Service": "Amazon S3", "Event": "s3:TestEvent"}, FakeStore()) == []


def test_results_are_never_ingested_again() -> None:
    with pytest.raises(ValueError, match=r"must start with incoming/, got 'thumbnails/a\.jpg'"):
        ingest(s3_event("thumbnails/a.jpg"), FakeStore())


def fake_ffmpeg(folder: Path, body: str) -> str:
    """Return a program that takes ffmpeg's arguments: the input after -i, the output last."""
    path = folder / "ffmpeg"
    path.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_video_is_transcoded_from_source_to_target(tmp_path: Path) -> None:
    store = FakeStore()
    store.put("sources/a.mov", b"film")
    ffmpeg = fake_ffmpeg(
        tmp_path,
        "args = sys.argv\n"
        "film = open(args[args.index('-i') + 1], 'rb').read()\n"
        "open(args[-1], 'wb').write(b'h264 ' + film)",
    )
    job = {"source": "sources/a.mov", "target": "renditions/a.mp4"}
    transcode(job, store, bucket="files", ffmpeg=ffmpeg)
    assert store.objects["files", "renditions/a.mp4"] == b"h264 film"


def test_a_source_that_names_addresses_makes_no_call(tmp_path: Path) -> None:
    store = FakeStore()
    store.put("sources/a.m3u8", b"#EXTM3U\nhttp://169.254.169.254/latest/meta-data/")
    ffmpeg = fake_ffmpeg(
        tmp_path,
        "before = sys.argv[: sys.argv.index('-i')]\n"
        "allowed = before[before.index('-protocol_whitelist') + 1]\n"
        "open(sys.argv[-1], 'w').write(allowed)",
    )
    job = {"source": "sources/a.m3u8", "target": "renditions/a.mp4"}
    transcode(job, store, bucket="files", ffmpeg=ffmpeg)
    assert store.objects["files", "renditions/a.mp4"] == b"file"


def test_a_transcode_that_fails_writes_nothing(tmp_path: Path) -> None:
    store = FakeStore()
    store.put("sources/a.mov", b"film")
    job = {"source": "sources/a.mov", "target": "renditions/a.mp4"}
    with pytest.raises(CalledProcessError):
        transcode(job, store, bucket="files", ffmpeg=fake_ffmpeg(tmp_path, "sys.exit(1)"))
    assert list(store.objects) == [("files", "sources/a.mov")]


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ({"source": "incoming/a.mov", "target": "renditions/a.mp4"}, "source must be a key that"),
        ({"source": "sources/a.mov", "target": "sources/a.mov"}, "starts with renditions/, got"),
        ({"source": "sources/a.mov"}, "target must be a key that starts with renditions/, got N"),
    ],
)
def test_a_transcode_job_outside_its_prefixes_is_refused(job: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        transcode(job, FakeStore(), bucket="files", ffmpeg="never-run")
