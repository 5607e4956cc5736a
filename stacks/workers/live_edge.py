"""A small live edge: serves segments from the media bucket and counts concurrent streams.

`GET /live/NAME?session=ID` returns the object `live/NAME`. A session is a concurrent stream
until 30 seconds after its last request. Playlists and segments are cached for a moment, so
that a thousand viewers of one event are one read of the bucket. Streams are reported every ten
seconds: the fleet then sees a rise a minute sooner.
"""

from __future__ import annotations

import math
import os
import threading
import time
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any, Callable, Protocol
from urllib.parse import parse_qs, urlsplit

from .clients import client
from .http_service import PORT, Handler, serve_until_stopped, stop_on_sigterm
from .progress import MINUTE_SECONDS, Progress
from .usefulness import Processors, Usefulness

PREFIX = "/live/"
SESSION_SECONDS = 30
REPORT_SECONDS = 10
CACHE_SECONDS = 2
TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".mpd": "application/dash+xml",
    ".m4s": "video/iso.segment",
}
DASH = (".mpd", ".m4s")


class Store(Protocol):
    """The call of boto3's S3 client that is used."""

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  boto3's own names
        """Fetch an object."""


class Sessions:
    """Who is watching what. Safe to use from several threads.

    Args:
        now: A clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], float] = {}

    def saw(self, session: str, *, dash: bool) -> None:
        """Note a request of *session*."""
        with self._lock:
            self._seen["DashStreams" if dash else "HlsStreams", session] = self._now()

    def streams(self) -> dict[str, float]:
        """Return the concurrent streams by protocol, and forget who has left."""
        oldest = self._now() - SESSION_SECONDS
        with self._lock:
            self._seen = {key: at for key, at in self._seen.items() if at >= oldest}
            names = [name for name, _ in self._seen]
        return {name: float(names.count(name)) for name in ("HlsStreams", "DashStreams")}


@dataclass
class _Kept:
    """One object of the cache; its own lock, so that a slow object delays no other."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    body: bytes = b""
    read_at: float = -math.inf


class Cache:
    """Objects of the bucket, each read at most once in two seconds.

    Args:
        store: A boto3 S3 client.
        bucket: The media bucket.
        now: A clock, in seconds.
    """

    def __init__(
        self, store: Store, bucket: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._bucket = bucket
        self._now = now
        self._lock = threading.Lock()
        self._objects: dict[str, _Kept] = {}

    def get(self, key: str) -> bytes:
        """Return the object's bytes."""
        oldest = self._now() - CACHE_SECONDS
        with self._lock:
            kept = self._objects.get(key, _Kept())
            self._objects = {
                name: one
                for name, one in self._objects.items()
                if one.read_at >= oldest or one.lock.locked()
            }
            self._objects[key] = kept
        with kept.lock:
            if kept.read_at < oldest:
                kept.body = self._store.get_object(Bucket=self._bucket, Key=key)["Body"].read()
                kept.read_at = self._now()
            return kept.body


def edge_handler(
    cache: Cache, sessions: Sessions, stopping_event: threading.Event
) -> type[Handler]:
    """Return the request handler of an edge."""

    class Edge(Handler):
        stopping = stopping_event

        def do_GET(self) -> None:  # noqa: N802  the name that http.server calls
            if self.healthy():
                return
            url = urlsplit(self.path)
            extension = os.path.splitext(url.path)[1]  # noqa: PTH122  a URL, not a file
            if not url.path.startswith(PREFIX) or extension not in TYPES:
                self.answer(404, b"not found\n")
                return
            try:
                body = cache.get(url.path[1:])
            except Exception as error:  # noqa: BLE001  the bucket's trouble is one viewer's 404 or 502
                missing = "NoSuchKey" in str(error) or "NoSuchKey" in type(error).__name__
                self.answer(404 if missing else 502, b"not available\n")
                return
            session = parse_qs(url.query).get("session", [self.client_address[0]])[0]
            sessions.saw(session, dash=extension in DASH)
            self.answer(200, body, TYPES[extension])

    return Edge


def main() -> None:
    """Serve the media bucket until SIGTERM."""
    stopping, sessions = stop_on_sigterm(), Sessions()
    cache = Cache(client("s3"), os.environ["PEAKFLEET_BUCKET"])
    # Without dimensions: the demand is the sum over all edges, on-premises and cloud.
    cloudwatch = client("cloudwatch")
    progress = Progress(
        cloudwatch,
        namespace=os.environ["PEAKFLEET_NAMESPACE"],
        dimensions={},
        resolution_seconds=1,
    )
    usefulness, processors = Usefulness.of_this_machine(cloudwatch), Processors()

    def report_streams(start: float) -> None:
        progress.report(start, sessions.streams())

    def report_usefulness(minute: float) -> None:
        useful_units = sum(sessions.streams().values())
        usefulness.report(minute, useful_units=useful_units, busy_share=processors.busy_share())

    server = ThreadingHTTPServer(("", PORT), edge_handler(cache, sessions, stopping))
    reports = {REPORT_SECONDS: report_streams, MINUTE_SECONDS: report_usefulness}
    serve_until_stopped(server, stopping, reports)


if __name__ == "__main__":
    main()
