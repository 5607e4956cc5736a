from __future__ import annotations

import threading

import boto3
from botocore.config import Config

from peakfleet_local.moto.backends import Client


class Clients:
    """Makes one boto3 client per service of a local AWS, and keeps it. Safe to share."""

    def __init__(self, *, region: str) -> None:
        self._region = region
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}

    def get(self, service: str, *, endpoint_url: str) -> Client:
        """Return the client of a service; no call is repeated."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.Session().client(
                    service,
                    region_name=self._region,
                    endpoint_url=endpoint_url,
                    aws_access_key_id="testing",
                    aws_secret_access_key="testing",  # noqa: S106 - nothing checks it
                    config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
                )
            return self._clients[service]

    def close(self) -> None:
        """Close every client and forget it."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
