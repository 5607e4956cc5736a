"""One tick of one fleet: the schedule's event in, sizes of groups and weights of traffic out.

Read `entry_point`, then its steps in their order: `metric_reads` takes metrics from the reading
that fleets share, or reads them; `observe` reads the groups, and makes of all that and memory a
snapshot; the planner decides; `act` records the change and makes it, with `roll_back` for launch
template versions and `findings` for what the next tick has to know; `report` writes the log line
and the metrics.
"""

from peakfleet_handlers.tick.act import act
from peakfleet_handlers.tick.entry_point import handler, run
from peakfleet_handlers.tick.findings import keep_findings
from peakfleet_handlers.tick.metric_reads import MetricReads, read_metrics
from peakfleet_handlers.tick.observe import observe
from peakfleet_handlers.tick.report import report_lead
