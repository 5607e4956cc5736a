from __future__ import annotations

import io
import socket
import threading
import traceback
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import ThreadedWSGIServer

HOST = "127.0.0.1"
CLOSE_SECONDS = 5.0
NO_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class KeepAliveHandler(MotoRequestHandler):
    """Answers many requests per connection; werkzeug's own handler closes after each."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together, in one packet
    server: MotoServer

    def setup(self) -> None:
        """Make the connection known, so that it can be closed."""
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        self.server.closed(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        """Read the whole request, so that the next one is found behind it, and answer."""
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        length = int(environ.get("CONTENT_LENGTH") or 0)
        stream = environ["wsgi.input"]
        chunked = bool(environ.pop("wsgi.input_terminated", False))
        body = stream.read() if chunked else stream.read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        status, headers, answer = _run(self.server.app, environ)
        self._send(status, headers, answer)

    def _send(self, status: str, headers: list[tuple[str, str]], answer: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name.lower() not in {"connection", "transfer-encoding"}:
                self.send_header(name, value)
        named = {name.lower() for name, _ in headers}
        if "content-length" not in named and int(code) not in NO_BODY:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)
        self.wfile.flush()

    def log(self, *_args: object) -> None:
        """Keep quiet: a replay makes thousands of calls."""


class QuickDispatcher(DomainDispatcherApplication):
    """Finds the service of a request; moto's own walks its package's folders each time."""

    def __init__(self, create_app: Callable[..., Any]) -> None:
        super().__init__(create_app)
        self._service_of: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:  # noqa: ANN401 - moto's own signature
        """Return what moto found for this host the first time."""
        if host not in self._service_of:
            self._service_of[host] = super().get_backend_for_host(host)
        return self._service_of[host]


class MotoServer(ThreadedWSGIServer):
    """moto on a port of this machine, in threads of this process.

    Args:
        listener: A bound, listening socket, which the server takes over.
    """

    def __init__(self, *, listener: socket.socket) -> None:
        app = QuickDispatcher(create_backend_app)
        port = listener.getsockname()[1]
        super().__init__(HOST, port, app, KeepAliveHandler, fd=listener.fileno())
        listener.close()
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.05,), name="peakfleet-aws", daemon=True
        )
        self._thread.start()

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection and the thread that serves it."""
        with self._lock:
            self._open[connection] = threading.current_thread()

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._open.pop(connection, None)

    def close(self) -> None:
        """Stop listening, end every connection and its thread."""
        self.shutdown()
        self._thread.join(CLOSE_SECONDS)
        with self._lock:
            remaining = dict(self._open)
        for connection, thread in remaining.items():
            _hang_up(connection)
            thread.join(CLOSE_SECONDS)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine; 0 takes any.

    Raises:
        OSError: The port is busy.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _run(
    app: Callable[..., Iterable[bytes]], environ: dict[str, Any]
) -> tuple[str, list[tuple[str, str]], bytes]:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _error: object = None
    ) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda _data: None

    try:
        answer = app(environ, start_response)
        body = b"".join(answer)
        close = getattr(answer, "close", None)
        if close is not None:
            close()
    except Exception:  # noqa: BLE001 - a bug of moto must reach the caller as an answer
        text = traceback.format_exc()
        return "500 Internal Server Error", [("Content-Type", "text/plain")], text.encode()
    return *started[-1], body


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
