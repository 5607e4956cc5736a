"""`peakfleet record`: demand from CloudWatch into a file that `peakfleet simulate` replays.

`record_command` reads the options, `recording` asks CloudWatch, `demand_file` appends the rows.
"""

from peakfleet_cli.record.record_command import record
