"""Reports and pictures of a replay."""

from peakfleet_sim.report.picture import write_picture
from peakfleet_sim.report.report import FleetRun, render_report, write_report

__all__ = [
    "FleetRun",
    "render_report",
    "write_picture",
    "write_report",
]
