from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jsii
from aws_cdk import IStableAnyProducer

from peakfleet.policy import BrokenImage, KnownPeak, OtherWriter, Pace, ServiceLevel
from peakfleet.signals import Baseline, DemandSignal
from peakfleet_planner import EfficiencySpec, FleetSpec, PoolSpec, SpecError, TrafficSpec


@jsii.implements(IStableAnyProducer)
class SpecDocument:
    """The specification of a fleet, read at the end of the synth: signals may still be added.

    Args:
        fleet: Name of the fleet.
        pools: The ladder.
        signals: The fleet's own list, which grows.
        baseline: What the company's own side carries.
        service_level: What missed work is worth.
        pace: How far one tick may move the fleet.
        traffic: Listener to split.
        state_table: Name of the state table.
        other_writer: What becomes of sizes that somebody else sets.
        known_peaks: Demand that is known to come.
        efficiency: How it measures what its pools do for their money.
        broken_image: What becomes of a launch template that does not work.
    """

    def __init__(
        self,
        *,
        fleet: str,
        pools: tuple[PoolSpec, ...],
        signals: Sequence[DemandSignal],
        baseline: Baseline,
        service_level: ServiceLevel,
        pace: Pace,
        traffic: TrafficSpec | None,
        state_table: str,
        known_peaks: Sequence[KnownPeak],
        other_writer: OtherWriter,
        efficiency: EfficiencySpec | None,
        broken_image: BrokenImage,
    ) -> None:
        self._fleet = fleet
        self._pools = pools
        self._signals = signals
        self._baseline = baseline
        self._service_level = service_level
        self._pace = pace
        self._traffic = traffic
        self._state_table = state_table
        self._other_writer = other_writer
        self._known_peaks = tuple(known_peaks)
        self._efficiency = efficiency
        self._broken_image = broken_image

    @property
    def spec(self) -> FleetSpec:
        """The specification as of now.

        Raises:
            SpecError: It contradicts itself, or there is no signal yet.
        """
        return FleetSpec(
            fleet=self._fleet,
            pools=self._pools,
            signals=tuple(signal.spec for signal in self._signals),
            baseline=self._baseline.spec,
            service_level=self._service_level.spec,
            pace=self._pace.to_planner(self._pools),
            traffic=self._traffic,
            state_table=self._state_table,
            other_writer=self._other_writer.spec,
            known_peaks=tuple(peak.to_planner() for peak in self._known_peaks),
            efficiency=self._efficiency,
            broken_image=self._broken_image.mode,
        )

    @property
    def has_signals(self) -> bool:
        """Whether there is a signal yet."""
        return bool(self._signals)

    def produce(self) -> dict[str, Any]:
        """Return the specification in JSON form; the CDK calls this."""
        try:
            return self.spec.to_json()
        except SpecError:
            return {}  # the CDK resolves first and validates then, and that says what is wrong
