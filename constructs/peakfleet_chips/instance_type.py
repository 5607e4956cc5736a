"""One instance type: what it has, what it can and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from peakfleet_chips.chip import Architecture, Chip


class PurchaseOption(StrEnum):
    """A way of buying an instance, in EC2's words."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    CAPACITY_BLOCK = "capacity-block"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """An instance type with its facts.

    Args:
        name: For example `c8g.4xlarge`.
        chip: What it is chosen for.
        vcpus: Virtual processors: whole cores on Graviton and in AMD's own families (c7a, c8a and
            their kin), threads elsewhere.
        memory_gib: Memory of the host.
        devices: Accelerators; 0 without.
        device_memory_gib: Memory of all accelerators together; 0 without.
        efa_interfaces: Elastic Fabric Adapters that it takes; 0 if it takes none.
        local_nvme_gb: Instance store in GB, empty after every stop and start; 0 without.
        purchases: Ways of buying that EC2 knows for it.
        hibernates: Whether its memory can be kept on disk while it is stopped.
        usd_per_hour: List price on demand, Linux, in us-east-1, at the catalogue's date; None
            if the list has none, as for capacity blocks.
    """

    name: str
    chip: Chip
    vcpus: int
    memory_gib: float
    devices: int
    device_memory_gib: float
    efa_interfaces: int
    local_nvme_gb: int
    purchases: frozenset[PurchaseOption]
    hibernates: bool
    usd_per_hour: float | None

    @property
    def family(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]

    @property
    def architecture(self) -> Architecture:
        """What its images and programs are built for."""
        return self.chip.architecture

    @property
    def physical_neuron_cores(self) -> int:
        """NeuronCores as EC2 counts them; 0 without Neuron."""
        return self.devices * self.chip.physical_neuron_cores

    @property
    def neuron_cores(self) -> int:
        """NeuronCores as a program sees them, with the default grouping; 0 without Neuron."""
        return self.physical_neuron_cores // self.chip.cores_per_logical_core
