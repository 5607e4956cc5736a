"""Training: machines that train a model as one, a gang.

In: a pool of Trainium, a command, a bucket for checkpoints, perhaps a reservation. Out: a
`TrainingFleet`: one group that is filled and emptied as a whole, by a tick of its own.

Read `training_fleet` first; `group` is what its machines are, `boot` what they run, `ticks` what
decides for them, `capacity_block` what they run in, `checkpoints` where their work is kept.
"""

from peakfleet.training.capacity_block import CapacityBlock, OffPeak
from peakfleet.training.checkpoints import Checkpoints
from peakfleet.training.training_fleet import TrainingFleet
