"""The worker programs of the reference app: edge and relay."""

from __future__ import annotations

import http.client
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from stacks.workers.http_service import Handler, serve_until_stopped
from stacks.workers.live_edge import Cache, Sessions, edge_handler
from stacks.workers.progress import Progress
from stacks.workers.sync_relay import Body, UploadToken, relay_handler


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class NoSuchKeyError(Exception):
    """What S3 says of an object that is not there."""


class FakeStore:
    """A bucket as a dict of bytes, and how often each was read."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.broken = False

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  boto3's own names
        assert Bucket == "media"
        self.reads.append(Key)
        if self.broken:
            raise ConnectionError("S3 does not answer")
        if Key not in self.objects:
            raise NoSuchKeyError(Key)
        return {"Body": io.BytesIO(self.objects[Key])}

    def upload_fileobj(self, body: Body, bucket: str, key: str, /) -> object:
        assert bucket == "media"
        parts = []
        while part := body.read(4):
            parts.append(part)
        if self.broken:
            raise ConnectionError("S3 does not answer")
        self.objects[key] = b"".join(parts)
        return None


class FakeCloudWatch:
    """The last value of each metric."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> object:  # noqa: N803  boto3's own names
        assert Namespace
        self.values |= {one["MetricName"]: one["Value"] for one in MetricData}
        return {}


@contextmanager
def serving(
    handler: type[Handler], stopping: threading.Event
) -> Iterator[http.client.HTTPConnection]:
    """Serve on a free port of this machine; yield a connection."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(
        target=serve_until_stopped,
        args=(server, stopping, {60: lambda _: None}),
        kwargs={"drain_seconds": 0},
    )
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        yield connection
    finally:
        connection.close()
        stopping.set()
        thread.join()


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    **more: Any,  # noqa: ANN401  http.client's own arguments
) -> tuple[int, bytes]:
    connection.request(method, path, **more)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_machine_that_is_to_stop_turns_unhealthy_first() -> None:
    stopping, told = threading.Event(), threading.Event()
    handler = edge_handler(Cache(FakeStore(), "media"), Sessions(), told)
    with serving(handler, stopping) as edge:
        assert ask(edge, "GET", "/healthz") == (200, b"ok\n")
        told.set()
        assert ask(edge, "GET", "/healthz") == (503, b"stopping\n")


def test_an_edge_serves_the_bucket_and_counts_streams_by_protocol() -> None:
    store, sessions, stopping = FakeStore(), Sessions(), threading.Event()
    store.objects = {"live/a.m3u8": b"list", "live/a.ts": b"video", "live/b.m4s": b"dash"}
    with serving(edge_handler(Cache(store, "media"), sessions, stopping), stopping) as edge:
        assert ask(edge, "GET", "/live/a.m3u8?session=ann") == (200, b"list")
        assert ask(edge, "GET", "/live/a.ts?session=ann") == (200, b"video")
        assert ask(edge, "GET", "/live/a.ts?session=bob") == (200, b"video")
        assert ask(edge, "GET", "/live/b.m4s?session=cem") == (200, b"dash")
        assert ask(edge, "GET", "/live/none.ts?session=eve")[0] == 404
        assert ask(edge, "GET", "/secrets/key.ts?session=eve")[0] == 404
    assert sessions.streams() == {"HlsStreams": 2, "DashStreams": 1}
    assert "secrets/key.ts" not in store.reads


def test_an_edge_says_that_the_bucket_is_not_available() -> None:
    store, stopping = FakeStore(), threading.Event()
    store.broken = True
    with serving(edge_handler(Cache(store, "media"), Sessions(), stopping), stopping) as edge:
        assert ask(edge, "GET", "/live/a.ts")[0] == 502
        assert ask(edge, "GET", "/healthz")[0] == 200


def test_a_stream_ends_thirty_seconds_after_its_last_request() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    sessions.saw("ann", dash=False)
    clock.seconds += 20
    sessions.saw("bob", dash=False)
    assert sessions.streams()["HlsStreams"] == 2
    clock.seconds += 11
    assert sessions.streams()["HlsStreams"] == 1


def test_many_viewers_of_one_segment_are_one_read_of_the_bucket() -> None:
    store, clock = FakeStore(), Clock()
    store.objects = {"live/a.ts": b"video", "live/b.ts": b"other"}
    cache = Cache(store, "media", clock)
    assert {cache.get("live/a.ts") for _ in range(100)} == {b"video"}
    cache.get("live/b.ts")
    cache.get("live/a.ts")
    assert store.reads == ["live/a.ts", "live/b.ts"]
    clock.seconds += 3
    cache.get("live/a.ts")
    assert store.reads[2:] == ["live/a.ts"]


class NoSuchVersionError(Exception):
    """What Secrets Manager says of a version that is not there."""


class FakeSecrets:
    """A secret's versions by stage."""

    def __init__(self, **stages: str) -> None:
        self.stages, self.broken = stages, False
        self.exceptions: Any = SimpleNamespace(ResourceNotFoundException=NoSuchVersionError)

    def get_secret_value(self, **request: str) -> dict[str, Any]:
        assert request["SecretId"] == "arn"
        if self.broken:
            raise ConnectionError("Secrets Manager does not answer")
        if request["VersionStage"] not in self.stages:
            raise NoSuchVersionError(request["VersionStage"])
        return {"SecretString": self.stages[request["VersionStage"]]}


