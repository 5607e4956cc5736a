"""Functions, schedules and state behind fleets."""

from peakfleet.control_plane.events import SCHEDULE_VARIABLE, Events, define_events
from peakfleet.control_plane.fleet_spec import SpecDocument
from peakfleet.control_plane.learner import Learner, define_learner
from peakfleet.control_plane.ledger import Ledger, grant_telling_of_work
from peakfleet.control_plane.payload import SCHEDULED_TIME, check_size, readable
from peakfleet.control_plane.repeated import RepeatedFunction
from peakfleet.control_plane.scaler import Scaler, may_create_fleets, may_sweep
from peakfleet.control_plane.state import FleetState

__all__ = [
    "SCHEDULED_TIME",
    "SCHEDULE_VARIABLE",
    "Events",
    "FleetState",
    "Learner",
    "Ledger",
    "RepeatedFunction",
    "Scaler",
    "SpecDocument",
    "check_size",
    "define_events",
    "define_learner",
    "grant_telling_of_work",
    "may_create_fleets",
    "may_sweep",
    "readable",
]
