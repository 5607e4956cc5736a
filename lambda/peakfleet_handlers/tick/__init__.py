"""One tick of one fleet: observe, decide, act, report."""

from peakfleet_handlers.tick.act import act
from peakfleet_handlers.tick.entry_point import handler, run
from peakfleet_handlers.tick.lead_report import report_lead
from peakfleet_handlers.tick.observe import observe

__all__ = [
    "act",
    "handler",
    "observe",
    "report_lead",
    "run",
]
