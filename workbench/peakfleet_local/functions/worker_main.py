"""A Lambda execution environment: loads deployed code once, then answers invocations.

Run by file name in a process of its own, with nothing of peakfleet on its path. Reads one
JSON document per line from standard input and ends when that closes.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import io
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TextIO

RUNTIME_PACKAGES = frozenset(
    {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"}
)
"""What the Python runtime of Lambda brings; everything else must have been deployed."""


class RuntimeFinder:
    """Finds the packages of runtime and layers among the many that are installed here."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a package of runtime or layer; deployed code of the same name was found before."""
        if path is not None or name not in cls.packages:
            return None
        return importlib.machinery.PathFinder.find_spec(name, cls.search_path, target)

    search_path: list[str] = []  # noqa: RUF012 - set once by main, before any import
    packages: frozenset[str] = RUNTIME_PACKAGES


class LogStream(io.TextIOBase):
    """Standard output of a function: each line is sent to the parent at once."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        """Send whole lines with *send*."""
        self._send = send
        self._rest = ""

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, text: str) -> int:
        """Keep the last, unfinished line for later."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._send({"log": line})
        return len(text)

    def finish(self) -> None:
        """Send what no newline has ended."""
        if self._rest:
            self._send({"log": self._rest})
            self._rest = ""


class Context:
    """The context object of one invocation."""

    def __init__(self, request: dict[str, Any]) -> None:
        """Start the clock of the invocation."""
        self._deadline = time.monotonic() + float(request["timeout_seconds"])
        self.aws_request_id = str(request["request_id"])
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.invoked_function_arn = str(request["function_arn"])
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is ended."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def failure(error: BaseException) -> dict[str, Any]:
    """Return an error as the Lambda service reports it."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def load(handler: str) -> Callable[[Any, Context], Any]:
    """Import the handler."""
    module, _, name = handler.rpartition(".")
    function: Callable[[Any, Context], Any] = getattr(
        importlib.import_module(module.replace("/", ".")), name
    )
    return function


@contextmanager
def crashing(crash: dict[str, Any] | None) -> Iterator[None]:
    """End this process at an API call, in the middle of whatever it does."""
    if crash is None:
        yield
        return
    # Function code may do without botocore, and clients that exist take no new event hooks.
    from botocore import client as botocore_client  # noqa: PLC0415 - see above

    every_client: Any = botocore_client.BaseClient
    call = every_client._make_api_call  # noqa: SLF001 - where every call passes
    left = int(crash["calls"])

    def call_or_crash(client: Any, operation: str, arguments: Any) -> Any:  # noqa: ANN401 - botocore's own
        nonlocal left
        left -= operation == crash["operation"]
        if left > 0:
            return call(client, operation, arguments)
        if crash["after"]:
            call(client, operation, arguments)
        os._exit(1)

    every_client._make_api_call = call_or_crash  # noqa: SLF001 - as above
    try:
        yield
    finally:
        every_client._make_api_call = call  # noqa: SLF001 - as above


def without_operations(operations: Sequence[str], code_directory: str) -> None:
    """Let the runtime's own SDK not know some operations, as one that is older than they are.

    Args:
        operations: Such as autoscaling:LaunchInstances.
        code_directory: An SDK or a service model that was deployed is left as it is.
    """
    if not operations:
        return
    from botocore import loaders  # noqa: PLC0415 - function code may do without

    file_loader: Any = loaders.JSONFileLoader
    load = file_loader.load_file

    def load_older(loader: Any, file_path: str) -> Any:  # noqa: ANN401 - botocore's own
        document = load(loader, file_path)
        if document and not file_path.startswith(code_directory):
            for service, _, operation in (name.partition(":") for name in operations):
                if f"/{service}/" in file_path.replace(os.sep, "/"):
                    document.get("operations", {}).pop(operation, None)
        return document

    file_loader.load_file = load_older


def serve(requests: TextIO, send: Callable[[dict[str, Any]], None], logs: LogStream) -> None:
    """Load the handler, then answer until *requests* ends."""
    try:
        handler = load(os.environ["_HANDLER"])
    except BaseException as error:  # noqa: BLE001 - whatever the code raises, the caller must know
        logs.finish()
        send({"init_error": failure(error)})
        return
    logs.finish()
    send({"ready": True})
    for line in requests:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            with crashing(request.get("crash")):
                answer["result"] = json.dumps(handler(request["event"], Context(request)))
        except Exception as error:  # noqa: BLE001 - as above
            answer["error"] = failure(error)
        logs.finish()
        send(answer)


def main() -> None:
    """Take standard output for the protocol and give the function its own."""
    protocol = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def send(message: dict[str, Any]) -> None:
        protocol.write(json.dumps(message) + "\n")
        protocol.flush()

    code_directory, of_layers, unknown, *RuntimeFinder.search_path = sys.argv[1:]
    RuntimeFinder.packages = RUNTIME_PACKAGES.union(of_layers.split(","))
    sys.path.insert(0, code_directory)
    sys.meta_path.append(RuntimeFinder)
    logs = LogStream(send)
    sys.stdout = sys.stderr = logs
    without_operations(list(filter(None, unknown.split(","))), code_directory)
    serve(sys.stdin, send, logs)


if __name__ == "__main__":
    main()
