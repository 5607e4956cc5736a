"""A warm process that runs the code of one function."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

INIT_SECONDS = 60.0
"""AWS gives code 10 seconds to load; a busy laptop needs more."""
END_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Deployed code and how it is run.

    Args:
        name: Of the function.
        arn: Of the function.
        handler: Such as index.handler.
        code: Folder with the unpacked code.
        environment: Variables that the function sees, and no others.
        timeout_seconds: How long one invocation may take.
        layer_packages: Packages that its layers bring. Default: none.
        unknown_operations: What the SDK of the runtime is too old to know, such as
            autoscaling:LaunchInstances. Default: nothing.
    """

    name: str
    arn: str
    handler: str
    code: Path
    environment: Mapping[str, str]
    timeout_seconds: float
    layer_packages: tuple[str, ...] = ()
    unknown_operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """Where an invocation ends in the middle of its work, as by a crash.

    Args:
        operation: The API call at which it ends, such as LaunchInstances.
        after: Whether the call is made first. Default: it is not.
        calls: At which call of that operation, counted from 1. Default: the first.
    """

    operation: str
    after: bool = False
    calls: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What an invocation came to.

    Args:
        payload: The handler's answer as JSON, or the error as AWS reports it.
        failed: Whether the payload is an error.
        logs: What the function printed, line by line.
    """

    payload: str
    failed: bool
    logs: tuple[str, ...]


class Worker:
    """A warm execution environment of one deployment: one process, one invocation at a time."""

    def __init__(self, *, deployment: Deployment) -> None:
        self.deployment = deployment
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def invoke(self, event: object, *, crash: Crash | None = None) -> Invocation:
        """Run the handler, in a new process if there is none.

        Args:
            event: What it is given.
            crash: Where its process ends meanwhile. Default: it does not.
        """
        with self._lock:
            logs: list[str] = []
            failure = self._ensure_started(logs)
            if failure is not None:
                return Invocation(payload=json.dumps(failure), failed=True, logs=tuple(logs))
            request_id = str(uuid4())
            request = {
                "event": event,
                "request_id": request_id,
                "function_arn": self.deployment.arn,
                "timeout_seconds": self.deployment.timeout_seconds,
                "crash": crash and asdict(crash),
            }
            answer = self._exchange(request, self.deployment.timeout_seconds, logs)
            if "result" in answer:
                return Invocation(payload=answer["result"], failed=False, logs=tuple(logs))
            failure = answer.get("error") or self._lost(request_id)
            return Invocation(payload=json.dumps(failure), failed=True, logs=tuple(logs))

    @property
    def runs(self) -> bool:
        """Whether its process has outlived the last invocation."""
        return self._process is not None

    def close(self) -> None:
        """End the process; one that is busy is killed."""
        process = self._process
        if process is None:
            return
        if not self._lock.acquire(blocking=False):
            process.kill()
            self._lock.acquire()
        try:
            self._end()
        finally:
            self._lock.release()

    def _ensure_started(self, logs: list[str]) -> dict[str, Any] | None:
        """Return how loading failed, or None when the worker is ready."""
        if self._process is not None and self._process.poll() is None:
            return None
        self._process = _start(self.deployment)
        answer = self._exchange(None, INIT_SECONDS, logs)
        if "ready" in answer:
            return None
        self._end()
        return answer.get("init_error") or {
            "errorMessage": "the process ended while loading the code",
            "errorType": "Runtime.ExitError",
        }

    def _exchange(
        self, request: Mapping[str, Any] | None, seconds: float, logs: list[str]
    ) -> dict[str, Any]:
        """Send a request and return its answer, or nothing if the process was lost."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return {}
        timer = threading.Timer(seconds, process.kill)
        timer.daemon = True
        timer.start()
        try:
            if request is not None:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
            for message in _messages(process.stdout):
                if "log" not in message:
                    return message
                logs.append(message["log"])
        except BrokenPipeError:
            return {}
        finally:
            timer.cancel()
            timer.join()
        return {}

    def _lost(self, request_id: str) -> dict[str, Any]:
        """Return how AWS reports a process that ended before it answered."""
        process = self._process
        killed = process is not None and process.wait() < 0
        self._end()
        if killed:
            seconds = self.deployment.timeout_seconds
            return {
                "errorMessage": f"{request_id} Task timed out after {seconds:.2f} seconds",
                "errorType": "Sandbox.Timedout",
            }
        return {
            "errorMessage": f"RequestId: {request_id} Error: Runtime exited",
            "errorType": "Runtime.ExitError",
        }

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            _close_quietly(process.stdin.close)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _start(deployment: Deployment) -> subprocess.Popen[str]:
    """Start a process of this Python that sees the deployed code and the runtime's packages.

    -I and -S keep everything else out: no checkout through a .pth file, no user site.
    A session of its own keeps Ctrl-C for the parent, whose end closes standard input.
    """
    packages = dict.fromkeys(sysconfig.get_path(key) for key in ("purelib", "platlib"))
    return subprocess.Popen(  # noqa: S603 - the arguments are our own
        [
            sys.executable,
            "-I",
            "-S",
            str(Path(__file__).with_name("worker_main.py")),
            str(deployment.code),
            ",".join(deployment.layer_packages),
            ",".join(deployment.unknown_operations),
            *packages,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**deployment.environment, "_HANDLER": deployment.handler},
        cwd=deployment.code,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def _messages(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        yield json.loads(line)


def _close_quietly(close: Callable[[], None]) -> None:
    try:
        close()
    except BrokenPipeError:
        return
