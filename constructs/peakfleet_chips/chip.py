"""The chips that do an instance's work."""

from __future__ import annotations

from enum import StrEnum


class Architecture(StrEnum):
    """What an image and its programs are built for."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


class Chip(StrEnum):
    """The chip that an instance type is chosen for: its accelerator, else its processor.

    Every host of Inferentia or Trainium has an x86_64 processor.
    """

    GRAVITON2 = "graviton2"
    GRAVITON3 = "graviton3"
    GRAVITON4 = "graviton4"
    GRAVITON5 = "graviton5"
    INFERENTIA2 = "inferentia2"
    TRAINIUM1 = "trainium1"
    TRAINIUM2 = "trainium2"
    INTEL = "intel"
    AMD = "amd"
    NVIDIA_A10G = "nvidia-a10g"
    NVIDIA_L4 = "nvidia-l4"
    NVIDIA_L40S = "nvidia-l40s"

    @property
    def is_graviton(self) -> bool:
        """Whether it is AWS's own Arm processor."""
        return self.value.startswith("graviton")

    @property
    def is_neuron(self) -> bool:
        """Whether it is programmed with the Neuron SDK."""
        return self in _NEURON_CORES

    @property
    def is_gpu(self) -> bool:
        """Whether it is a graphics processor."""
        return self.value.startswith("nvidia")

    @property
    def architecture(self) -> Architecture:
        """What the host of the chip runs."""
        return Architecture.ARM64 if self.is_graviton else Architecture.X86_64

    @property
    def physical_neuron_cores(self) -> int:
        """NeuronCores of one chip, as EC2 counts them; 0 without Neuron."""
        return _NEURON_CORES.get(self, 0)

    @property
    def cores_per_logical_core(self) -> int:
        """Physical NeuronCores that a program sees as one: the default of LNC, the grouping."""
        return 2 if self is Chip.TRAINIUM2 else 1


_NEURON_CORES = {Chip.INFERENTIA2: 2, Chip.TRAINIUM1: 2, Chip.TRAINIUM2: 8}
