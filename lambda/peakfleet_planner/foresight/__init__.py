"""Foresight: what a fleet should run, from what was learned of its demand. Pure."""

from peakfleet_planner.foresight.basis import Basis, WarmBasis, basis_of, read_seconds
from peakfleet_planner.foresight.model import (
    DemandModel,
    Grade,
    HorizonModel,
    HorizonState,
    WarmModel,
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
    "WarmBasis",
    "WarmModel",
    "basis_of",
    "foresee",
    "read_model",
    "read_seconds",
]
