"""How a fleet behaves: service level, drain, readiness, safety net and the like."""

from peakfleet.policy.broken_image import BrokenImage
from peakfleet.policy.drain import Drain
from peakfleet.policy.efficiency import EfficiencyLedger, Feedback
from peakfleet.policy.foresight import Foresight
from peakfleet.policy.known_peak import KnownPeak
from peakfleet.policy.other_writer import OtherWriter
from peakfleet.policy.pressure import PressureAlarm
from peakfleet.policy.readiness import Readiness
from peakfleet.policy.safety_net import SafetyNet
from peakfleet.policy.service_level import Pace, ServiceLevel

__all__ = [
    "BrokenImage",
    "Drain",
    "EfficiencyLedger",
    "Feedback",
    "Foresight",
    "KnownPeak",
    "OtherWriter",
    "Pace",
    "PressureAlarm",
    "Readiness",
    "SafetyNet",
    "ServiceLevel",
]
