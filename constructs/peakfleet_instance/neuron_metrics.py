"""Publishes what neuron-monitor sees, once a minute, and gives up a machine whose chips fail.

Utilisation is of all NeuronCores of the machine. An idle machine publishes 0. While the monitor
is dead, stuck or unable to look, nothing is published: the fleet must not take that for idle.

Run as `python3 -m peakfleet_instance.neuron_metrics --namespace NS --fleet FLEET --pool POOL`.
It ends when the monitor ends, so that systemd starts both again.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import boto3

from .neuron_report import Report, read_report

MONITOR = "/opt/aws/neuron/bin/neuron-monitor"
MINUTE_SECONDS = 60
PERIOD = "5s"
# With hardware counters there is something to report in every period, also on an idle machine.
CONFIGURATION = {
    "period": PERIOD,
    "neuron_runtimes": [
        {
            "tag_filter": ".*",
            "metrics": [
                {"type": "neuroncore_counters"},
                {"type": "execution_stats"},
                {"type": "memory_used"},
            ],
        }
    ],
    "system_metrics": [{"type": "neuron_hw_counters"}],
}

log = logging.getLogger(__name__)


class CloudWatch(Protocol):
    """The one call of boto3's CloudWatch client that is used."""

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> object:  # noqa: N803  boto3's own names
        """Publish datapoints."""


class AutoScaling(Protocol):
    """The one call of boto3's Auto Scaling client that is used."""

    def set_instance_health(
        self,
        *,
        InstanceId: str,  # noqa: N803  boto3's own names
        HealthStatus: str,  # noqa: N803  boto3's own names
        ShouldRespectGracePeriod: bool,  # noqa: N803  boto3's own names
    ) -> object:
        """Let the group replace an instance."""


class Minute:
    """The reports of one minute."""

    def __init__(self) -> None:
        self._reports: list[Report] = []
        self._uncorrected = 0.0

    def add(self, report: Report, uncorrected: float) -> None:
        """Count *report*, and the uncorrected ECC events that are new in it."""
        self._reports.append(report)
        self._uncorrected += uncorrected

    def values(self) -> dict[str, tuple[str, float]]:
        """Return unit and value of each metric; one that is not known is left out.

        Utilisation is the mean of the minute, latency and memory its worst, errors their sum.
        """
        if not self._reports:
            return {}
        reports, found = self._reports, {}
        known = [one for one in reports if one.busy_cores is not None]
        if known:
            busy = [one.busy_cores or 0.0 for one in known]
            share = [(one.busy_cores or 0.0) / one.cores for one in known]
            found["NeuronCoreUtilization"] = ("Percent", 100 * sum(share) / len(share))
            found["NeuronCoresBusy"] = ("Count", sum(busy) / len(busy))
        for name, field in (("P50", "latency_p50_seconds"), ("P99", "latency_p99_seconds")):
            seconds = [getattr(one, field) for one in reports if getattr(one, field) is not None]
            if seconds:
                found[f"NeuronLatency{name}"] = ("Seconds", max(seconds))
        hardware = self._uncorrected + sum(one.hardware_errors for one in reports)
        errors = self._uncorrected + sum(one.errors for one in reports)
        return {
            **found,
            "NeuronCores": ("Count", float(reports[-1].cores)),
            "NeuronErrors": ("Count", errors),
            "NeuronHardwareErrors": ("Count", hardware),
            "NeuronDeviceMemoryUsed": ("Bytes", max(one.device_bytes for one in reports)),
            "NeuronHostMemoryUsed": ("Bytes", max(one.host_bytes for one in reports)),
        }


