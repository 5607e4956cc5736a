"""TrainingFleet."""

from peakfleet.training.capacity_block import CapacityBlock, OffPeak
from peakfleet.training.checkpoints import Checkpoints
from peakfleet.training.training_fleet import TrainingFleet

__all__ = [
    "CapacityBlock",
    "Checkpoints",
    "OffPeak",
    "TrainingFleet",
]
