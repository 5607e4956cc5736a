"""Foresight: what a fleet should run, from what was learned of its demand. Pure."""

from peakfleet_planner.foresight.basis import Basis, basis_of
from peakfleet_planner.foresight.model import (
    DemandModel,
    Grade,
    HorizonModel,
    HorizonState,
    read_model,
)
from peakfleet_planner.foresight.roll import Foreseen, foresee

__all__ = [
    "Basis",
    "DemandModel",
    "Foreseen",
    "Grade",
    "HorizonModel",
    "HorizonState",
    "basis_of",
    "foresee",
    "read_model",
]
