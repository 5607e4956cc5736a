"""One region's CloudWatch, and what its clock says of ours."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from peakfleet_reporter.sources import service_date

CONNECT_SECONDS, READ_SECONDS = 5, 10
TAKEN = "TakenItems"
"""Items that the site's workers finish in a minute."""
HEARTBEAT = "Reporting"
"""1 with a value, 0 without one: whoever reports is there, and so is the link."""


class CloudWatch(Protocol):
    """What is used of boto3's client."""

    def put_metric_data(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401  as boto3 has it
        """Publish."""


class NotPublishedError(Exception):
    """CloudWatch has not taken a report; the message says why."""


@dataclass
class Publisher:
    """Publishes to one region, with times of the service's clock.

    The value carries the time at which it was measured, by the service's clock: what this host's
    clock is off is taken from the `Date` of each answer. The heartbeat carries no time, so that it
    stands where it arrived. Nothing is ever sent twice.

    Args:
        client: Publishes.
        namespace: Where to.
        metric: Name of the metric of healthy units.
        dimensions: Its dimensions. Default: none.
        share: Part of the units that counts in this region. Default: all.
        region: For messages.
        endpoint: URL that the time is asked of before the first report. Default: none.
        wall: This host's clock, seconds since 1970.
        ticking: Seconds that never jump.
    """

    client: CloudWatch
    namespace: str
    metric: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0
    region: str = "the region"
    endpoint: str | None = None
    wall: Callable[[], float] = time.time
    ticking: Callable[[], float] = time.monotonic
    _ahead: float | None = None
    """Service's clock above `ticking`."""

    @property
    def slow_seconds(self) -> float | None:
        """How far this host's clock is behind the service's; negative ahead of it; None unknown."""
        if self._ahead is None:
            return None
        return self._ahead + self.ticking() - self.wall()

    def publish(self, units: float | None, measured: float, taken: float | None = None) -> None:
        """Publish healthy units, or only that whoever reports is there.

        Args:
            units: Healthy units of the whole site; None if they could not be measured.
            measured: When, by `ticking`.
            taken: Items that the site's workers finished in the last minute. Default: not measured.

        Raises:
            NotPublishedError: They are not published, and never will be.
        """
        if self._ahead is None and self.endpoint:
            self._learn(service_date(self.endpoint))
        dimensions = [{"Name": name, "Value": value} for name, value in self.dimensions.items()]
        data: list[dict[str, Any]] = [
            {"MetricName": HEARTBEAT, "Value": float(units is not None), "Dimensions": dimensions}
        ]
        ahead = self.wall() - self.ticking() if self._ahead is None else self._ahead
        data += [
            {
                "MetricName": name,
                "Value": value * self.share,
                "Timestamp": datetime.fromtimestamp(measured + ahead, UTC),
                "Dimensions": dimensions,
            }
            for name, value in ((self.metric, units), (TAKEN, taken))
            if value is not None
        ]
        try:
            answer = self.client.put_metric_data(Namespace=self.namespace, MetricData=data)
        except ClientError as error:
            self._learn(_date(error.response))
            raise NotPublishedError(str(error)) from error
        except BotoCoreError as error:
            raise NotPublishedError(str(error)) from error
        self._learn(_date(answer))

    def _learn(self, date: str | None) -> None:
        if not date:
            return
        try:
            service = parsedate_to_datetime(date).timestamp()
        except ValueError:
            return
        self._ahead = service - self.ticking()


def cloudwatch(region: str | None, endpoint_url: str | None, profile: str | None = None) -> Any:  # noqa: ANN401  a boto3 client
    """Return a client that gives up soon: the next report is newer than any retry.

    Raises:
        NotPublishedError: No region is known, or the profile is broken.
    """
    patience = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1},
    )
    # boto3 reads AWS_DEFAULT_REGION alone; the command, and AWS's newer tools, read this one too.
    region = region or os.environ.get("AWS_REGION")
    try:
        return boto3.Session(profile_name=profile).client(
            "cloudwatch", region_name=region, endpoint_url=endpoint_url, config=patience
        )
    except NoRegionError as error:
        raise NotPublishedError(
            "no AWS region is configured: name one with --region or AWS_REGION, or in your profile"
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise NotPublishedError(str(error)) from error


def _date(answer: Mapping[str, Any]) -> str | None:
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    date = headers.get("date")
    return date if date is None else str(date)
