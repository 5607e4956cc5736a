"""What EC2 tells a machine about itself: the instance metadata service, version 2."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from datetime import datetime
from http import HTTPStatus

ENDPOINT = "http://169.254.169.254"
TOKEN_SECONDS = 21_600
ANSWER_SECONDS = 2


class Metadata:
    """Reads the metadata of this machine.

    Args:
        endpoint: Default: what `AWS_EC2_METADATA_SERVICE_ENDPOINT` says, as for boto3, or else
            the address that every instance knows.

    Raises:
        OSError: From every read, if the service does not answer.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        known = endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", ENDPOINT)
        self._root = known.rstrip("/") + "/latest/"
        # Metadata must never be asked of a proxy.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._token = ""

    @property
    def instance_id(self) -> str:
        """The id of this instance."""
        return self._needed("instance-id", "this is no EC2 instance")

    @property
    def region(self) -> str:
        """The region of this instance."""
        return self._needed("placement/region", "this is no EC2 instance")

    @property
    def group(self) -> str:
        """The name of this instance's Auto Scaling group."""
        return self._needed(
            "tags/instance/aws:autoscaling:groupName",
            "this instance is in no Auto Scaling group, or its metadata has no tags",
        )

    @property
    def target_state(self) -> str:
        """Where the group is taking this instance, for example `InService` or `Terminated`."""
        return self._get("autoscaling/target-lifecycle-state") or ""

    @property
    def reclaimed_at(self) -> float | None:
        """When Spot takes this instance back, in seconds since 1970; None if that is not known."""
        notice = self._get("spot/instance-action")
        if notice is None:
            return None
        at = json.loads(notice)["time"].replace("Z", "+00:00")  # Python 3.9 reads no "Z"
        return datetime.fromisoformat(at).timestamp()

    def _needed(self, path: str, otherwise: str) -> str:
        found = self._get(path)
        if found is None:
            raise LookupError(f"{otherwise}: the metadata item {path} is missing")
        return found

    def _get(self, path: str) -> str | None:
        try:
            return self._read(path)
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            if error.code != HTTPStatus.UNAUTHORIZED:
                raise
        self._token = ""
        return self._read(path)

    def _read(self, path: str) -> str:
        if not self._token:
            lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)}
            self._token = self._ask("PUT", "api/token", lifetime)
        return self._ask("GET", f"meta-data/{path}", {"X-aws-ec2-metadata-token": self._token})

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> str:
        request = urllib.request.Request(self._root + path, headers=headers, method=method)  # noqa: S310  always http
        with self._opener.open(request, timeout=ANSWER_SECONDS) as answer:
            return str(answer.read().decode())
