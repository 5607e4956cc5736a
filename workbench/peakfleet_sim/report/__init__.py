"""Reports of runs: an HTML page and a PNG picture.

Comes in: `FleetRun`, series by the minute, and `Outcome`, figures by policy. Goes out: a file. Read
`report` (the page), `chart` (one fleet by the minute), `words` (the sentences that figures become)
and `picture` (the PNG). The room imports `replay` and `demand`.
"""

from peakfleet_sim.report.chart import FleetRun
from peakfleet_sim.report.picture import write_picture
from peakfleet_sim.report.report import render_report, write_report
from peakfleet_sim.report.words import against, headline
