"""Clients of AWS: the one place that knows boto3."""

from __future__ import annotations

from typing import Any

import boto3


def client(service: str) -> Any:  # noqa: ANN401  each program states what it needs as a protocol
    """Return a boto3 client; region and credentials come from the machine."""
    return boto3.client(service)
