"""`peakfleet status`, `explain`, `hold`, `spend-override`, `resume` and `release`: fleets that run.

Read `directory` (which fleets there are: their schedules say so, with specification and table),
then `records` (the state table as the commands use it), `overview` and `obstacles` (what is seen
of a fleet, in words), and `commands`.
"""

from peakfleet_cli.operate.commands import explain, hold, release, resume, spend_override, status
from peakfleet_cli.operate.directory import DeployedFleet, deployed_fleets, find_fleet, nearest
from peakfleet_cli.operate.obstacles import Obstacle
from peakfleet_cli.operate.overview import FleetStatus, PoolStatus, look_at
from peakfleet_cli.operate.records import FleetRecords, TableError, key_condition, open_table
