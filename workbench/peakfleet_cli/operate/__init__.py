"""`peakfleet hold`, `resume`, `explain`, `status`, `release` and `report`: a fleet that runs.

Read `commands`, then `records`, the state table as they use it, and `obstacles`, what keeps pools
from being used as they could be, in words.
"""

from peakfleet_cli.operate.burst_report import report
from peakfleet_cli.operate.commands import (
    Region,
    TableName,
    clear_errors,
    explain,
    hold,
    release,
    resume,
    status,
)
from peakfleet_cli.operate.obstacles import Obstacle
from peakfleet_cli.operate.records import FleetRecords, TableError, key_condition, open_table
