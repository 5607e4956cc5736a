"""What the HTTP programs share: serve, be healthy, report every period, stop on SIGTERM."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable

from .progress import every_period

PORT = 8080
IDLE_SECONDS = 30
DRAIN_SECONDS = 30
"""How long an unhealthy machine still serves, so that load balancers notice first."""


class Handler(BaseHTTPRequestHandler):
    """Answers health checks; programs add their own requests."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    stopping: threading.Event

    def parse_request(self) -> bool:
        """Read the head of a request; end the connection after one whose body nobody reads.

        What is left of it would be taken for the next request: another one's, behind a load
        balancer. Programs that read bodies read those of a known length only.
        """
        if not super().parse_request():
            return False
        has_length = self.headers.get("Content-Length", "0") != "0"
        reads = self.command in {"POST", "PUT"}
        if "Transfer-Encoding" in self.headers or (has_length and not reads):
            self.close_connection = True
        return True

    def healthy(self) -> bool:
        """Answer `GET /healthz` and return True, or return False for any other path."""
        if self.path != "/healthz":
            return False
        stopping = self.stopping.is_set()
        self.answer(503 if stopping else 200, b"stopping\n" if stopping else b"ok\n")
        return True

    def answer(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: a line for each request would drown what matters."""


def serve_until_stopped(
    server: ThreadingHTTPServer,
    stopping: threading.Event,
    reports: Mapping[int, Callable[[float], None]],
    *,
    drain_seconds: float = DRAIN_SECONDS,
) -> None:
    """Serve and report until *stopping*, then drain and return.

    Args:
        server: The bound server.
        stopping: Set when the machine is to go; health checks fail from then on.
        reports: By the seconds of a period, what is called once a period with its start.
        drain_seconds: How long requests are still served after that.
    """
    threads = [
        threading.Thread(target=server.serve_forever, name="serve"),
        *(
            threading.Thread(
                target=every_period,
                args=(report, stopping),
                kwargs={"seconds": seconds},
                name=f"report every {seconds} s",
            )
            for seconds, report in reports.items()
        ),
    ]
    for thread in threads:
        thread.start()
    stopping.wait()
    threading.Event().wait(drain_seconds)
    server.shutdown()
    for thread in threads:
        thread.join()
    server.server_close()


def stop_on_sigterm() -> threading.Event:
    """Return an event that SIGTERM sets."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    return stopping
