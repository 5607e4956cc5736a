from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from peakfleet._values import known_number
from peakfleet.fleet import FleetMetrics
from peakfleet.inference.neuron_watch import neuron_metric
from peakfleet.signals import DemandSignal, WhenSilent
from peakfleet_planner import SpecError


class NeuronMetrics(FleetMetrics):
    """What the Neuron machines of a fleet publish, ready for alarms and as demand."""

    def metric_neuron(
        self, metric_name: str, *, statistic: str = "Average", pool_name: str | None = None
    ) -> cloudwatch.Metric:
        """Return one of the metrics that each Neuron machine publishes every minute.

        Args:
            metric_name: `NeuronCoreUtilization` (percent of all cores), `NeuronCoresBusy`,
                `NeuronCores`, `NeuronErrors`, `NeuronHardwareErrors`, `NeuronLatencyP50` and
                `NeuronLatencyP99` (seconds), `NeuronDeviceMemoryUsed` or `NeuronHostMemoryUsed`
                (bytes).
            statistic: Over the machines. Default: `Average`.
            pool_name: One of the keys of `groups`. Default: all of them.
        """
        return neuron_metric(
            metric_name, fleet=self.fleet_name, statistic=statistic, pool=pool_name
        )

    def busy_cores_signal(
        self,
        *,
        utilization: float = 0.7,
        units_per_core: float = 1,
        when_silent: WhenSilent | None = None,
    ) -> DemandSignal:
        """Return demand as busy NeuronCores, for `fleet.add_signal`.

        It follows requests that cost more than usual, but never asks for more than what runs
        over *utilization*, and sees no load of pools without Neuron: a companion of other
        signals. A fleet with more than one signal learns nothing.

        Args:
            utilization: How busy a core should be, above 0 and at most 1. Default: 0.7.
            units_per_core: Units that one NeuronCore serves. Default: 1.
            when_silent: What missing data means. Default: the last value still stands.

        Raises:
            SpecError: A number is out of range.
        """
        owner = f"{self.fleet_name}: signal 'NeuronCores'"
        for name, value in (("utilization", utilization), ("units_per_core", units_per_core)):
            known_number(owner, name, value)
        if not 0 < utilization <= 1:
            raise SpecError(
                f"{owner}: utilization must be above 0 and at most 1, got {utilization:g}"
            )
        return DemandSignal.metric(
            self.metric_neuron("NeuronCoresBusy", statistic="Sum"),
            name="NeuronCores",
            units_per_value=units_per_core / utilization,
            when_silent=when_silent,
        )
