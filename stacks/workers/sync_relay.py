"""A small upload relay: takes files from the company's sync gateway into the bucket.

`PUT /sync/NAME` with a Content-Length and `Authorization: Bearer TOKEN` streams the body to the
object `sync/NAME`; nothing is kept on the machine. The token is a secret in AWS Secrets Manager,
read every minute, and the one before a rotation is admitted as well. The bytes relayed are
reported every minute.
"""

from __future__ import annotations

import hmac
import logging
import os
import threading
from http.server import ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from .clients import client
from .http_service import PORT, Handler, serve_until_stopped, stop_on_sigterm
from .progress import MINUTE_SECONDS, Progress
from .usefulness import Processors, Usefulness

PREFIX = "/sync/"
BYTES_PER_MEGABYTE = 1e6
LARGEST_BYTES = 5 * 1024**4
"""The largest S3 object when this was written; S3 itself refuses more than it can hold."""

log = logging.getLogger(__name__)


class Stream(Protocol):
    """A connection to read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to *size* bytes, fewer only at the end."""


class Store(Protocol):
    """The call of boto3's S3 client that is used."""

    def upload_fileobj(self, body: Body, bucket: str, key: str, /) -> object:
        """Write a stream to an object."""


class Secrets(Protocol):
    """What is used of boto3's Secrets Manager client."""

    exceptions: Any

    def get_secret_value(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401  boto3's own shapes
        """Return a secret."""


class UploadToken:
    """The token that uploads carry, and the one before a rotation.

    Args:
        secrets: A boto3 Secrets Manager client.
        secret_id: The secret's ARN.

    Raises:
        Exception: The token cannot be read at the start. A later reading that fails leaves it as
            it was.
    """

    def __init__(self, secrets: Secrets, secret_id: str) -> None:
        self._secrets, self._secret_id = secrets, secret_id
        self._tokens = self._read()

    def refresh(self) -> None:
        """Read the token anew."""
        try:
            self._tokens = self._read()
        except Exception:  # whatever the trouble is, uploads must go on
            log.exception("the upload token was not read again")

    def admits(self, authorization: str) -> bool:
        """Return whether a request with this header may upload."""
        given = authorization.encode()
        equal = [hmac.compare_digest(given, f"Bearer {one}".encode()) for one in self._tokens]
        return any(equal)

    def _read(self) -> list[str]:
        tokens = [self._value("AWSCURRENT")]
        try:
            tokens.append(self._value("AWSPREVIOUS"))
        except self._secrets.exceptions.ResourceNotFoundException:
            log.debug("the upload token was never rotated")
        return tokens

    def _value(self, stage: str) -> str:
        answer = self._secrets.get_secret_value(SecretId=self._secret_id, VersionStage=stage)
        return str(answer["SecretString"])


class Body:
    """The body of one request as a file that ends where the request ends.

    Args:
        stream: The connection.
        length: Bytes of the body.
    """

    def __init__(self, stream: Stream, length: int) -> None:
        self._stream = stream
        self.left = length

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes of what is left; nothing at the end.

        Raises:
            ConnectionError: The sender left in the middle.
        """
        wanted = self.left if size < 0 else min(size, self.left)
        data = self._stream.read(wanted) if wanted else b""
        if len(data) < wanted:
            raise ConnectionError(f"{self.left - len(data)} bytes of the body are missing")
        self.left -= len(data)
        return data


def relay_handler(
    store: Store,
    bucket: str,
    progress: Progress,
    stopping_event: threading.Event,
    token: UploadToken,
) -> type[Handler]:
    """Return the request handler of a relay."""

    class Relay(Handler):
        stopping = stopping_event

        def do_GET(self) -> None:  # noqa: N802  the name that http.server calls
            if not self.healthy():
                self.answer(404, b"not found\n")

        def do_PUT(self) -> None:  # noqa: N802  the name that http.server calls
            key = unquote(urlsplit(self.path).path)
            length = self.headers.get("Content-Length", "")
            if not token.admits(self.headers.get("Authorization", "")):
                self._refuse(401, b"the upload token is needed\n")
            elif not key.startswith(PREFIX) or key == PREFIX:
                self._refuse(404, b"PUT /sync/NAME\n")
            elif not length.isdecimal() or int(length) > LARGEST_BYTES:
                self._refuse(411, b"Content-Length is needed\n")
            else:
                self._relay(key[1:], int(length))

        def _relay(self, key: str, length: int) -> None:
            try:
                store.upload_fileobj(Body(self.rfile, length), bucket, key)
            except Exception:  # one sender's or the bucket's trouble: the gateway tries again
                log.exception("%s was not relayed", key)
                self._refuse(502, b"not stored\n")
                return
            progress.add("BytesRelayed", length)
            self.answer(201, b"stored\n")

        def _refuse(self, status: int, why: bytes) -> None:
            self.close_connection = True  # the rest of the body was not read
            self.answer(status, why)

    return Relay


def main() -> None:
    """Relay to the bucket until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stopping = stop_on_sigterm()
    cloudwatch = client("cloudwatch")
    usefulness, processors = Usefulness.of_this_machine(cloudwatch), Processors()
    progress = Progress(
        cloudwatch,
        namespace=os.environ["PEAKFLEET_NAMESPACE"],
        dimensions={"Fleet": os.environ["PEAKFLEET_FLEET"]},
    )
    token = UploadToken(client("secretsmanager"), os.environ["PEAKFLEET_UPLOAD_TOKEN"])
    bucket = os.environ["PEAKFLEET_BUCKET"]
    handler = relay_handler(client("s3"), bucket, progress, stopping, token)
    server = ThreadingHTTPServer(("", PORT), handler)

    def report(minute: float) -> None:
        token.refresh()
        counts = progress.report(minute, {"Alive": 1})
        megabytes = counts.get("BytesRelayed", 0.0) / BYTES_PER_MEGABYTE
        usefulness.report(
            minute,
            useful_units=megabytes / MINUTE_SECONDS,
            busy_share=processors.busy_share(),
        )

    serve_until_stopped(server, stopping, {MINUTE_SECONDS: report})


if __name__ == "__main__":
    main()
