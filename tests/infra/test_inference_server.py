"""The worker program that serves a model: it passes on what the model says, and nothing else."""

from __future__ import annotations

import http.client
import http.server
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stacks.workers.inference_server import LARGEST_BYTES, Model, model_handler, run, start_model
from stacks.workers.progress import Progress

# A model that answers how many bytes it was asked; it is loaded once a file says so.
MODEL = """
import os, pathlib, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Serve(BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(200 if pathlib.Path("loaded").exists() and self.path == "/ping" else 503, b"")
    def do_POST(self):
        if self.path == "/die":
            os._exit(7)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = b"%s %d %s" % (self.path.encode(), len(body), self.headers["Content-Type"].encode())
        self.say(500 if self.path == "/broken" else 200, said)
    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/x-ranking")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Serve).serve_forever()
"""


class FakeCloudWatch:
    """The last value of each metric."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> object:  # noqa: N803  boto3's own names
        assert Namespace
        self.values |= {one["MetricName"]: one["Value"] for one in MetricData}
        return {}


class Machine:
    """A machine whose server runs in threads of this process, and its model in its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        serve = folder / "serve"
        serve.write_text(f"#!{sys.executable}\n{MODEL}")
        serve.chmod(serve.stat().st_mode | stat.S_IEXEC)
        self.cloudwatch = FakeCloudWatch()
        self._progress = Progress(self.cloudwatch, namespace="Test", dimensions={})
        with ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as free:
            port = free.server_port
        self.model = Model(port, self._progress)
        self.program = start_model(folder, port)
        self.stopping = threading.Event()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), model_handler(self.model, self.stopping)
        )
        self.ended: list[int] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        nothing = self.cloudwatch.values.update
        self.ended.append(
            run(
                self.program,
                self._server,
                self.stopping,
                lambda _: nothing(),
                drain_seconds=0,
            )
        )

    def load(self) -> None:
        (self.folder / "loaded").touch()
        while not self.model.loaded():
            assert self.program.poll() is None

    def ask(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, bytes, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.server_port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheader("Content-Type")
        finally:
            connection.close()

    def report(self) -> dict[str, float]:
        self._progress.report(60.0, {})
        return self.cloudwatch.values

    def wait(self) -> int:
        self._thread.join(30)
        return self.ended[0]

    def stop(self) -> None:
        self.stopping.set()
        self._thread.join(30)
        self.program.wait(30)


@pytest.fixture(name="machine")
def _machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.stop()


def test_a_machine_is_healthy_only_once_its_model_is_loaded(machine: Machine) -> None:
    assert machine.ask("GET", "/healthz")[0] == 503
    machine.load()
    assert machine.ask("GET", "/healthz")[0] == 200


def test_what_the_model_says_is_passed_on_as_it_is(machine: Machine) -> None:
    machine.load()
    headers = {"Content-Type": "image/jpeg"}
    answered = machine.ask("POST", "/images/labels?top=3", b"12345", **headers)
    assert answered == (200, b"/images/labels?top=3 5 image/jpeg", "application/x-ranking")


def test_a_model_that_fails_is_a_failure_and_no_made_up_answer(machine: Machine) -> None:
    machine.load()
    assert machine.ask("POST", "/broken", b"x")[0] == 500
    assert machine.ask("POST", "/rank", b"x")[0] == 200
    counted = machine.report()
    assert (counted["Requests"], counted["Failures"]) == (2, 1)
    assert counted["BusySeconds"] > 0


def test_a_request_that_is_too_large_or_of_unknown_length_never_reaches_the_model(
    machine: Machine,
) -> None:
    machine.load()
    headers = {"Content-Length": str(LARGEST_BYTES + 1)}
    assert machine.ask("POST", "/rank", b"", **headers)[0] == 413
    assert machine.ask("GET", "/rank")[0] == 404
    assert "Requests" not in machine.report()


def test_when_the_model_dies_the_server_ends_so_that_both_start_again(machine: Machine) -> None:
    machine.load()
    assert machine.ask("POST", "/die", b"x")[0] == 502
    assert machine.wait() == 1


def test_a_machine_that_is_stopped_stops_its_model(machine: Machine) -> None:
    machine.load()
    machine.stop()
    assert machine.wait() == 0
    assert machine.program.returncode is not None


def test_the_program_starts_as_systemd_starts_it() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "import workers.inference_server"],
        cwd=Path(__file__).parents[2] / "stacks",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
