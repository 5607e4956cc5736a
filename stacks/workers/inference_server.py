"""Serves a model: starts the program in the model's archive, and passes requests on to it.

This program holds no model and makes up no answer. The archive has an executable `serve`,
compiled and packed with all that it needs for the chip of this machine. `serve` loads the model,
listens on 127.0.0.1 at `$PORT`, answers `GET /ping` with 200 once the model is loaded, and `POST`
of any path with what the model says. When it ends, this program ends too, and systemd starts both.

Each request is one more connection on this machine, handled in Python: good for some hundred
requests a second. A model that answers more must take several inputs in one request.
"""

from __future__ import annotations

import http.client
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Callable

from .clients import client
from .http_service import DRAIN_SECONDS, PORT, Handler, serve_until_stopped, stop_on_sigterm
from .progress import MINUTE_SECONDS, Progress
from .usefulness import Processors, Usefulness

MODEL_PORT = 8081
NEURON = Path("/dev/neuron0")
PING_SECONDS = 2
ANSWER_SECONDS = 60
LARGEST_BYTES = 32 * 1024**2

log = logging.getLogger(__name__)


class Model:
    """The model's own program, as seen from this machine.

    Args:
        port: Where it listens on 127.0.0.1.
        progress: Where its answers are counted.
        now: A clock, in seconds.
    """

    def __init__(
        self, port: int, progress: Progress, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._port = port
        self._progress = progress
        self._now = now

    def loaded(self) -> bool:
        """Return whether the model is loaded: nothing else makes this machine healthy."""
        try:
            return self._ask("GET", "/ping", b"", "text/plain", PING_SECONDS)[0] == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def answer(self, path: str, body: bytes, content_type: str) -> tuple[int, bytes, str]:
        """Return status, body and content type of the model's own answer, or 502 if it has none.

        `BusySeconds` over 60 is the mean number of requests in flight.
        """
        began = self._now()
        try:
            answered = self._ask("POST", path, body, content_type, ANSWER_SECONDS)
        except (OSError, http.client.HTTPException):
            log.exception("the model did not answer")
            answered = http.client.BAD_GATEWAY, b"the model did not answer\n", "text/plain"
        self._progress.add("Requests")
        self._progress.add("BusySeconds", self._now() - began)
        if answered[0] >= http.client.INTERNAL_SERVER_ERROR:
            self._progress.add("Failures")
        return answered

    def _ask(
        self, method: str, path: str, body: bytes, content_type: str, seconds: float
    ) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=seconds)
        try:
            connection.request(method, path, body, {"Content-Type": content_type})
            answer = connection.getresponse()
            kind = answer.getheader("Content-Type", "application/octet-stream")
            return answer.status, answer.read(), kind
        finally:
            connection.close()


def model_handler(model: Model, stopping_event: threading.Event) -> type[Handler]:
    """Return the request handler of a machine that serves *model*."""

    class Serving(Handler):
        stopping = stopping_event

        def do_GET(self) -> None:  # noqa: N802  the name that http.server calls
            if self.path == "/healthz" and not model.loaded():
                self.answer(503, b"the model is not loaded\n")
            elif not self.healthy():
                self.answer(404, b"not found\n")

        def do_POST(self) -> None:  # noqa: N802  the name that http.server calls
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > LARGEST_BYTES:
                self.close_connection = True  # the body was not read
                self.answer(413, b"Content-Length of at most 32 MiB is needed\n")
                return
            body = self.rfile.read(int(length))
            self.answer(*model.answer(self.path, body, self.headers.get_content_type()))

    return Serving


def start_model(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start the program of the model in *folder*."""
    return subprocess.Popen(  # noqa: S603  the operator's own program
        [str(folder / "serve")],
        cwd=folder,
        env={**os.environ, "PORT": str(port)},
        start_new_session=True,
    )


def run(
    program: subprocess.Popen[bytes],
    server: ThreadingHTTPServer,
    stopping: threading.Event,
    report: Callable[[float], None],
    *,
    drain_seconds: float = DRAIN_SECONDS,
) -> int:
    """Serve until *stopping* or until the model's program ends; return what to exit with."""
    gone = threading.Event()

    def watch() -> None:
        program.wait()
        gone.set()
        stopping.set()

    threading.Thread(target=watch, name="watch", daemon=True).start()
    serve_until_stopped(server, stopping, {MINUTE_SECONDS: report}, drain_seconds=drain_seconds)
    if gone.is_set():
        log.error("the model's program has ended with %s", program.returncode)
        return 1
    os.killpg(program.pid, signal.SIGTERM)
    return 0


def main() -> None:
    """Serve the model of this machine until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stopping = stop_on_sigterm()
    cloudwatch = client("cloudwatch")
    usefulness, processors = Usefulness.of_this_machine(cloudwatch), Processors()
    on_neuron = NEURON.exists()  # whose load the processors do not show
    progress = Progress(
        cloudwatch,
        namespace=os.environ["PEAKFLEET_NAMESPACE"],
        dimensions={"Fleet": os.environ["PEAKFLEET_FLEET"]},
    )
    program = start_model(Path(os.environ["PEAKFLEET_MODEL"]), MODEL_PORT)
    server = ThreadingHTTPServer(("", PORT), model_handler(Model(MODEL_PORT, progress), stopping))

    def report(minute: float) -> None:
        counts = progress.report(minute, {"Alive": 1.0})
        answered = counts.get("Requests", 0.0) - counts.get("Failures", 0.0)
        usefulness.report(
            minute,
            useful_units=answered / MINUTE_SECONDS,
            busy_share=None if on_neuron else processors.busy_share(),
        )

    sys.exit(run(program, server, stopping, report))


if __name__ == "__main__":
    main()
