"""The demo: a local AWS, the real CDK CLI, a recorded peak."""

from peakfleet_demo.demo.board import Board, sparkline, why
from peakfleet_demo.demo.demo_run import rehearse
from peakfleet_demo.demo.options import (
    DEFAULT_HOURS,
    DEFAULT_PEAK_SHARE,
    App,
    DemoError,
    Outputs,
    Wish,
)
from peakfleet_demo.demo.outcomes import PEAKFLEET, FleetOutcome, compare, physics_of
from peakfleet_demo.demo.peaks import Peak, choose_peak, max_units, read_recording
from peakfleet_demo.demo.screen import LiveScreen, PlainScreen, Screen, screen_for
from peakfleet_demo.demo.stopping import stoppable

__all__ = [
    "DEFAULT_HOURS",
    "DEFAULT_PEAK_SHARE",
    "PEAKFLEET",
    "App",
    "Board",
    "DemoError",
    "FleetOutcome",
    "LiveScreen",
    "Outputs",
    "Peak",
    "PlainScreen",
    "Screen",
    "Wish",
    "choose_peak",
    "compare",
    "max_units",
    "physics_of",
    "read_recording",
    "rehearse",
    "screen_for",
    "sparkline",
    "stoppable",
    "why",
]
