"""Deployed Lambda code, run without Docker in warm processes of this machine."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import tempfile
import threading
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.core.utils import unix_time_millis

from peakfleet_local.functions.worker import Crash, Deployment, Invocation, Worker
from peakfleet_local.moto import MotoObject, Patch, as_method, patched, stock

LOG_LINES_KEPT = 2000


class Functions:
    """Runs the functions of moto's Lambda.

    Each function has one process, which stays warm between invocations like an execution
    environment of AWS; invocations at the same time wait for each other. The process sees
    the deployed code, what the Python runtime of Lambda brings and the packages that its
    layers name, nothing of this checkout.

    Args:
        environment: Variables that every function sees, such as the endpoint.
        on_log: Called with every line that a function prints.

    Limitations:
        Python only, on this machine's Python and chip whatever the function asks for; no
        memory limit, no reserved concurrency. A layer is compiled for the chip of the function:
        of it only the names of its packages count, and the versions installed on this machine
        are run. One that is not installed cannot be imported.
    """

    def __init__(self, *, environment: Mapping[str, str], on_log: Callable[[str], None]) -> None:
        self._environment = dict(environment)
        self._on_log = on_log
        self._lock = threading.Lock()
        self._workers: dict[str, Worker] = {}
        self._logs: dict[str, deque[str]] = {}
        self._queued: deque[tuple[str, object]] = deque()
        self._crashes: dict[str, Crash] = {}
        self._unknown_operations: tuple[str, ...] = ()
        self._invoke_now = stock(LambdaFunction, "invoke")
        self._code = Path(tempfile.mkdtemp(prefix="peakfleet-lambda-"))

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let moto's Invoke run the functions, and end every process afterwards."""
        patches = [
            Patch(owner=LambdaFunction, name=name, value=as_method(value))
            for name, value in (
                ("_invoke_lambda", self._invoke_for_moto),
                ("invoke", self._invoke_or_queue),
            )
        ]
        try:
            with patched(patches):
                yield
        finally:
            self.close()

    def invoke(self, *, arn: str, event: object) -> Invocation:
        """Run a deployed function.

        Args:
            arn: Of the function.
            event: Anything that JSON can carry.

        Returns:
            Its answer, or the error as AWS reports it.
        """
        region, account = arn.split(":")[3:5]
        return self._run(lambda_backends[account][region].get_function(arn), event)

    def take_queued(self) -> tuple[str, object] | None:
        """Return the function and the event of the oldest asynchronous invocation, if any.

        Invocations of the type Event wait until they are taken; AWS runs them at once.
        """
        with self._lock:
            return self._queued.popleft() if self._queued else None

    def kill_at(self, function_name: str, crash: Crash) -> None:
        """Let the next invocation that makes a certain API call end there.

        Args:
            function_name: Of which function.
            crash: At which call.
        """
        with self._lock:
            self._crashes[function_name] = crash

    def age_sdk(self, *unknown_operations: str) -> None:
        """Let the runtime's SDK be too old to know some operations.

        Args:
            unknown_operations: Such as autoscaling:LaunchInstances. Default: it knows all.
        """
        self._unknown_operations = unknown_operations

    def logs(self, function_name: str) -> list[str]:
        """The latest lines that a function printed, oldest first."""
        with self._lock:
            return list(self._logs.get(function_name, ()))

    def close(self) -> None:
        """End every process and remove the unpacked code."""
        with self._lock:
            workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            worker.close()
        shutil.rmtree(self._code, ignore_errors=True)

    def _run(self, function: MotoObject, event: object) -> Invocation:
        if not str(function.run_time).startswith("python"):
            return _refused(function)
        name = function.function_name
        worker = self._worker(function)
        invocation = worker.invoke(event, crash=self._crashes.get(name))
        if not worker.runs:
            self._crashes.pop(name, None)
        with self._lock:
            kept = self._logs.setdefault(function.function_name, deque(maxlen=LOG_LINES_KEPT))
            kept.extend(invocation.logs)
        _save_logs(function, invocation.logs)
        for line in invocation.logs:
            self._on_log(line)
        return invocation

    def _invoke_or_queue(
        self,
        function: MotoObject,
        body: str,
        request_headers: MotoObject,
        response_headers: MotoObject,
    ) -> str | bytes:
        if request_headers.get("x-amz-invocation-type", "RequestResponse") == "Event":
            with self._lock:
                self._queued.append((function.function_arn, json.loads(body or "{}")))
            return ""
        answer: str | bytes = self._invoke_now(function, body, request_headers, response_headers)
        return answer

    def _invoke_for_moto(self, function: MotoObject, event: object = None) -> tuple[str, bool, str]:
        # moto has decoded the payload, except that it makes this text of an empty one.
        invocation = self._run(function, {} if event == "{}" else event)
        return invocation.payload, invocation.failed, "\n".join(invocation.logs)

    def _worker(self, function: MotoObject) -> Worker:
        deployment = self._deployment(function)
        with self._lock:
            worker = self._workers.get(function.function_name)
            if worker is not None and worker.deployment == deployment:
                return worker
            fresh = self._workers[function.function_name] = Worker(deployment=deployment)
        if worker is not None:
            worker.close()
        return fresh

    def _deployment(self, function: MotoObject) -> Deployment:
        return Deployment(
            name=function.function_name,
            arn=function.function_arn,
            handler=function.handler,
            code=self._unpacked(function),
            environment={**self._environment, **_variables(function)},
            timeout_seconds=float(function.timeout),
            layer_packages=_layer_packages(function),
            unknown_operations=self._unknown_operations,
        )

    def _unpacked(self, function: MotoObject) -> Path:
        target = self._code / base64.urlsafe_b64encode(
            base64.b64decode(function.code_digest)
        ).decode().rstrip("=")
        with self._lock:
            if not target.exists():
                with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
                    archive.extractall(target)
        return target


def _refused(function: MotoObject) -> Invocation:
    text = f"the local AWS runs Python functions only, not {function.run_time}"
    failure = {"errorMessage": text, "errorType": "Runtime.Unsupported"}
    return Invocation(payload=json.dumps(failure), failed=True, logs=())


def _layer_packages(function: MotoObject) -> tuple[str, ...]:
    """Return what the layers of a function bring to Python, by name."""
    backend = lambda_backends[function.account_id][function.region]
    versions = (backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers)
    names: set[str] = set()
    for version in filter(None, versions):
        with zipfile.ZipFile(io.BytesIO(version.code_bytes)) as archive:
            paths = map(PurePosixPath, archive.namelist())
            names |= {path.parts[1] for path in paths if path.match("python/*/__init__.py")}
    return tuple(sorted(names))


def _variables(function: MotoObject) -> dict[str, str]:
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "PATH": os.environ.get("PATH", os.defpath),
        "TZ": ":UTC",
        **{name: str(value) for name, value in (function.environment_vars or {}).items()},
    }


def _save_logs(function: MotoObject, lines: tuple[str, ...]) -> None:
    if not lines:
        return
    logs: Any = function.logs_backend
    group = function.logs_group_name
    logs.ensure_log_group(group)
    if "local" not in logs.groups[group].streams:
        logs.create_log_stream(group, "local")
    now = unix_time_millis()
    events = [{"timestamp": now, "message": line} for line in lines]
    logs.put_log_events(group, "local", events)
