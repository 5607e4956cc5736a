"""The local AWS comes up anywhere and leaves nothing behind."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from peakfleet_local import LocalAws
from tests.local.deployed import create_function, invoke

PATIENCE_SECONDS = 60.0
OPEN_AND_WAIT = """
import signal, threading
from peakfleet_local import LocalAws
from tests.local.deployed import create_function, invoke
code = "import os\\ndef handler(event, context):\\n    return os.getpid()\\n"
# A job in the background of a shell is started deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
with LocalAws() as aws:
    create_function(aws, "f", {"index.py": code})
    print(aws.endpoint_url.rpartition(":")[2], invoke(aws, "f").payload, flush=True)
    threading.Event().wait()
"""


def test_the_endpoint_is_named_localhost_and_any_client_may_use_it(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    assert aws.endpoint_url.startswith("http://localhost:")
    boto3.Session().client("sqs").create_queue(QueueName="q")
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 1


def test_a_busy_port_is_reported_and_another_one_taken(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = other.getsockname()[1]
        with caplog.at_level(logging.WARNING), LocalAws(port=busy) as aws:
            taken = int(aws.endpoint_url.rpartition(":")[2])
            assert taken != busy
            assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    assert f"port {busy} is busy, using {taken} instead" in caplog.text


def test_a_free_port_is_taken_as_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
    with LocalAws(port=free) as aws:
        assert aws.endpoint_url == f"http://localhost:{free}"


def test_two_at_once_are_refused(aws: LocalAws) -> None:
    with pytest.raises(RuntimeError, match="already has a local AWS"):
        LocalAws().__enter__()
    assert aws.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_nothing_is_left_after_the_end() -> None:
    before = set(threading.enumerate())
    code = {"index.py": "import os\ndef handler(event, context):\n    return os.getpid()\n"}
    with LocalAws() as aws:
        create_function(aws, "f", code)
        pid = invoke(aws, "f").payload
        port = int(aws.endpoint_url.rpartition(":")[2])
        aws.client("sqs").create_queue(QueueName="q")
        assert is_alive(pid)
    assert not is_alive(pid)
    assert not is_listening(port)
    assert set(threading.enumerate()) == before
    with LocalAws() as fresh:
        assert fresh.client("sqs").list_queues().get("QueueUrls", []) == []
        assert fresh.client("lambda").list_functions()["Functions"] == []


def test_a_busy_function_does_not_hold_up_the_end(tmp_path: Path) -> None:
    code = "import pathlib, time\ndef handler(event, context):\n"
    code += "    pathlib.Path(event).touch()\n    time.sleep(600)\n"
    begun = tmp_path / "begun"
    before = set(threading.enumerate())
    with LocalAws() as aws:
        create_function(aws, "f", {"index.py": code}, timeout=900)
        caller = threading.Thread(target=lambda: invoke_quietly(aws, "f", str(begun)))
        caller.start()
        assert eventually(begun.exists)
    caller.join(PATIENCE_SECONDS)
    assert set(threading.enumerate()) == before


def test_closing_twice_does_nothing() -> None:
    aws = LocalAws()
    with aws:
        pass
    aws.close()
    with LocalAws() as again:
        assert again.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_one_that_started_it(end: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", OPEN_AND_WAIT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as parent:
        try:
            assert parent.stdout is not None
            port, pid = (int(number) for number in parent.stdout.readline().split())
            assert is_alive(pid)
            assert is_listening(port)
            parent.send_signal(end)
            parent.wait(PATIENCE_SECONDS)
        finally:
            parent.kill()
    assert eventually(lambda: not is_alive(pid))
    assert not is_listening(port)


def invoke_quietly(aws: LocalAws, name: str, event: object) -> None:
    try:
        invoke(aws, name, event)
    except Exception:  # noqa: BLE001 - the server goes away under the call, on purpose
        return


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
