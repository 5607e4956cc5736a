"""`peakfleet prices`: what instances cost, and from when."""
