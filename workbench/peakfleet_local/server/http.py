"""moto behind cheroot's HTTP server, in threads of this process."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from cheroot.wsgi import Server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

HOST = "127.0.0.1"
THREADS = 24
"""More than calls can be nested: a stack calls the API, a function that it runs calls again."""
IDLE_SECONDS = 3600
"""A client that finds its connection closed would have to repeat the call, which none does."""
MOST_WAITING = 128
"""Connections that the system holds until one is accepted."""
STOP_SECONDS = 0.05
"""How long stopping waits for the thread that accepts connections."""
_logger = logging.getLogger(__name__)


class MotoServer:
    """Listens on a port of this machine from its making until it is closed.

    Args:
        port: Where to listen; 0 takes any free one.

    Raises:
        OSError: The port is busy.
    """

    def __init__(self, *, port: int) -> None:
        self._server = _QuietServer(
            (HOST, port),
            _Application(create_backend_app),
            numthreads=THREADS,
            max=THREADS,
            request_queue_size=MOST_WAITING,
            timeout=IDLE_SECONDS,
        )
        self._server.prepare()
        self.port = int(self._server.bind_addr[1])
        self._thread = threading.Thread(
            target=self._server.serve, name="peakfleet-aws", daemon=True
        )

    def start(self) -> None:
        """Answer requests; those that came before have waited."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening, end every connection and its thread. Closing twice does nothing."""
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join()


class _QuietServer(Server):
    """Keeps connections open, and says nothing of clients that went away."""

    keep_alive_conn_limit = 1000
    expiration_interval = STOP_SECONDS

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: FBT001, FBT002 - cheroot's own signature
        _logger.log(level, msg, exc_info=traceback)


class _Application(DomainDispatcherApplication):
    """moto as a WSGI application whose bugs reach the caller as an answer."""

    def __init__(self, create_app: Callable[..., Any]) -> None:
        super().__init__(create_app)
        self._service_of: dict[str | None, Any] = {}

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        environ["RAW_URI"] = environ["REQUEST_URI"]  # moto takes the path of S3's keys from it
        try:
            answer: Iterable[bytes] = super().__call__(environ, start_response)
        except Exception:
            _logger.exception("moto failed at %s %s", environ["REQUEST_METHOD"], environ["RAW_URI"])
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
            return [traceback.format_exc().encode()]
        return answer

    def get_backend_for_host(self, host: str | None) -> Any:  # noqa: ANN401 - moto's own signature
        """Return what moto found for this host the first time; it walks its folders each time."""
        if host not in self._service_of:
            self._service_of[host] = super().get_backend_for_host(host)
        return self._service_of[host]
