"""What a machine tells of its usefulness, so that chips can be compared: once a minute.

`UsefulUnits`: the units that it serves, in the fleet's own unit. `BusyShare`: how much of what it
could do it does, from 0 to 1. Both have the dimensions `Fleet` and `Pool`. A machine without a
pool, such as the company's own, tells nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from .progress import CloudWatch

STAT = Path("/proc/stat")
_IDLE = (3, 4)
"""Where the kernel counts idle time and waiting for disks, among the times of all processors."""

log = logging.getLogger(__name__)


class Usefulness:
    """Publishes what this machine serves.

    Args:
        cloudwatch: A boto3 CloudWatch client.
        namespace: Namespace of the metrics.
        fleet: Name of the fleet.
        pool: Name of the pool; empty on a machine that has none.
    """

    def __init__(self, cloudwatch: CloudWatch, *, namespace: str, fleet: str, pool: str) -> None:
        self._cloudwatch = cloudwatch
        self._namespace = namespace
        self._pool = pool
        self._dimensions = [{"Name": "Fleet", "Value": fleet}, {"Name": "Pool", "Value": pool}]

    @classmethod
    def of_this_machine(
        cls, cloudwatch: CloudWatch, environment: Mapping[str, str] = os.environ
    ) -> Usefulness:
        """Return what publishes for this machine, as its settings say."""
        return cls(
            cloudwatch,
            namespace=environment.get("PEAKFLEET_WORK_NAMESPACE", ""),
            fleet=environment.get("PEAKFLEET_FLEET", ""),
            pool=environment.get("PEAKFLEET_POOL", ""),
        )

    def report(self, timestamp: float, *, useful_units: float, busy_share: float | None) -> None:
        """Publish one minute. A minute that CloudWatch did not take is lost, and logged.

        Args:
            timestamp: Start of the minute.
            useful_units: Units served in it.
            busy_share: How busy the machine was; None if that is not known.
        """
        if not self._pool:
            return
        values = {"UsefulUnits": useful_units}
        if busy_share is not None:
            values["BusyShare"] = busy_share
        try:
            self._cloudwatch.put_metric_data(
                Namespace=self._namespace,
                MetricData=[
                    {
                        "MetricName": name,
                        "Value": value,
                        "Timestamp": timestamp,
                        "Dimensions": self._dimensions,
                    }
                    for name, value in values.items()
                ],
            )
        except Exception:  # whatever CloudWatch's trouble is, the work must go on
            log.exception("a minute of useful units was not published")


class Processors:
    """How busy the processors were since they were last looked at.

    Args:
        stat: Where the kernel counts their time.
    """

    def __init__(self, stat: Path = STAT) -> None:
        self._stat = stat
        self._before = self._times()

    def busy_share(self) -> float | None:
        """Return the share of their time that was not idle; None if none has passed."""
        now, before = self._times(), self._before
        self._before = now
        passed = [after - earlier for after, earlier in zip(now, before)]
        if sum(passed) <= 0:
            return None
        return 1 - sum(passed[place] for place in _IDLE) / sum(passed)

    def _times(self) -> list[int]:
        """Return user, nice, system, idle, iowait and so on; guests are in user already."""
        first = self._stat.read_text("ascii").splitlines()[0]
        return [int(ticks) for ticks in first.split()[1:9]]
