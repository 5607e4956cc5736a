"""Faults of the AWS APIs, put into botocore just before a request would leave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError


def refusal(code: str, message: str = "", status: int = 400) -> ClientError:
    """Return the error with which an operation refuses."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "SetDesiredCapacity")


class _Body:
    """What botocore reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self._content


class Fault:
    """An operation of one client that always fails; counts how often it was tried.

    Args:
        client: The boto3 client.
        operation: The operation, as AWS spells it.
        code: The error code that is answered, whatever the operation then did: moto still runs
            it, as AWS may. An exception is raised instead, before anything is done.
    """

    def __init__(self, client: Any, operation: str, code: str | Exception) -> None:  # noqa: ANN401  a boto3 client
        self.attempts = 0
        self._code = code
        service = client.meta.service_model.service_id.hyphenize()
        # The event names the operation: handlers of the more special event are asked first,
        # and moto's own, which answers every request, listens to the general one.
        client.meta.events.register(f"before-send.{service}.{operation}", self._answer)

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        self.attempts += 1
        if isinstance(self._code, Exception):
            raise self._code
        form, content = _encoded(self._code, request)
        headers = HTTPHeaders()
        headers["Content-Type"] = form
        return AWSResponse(request.url, 400, headers, _Body(content))


def _encoded(code: str, request: AWSPreparedRequest) -> tuple[str, bytes]:
    """Return the error as the protocol of the request has it: CBOR, JSON or XML."""
    if request.headers.get("smithy-protocol"):
        pairs = (_cbor("__type") + _cbor(code), _cbor("message") + _cbor("told to fail"))
        return "application/cbor", b"\xa2" + b"".join(pairs)
    if "json" in str(request.headers.get("Content-Type")):
        return "application/x-amz-json-1.0", json.dumps({"__type": code}).encode()
    error = f"<Error><Code>{code}</Code><Message>told to fail</Message></Error>"
    return "text/xml", f"<ErrorResponse>{error}</ErrorResponse>".encode()


def _cbor(text: str) -> bytes:
    return bytes([0x78, len(text)]) + text.encode()
