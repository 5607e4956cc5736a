"""`peakfleet status`, `explain`, `hold`, `resume`, `release` and others: fleets that run.

Read `directory` (which fleets there are: their schedules say so, with specification and table),
then `records` (the state table as the commands use it), `overview` and `obstacles` (what is seen
of a fleet, in words), `explanation` (a decision, in words), `shadow_course` and `commands`.
"""

from peakfleet_cli.operate.burst_report import report
from peakfleet_cli.operate.commands import explain, hold, release, resume, spend_override, status
from peakfleet_cli.operate.directory import DeployedFleet, deployed_fleets, find_fleet, nearest
from peakfleet_cli.operate.obstacles import Obstacle
from peakfleet_cli.operate.overview import FleetStatus, PoolStatus, look_at
from peakfleet_cli.operate.records import FleetRecords, TableError, key_condition, open_table
from peakfleet_cli.operate.shadow_course import compare_shadow, shadow
