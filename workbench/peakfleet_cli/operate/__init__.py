"""`peakfleet hold`, `resume`, `explain`, `status` and `release`: a fleet that runs."""
