"""`peakfleet record`: demand from CloudWatch into a file."""
