"""List prices of what is paid by the month whether or not anything is asked for.

us-east-1, USD. docs/cost.md names AWS's page of each, and where else it was read and when. No free
tier and no discount is counted. Other regions differ by up to a half.
"""

from __future__ import annotations

from typing import Final

HOURS: Final = 730
"""In a month, as AWS's calculator has it."""
MINUTES: Final = HOURS * 60

ALARM, FAST_ALARM, COMPOSITE_ALARM, DASHBOARD, CUSTOM_METRIC = 0.10, 0.30, 0.50, 3.00, 0.30
METRIC_READ: Final = 0.01 / 1000
"""One metric asked for with GetMetricData."""
ENDPOINT_HOUR, NAT_HOUR, IPV4_HOUR, BALANCER_HOUR = 0.01, 0.045, 0.005, 0.0225
ATTACHMENT_HOUR, VPN_HOUR = 0.05, 0.05
KEY, SECRET, WEB_ACL, WEB_ACL_RULE = 1.00, 0.40, 5.00, 1.00
LAMBDA_GB_SECOND, LAMBDA_REQUEST = 0.0000133334, 0.20e-6
TABLE_WRITE, TABLE_READ = 0.625e-6, 0.125e-6
SCHEDULED: Final = 1.00e-6
