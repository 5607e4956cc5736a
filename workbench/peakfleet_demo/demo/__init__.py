"""The demo: the app is deployed to a local AWS by the real CDK CLI and meets a peak.

In: `App`, `DemoOptions` and `Outputs` of `peakfleet_demo.options`. Out: a table, JSON and
an HTML report.

| read | module | holds |
|---|---|---|
| 1 | `demo_run` | the whole demo: deploy, replay, compare, report |
| 2 | `peaks` | which demand is replayed, scaled to each fleet |
| 3 | `outcomes` | the replay beside target tracking and perfect foresight |
| 4 | `report` | the outcome as a table, a sentence, JSON and HTML |
| 5 | `screen` | progress: a live board in a terminal, plain lines elsewhere |
"""

from peakfleet_demo.demo.demo_run import deploy_in_step, run_demo
from peakfleet_demo.demo.outcomes import PEAKFLEET, FleetOutcome, compare, physics_of
from peakfleet_demo.demo.peaks import Peak, choose_peak, max_units, read_recording
from peakfleet_demo.demo.report import fleet_run
from peakfleet_demo.demo.screen import (
    Board,
    LiveScreen,
    PlainScreen,
    Screen,
    reason_text,
    screen_for,
    sparkline,
)