UPLOADER = {"Authorization": "Bearer good"}


@contextmanager
def relay(
    store: FakeStore, cloudwatch: FakeCloudWatch, secrets: FakeSecrets | None = None
) -> Iterator[http.client.HTTPConnection]:
    stopping = threading.Event()
    progress = Progress(cloudwatch, namespace="Test", dimensions={})
    token = UploadToken(secrets or FakeSecrets(AWSCURRENT="good"), "arn")
    handler = relay_handler(store, "media", progress, stopping, token)
    with serving(handler, stopping) as connection:
        yield connection
    progress.report(60.0, {})


def test_a_relay_stores_what_it_is_sent_and_counts_the_bytes() -> None:
    store, cloudwatch = FakeStore(), FakeCloudWatch()
    with relay(store, cloudwatch) as connection:
        sent = ask(connection, "PUT", "/sync/a%20b.bin", body=b"0123456789", headers=UPLOADER)
        assert sent[0] == 201
        assert ask(connection, "PUT", "/sync/empty", body=b"", headers=UPLOADER)[0] == 201
    assert store.objects == {"sync/a b.bin": b"0123456789", "sync/empty": b""}
    assert cloudwatch.values == {"BytesRelayed": 10}


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer goo", "Bearer good ", "Basic good", "é"])
def test_a_relay_takes_nothing_from_whoever_has_not_the_token(given: str) -> None:
    store, cloudwatch = FakeStore(), FakeCloudWatch()
    headers = {"Authorization": given.encode("latin-1")} if given else {}
    with relay(store, cloudwatch) as connection:
        connection.request("PUT", "/sync/x", body=b"12", headers=headers)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("WWW-Authenticate")) == (401, "Bearer")
        assert answer.getheader("Connection") == "close"
    assert store.objects == {}


def test_a_relay_is_healthy_for_a_load_balancer_that_has_no_token() -> None:
    with relay(FakeStore(), FakeCloudWatch()) as connection:
        assert ask(connection, "GET", "/healthz") == (200, b"ok\n")


def test_after_a_rotation_the_token_before_is_admitted_and_the_one_before_that_is_not() -> None:
    secrets = FakeSecrets(AWSCURRENT="first")
    token = UploadToken(secrets, "arn")
    secrets.stages = {"AWSCURRENT": "second", "AWSPREVIOUS": "first"}
    token.refresh()
    assert token.admits("Bearer first")
    assert token.admits("Bearer second")
    secrets.stages = {"AWSCURRENT": "third", "AWSPREVIOUS": "second"}
    token.refresh()
    assert not token.admits("Bearer first")


def test_a_token_that_cannot_be_read_again_stays_and_one_never_read_stops_the_relay() -> None:
    secrets = FakeSecrets(AWSCURRENT="good")
    token = UploadToken(secrets, "arn")
    secrets.broken = True
    token.refresh()
    assert token.admits("Bearer good")
    with pytest.raises(ConnectionError):
        UploadToken(secrets, "arn")


def test_a_relay_takes_nothing_outside_its_prefix_and_nothing_of_unknown_length() -> None:
    store, cloudwatch = FakeStore(), FakeCloudWatch()
    with relay(store, cloudwatch) as connection:
        assert ask(connection, "PUT", "/incoming/x", body=b"", headers=UPLOADER)[0] == 404
        unknown = {"Transfer-Encoding": "chunked", **UPLOADER}
        assert ask(connection, "PUT", "/sync/x", headers=unknown)[0] == 411
    assert store.objects == {}


def test_a_relay_that_cannot_store_says_so_and_counts_nothing() -> None:
    store, cloudwatch = FakeStore(), FakeCloudWatch()
    store.broken = True
    with relay(store, cloudwatch) as connection:
        assert ask(connection, "PUT", "/sync/x", body=b"12", headers=UPLOADER)[0] == 502
    assert cloudwatch.values == {}


def test_an_upload_that_breaks_off_is_an_error_not_a_short_file() -> None:
    body = Body(io.BytesIO(b"123"), 10)
    with pytest.raises(ConnectionError, match="7 bytes of the body are missing"):
        body.read()
