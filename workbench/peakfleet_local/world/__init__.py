"""The simulated world: a clock, instances that boot, capacity and calls that are refused.

Other rooms ask it (`refusal`, `state_of`, `behaviour_of`) and tell it (`machines`, `events`,
`after`); tests and scenarios move its clock and make its faults. It knows nothing of moto.

Read `world` first: time and what it lets happen. `instances` holds the values, `faults` what is
refused, `cloud_events` the documents that EventBridge carries.
"""

from peakfleet_local.world.cloud_events import (
    CloudEvent,
    Place,
    alarm_state_change,
    cloud_event,
    instance_arn,
    timestamp,
)
from peakfleet_local.world.faults import NO_ADDRESS, Refusal
from peakfleet_local.world.instances import ASLEEP, Behaviour, Ending, Machine, Purchase
from peakfleet_local.world.world import World
