"""Policy: how a fleet behaves, as values that a user writes and the schedule sends.

`service_level` says what missed work is worth and how fast a fleet moves, `foresight` what is
known of demand to come, `lifecycle` how instances arrive and leave, `failures` what becomes of
foreign sizes and broken launch templates, `safety_net` what adds capacity while no tick runs,
`metrics` how much is published, `spend` what it may cost, `mode` whether it acts, `region_share`
what its region serves of a service of several. They know nothing
of each other, of pools or of signals.
"""

from peakfleet.policy.failures import BrokenImage, OtherWriter
from peakfleet.policy.foresight import Foresight, KnownPeak
from peakfleet.policy.lifecycle import Drain, Readiness
from peakfleet.policy.metrics import Metrics
from peakfleet.policy.mode import Mode
from peakfleet.policy.region_share import RegionShare
from peakfleet.policy.safety_net import SafetyNet
from peakfleet.policy.service_level import Pace, ServiceLevel
from peakfleet.policy.spend import SpendLimit
