"""`peakfleet report-baseline`: tells CloudWatch how many units the company's own side carries.

Runs on a host of the company, from the standard library and boto3 alone, and is a distribution of
its own beside being part of peakfleet. Read in this order:

- `command`: options, and what a run is made of;
- `sources`: where healthy units are measured;
- `reporter`: when they are measured and sent, and what becomes of those that cannot be;
- `publisher`: one region's CloudWatch, and its clock;
- `systemd`: readiness, watchdog and the journal.
"""

from typing import Final

NAME: Final = "report-baseline"
"""The command."""
