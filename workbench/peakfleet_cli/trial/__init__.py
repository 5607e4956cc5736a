"""`peakfleet simulate` and `compare`: policies on recorded demand."""
