"""`peakfleet hold`, `resume` and `explain`: a fleet that runs."""