class Health:
    """Gives the machine up, once, when its chips fail; tries again until the group has heard.

    Args:
        autoscaling: A boto3 Auto Scaling client.
    """

    def __init__(self, autoscaling: AutoScaling) -> None:
        self._autoscaling = autoscaling
        self._uncorrected: dict[int, float] = {}
        self._failed = False
        self._given_up = False

    def judge(self, report: Report) -> float:
        """Look at *report* and return the uncorrected ECC events that are new in it."""
        new = sum(
            count - before if count >= before else count  # a driver that was loaded again
            for count, before in (
                (count, self._uncorrected.get(device, 0.0))
                for device, count in report.uncorrected.items()
            )
        )
        self._uncorrected.update(report.uncorrected)
        self._failed = self._failed or new > 0 or report.hardware_errors > 0
        if self._failed and not self._given_up and report.instance_id is not None:
            self._give_up(report.instance_id)
        return new

    def _give_up(self, instance_id: str) -> None:
        try:
            self._autoscaling.set_instance_health(
                InstanceId=instance_id, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
            )
        except Exception:  # whatever the trouble is, the next report tries again
            log.exception("the group was not told that a chip of %s has failed", instance_id)
        else:
            self._given_up = True
            log.error("a chip of %s has failed, its group replaces the machine", instance_id)


class Publisher:
    """Sends a minute's metrics for the fleet, and for its pool.

    Args:
        cloudwatch: A boto3 CloudWatch client.
        namespace: Namespace of the metrics.
        fleet: Name of the fleet.
        pool: Name of the pool.
    """

    def __init__(self, cloudwatch: CloudWatch, *, namespace: str, fleet: str, pool: str) -> None:
        self._cloudwatch = cloudwatch
        self._namespace = namespace
        of_fleet = {"Name": "Fleet", "Value": fleet}
        self._dimensions = ([of_fleet], [of_fleet, {"Name": "Pool", "Value": pool}])

    def publish(self, timestamp: float, values: Mapping[str, tuple[str, float]]) -> None:
        """Publish *values* for the minute that began at *timestamp*."""
        data = [
            {
                "MetricName": name,
                "Unit": unit,
                "Value": value,
                "Timestamp": timestamp,
                "Dimensions": dimensions,
            }
            for name, (unit, value) in sorted(values.items())
            for dimensions in self._dimensions
        ]
        if not data:
            return
        try:
            self._cloudwatch.put_metric_data(Namespace=self._namespace, MetricData=data)
        except Exception:  # a minute that CloudWatch did not take is lost, the next one is not
            log.exception("metrics were not published")


def follow(
    lines: Iterable[str], publisher: Publisher, health: Health, now: Callable[[], float] = time.time
) -> None:
    """Publish each whole minute of what the monitor prints, until it ends.

    Args:
        lines: What it prints.
        publisher: Where the metrics go.
        health: Who looks for failing chips.
        now: A clock, in seconds since 1970.
    """
    started, minute = now() // MINUTE_SECONDS, Minute()
    for line in lines:
        at = now() // MINUTE_SECONDS
        if at != started:
            publisher.publish(started * MINUTE_SECONDS, minute.values())
            started, minute = at, Minute()
        report = read_report(line)
        if report is None:
            log.warning("neuron-monitor printed no usable report: %.200s", line.rstrip())
        else:
            minute.add(report, health.judge(report))


def main() -> None:
    """Run the monitor and follow it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    parser = argparse.ArgumentParser(description="NeuronCore metrics of this machine")
    for name in ("namespace", "fleet", "pool"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--monitor", default=MONITOR, help="the neuron-monitor program")
    told = parser.parse_args()
    publisher = Publisher(
        boto3.client("cloudwatch"), namespace=told.namespace, fleet=told.fleet, pool=told.pool
    )
    with tempfile.NamedTemporaryFile("w", suffix=".json") as configuration:
        json.dump(CONFIGURATION, configuration)
        configuration.flush()
        with subprocess.Popen(  # noqa: S603  the operator's own program
            [told.monitor, "-c", configuration.name], stdout=subprocess.PIPE, text=True
        ) as monitor:
            follow(monitor.stdout or (), publisher, Health(boto3.client("autoscaling")))
    sys.exit(f"neuron-monitor has ended with {monitor.returncode}")


if __name__ == "__main__":
    main()
