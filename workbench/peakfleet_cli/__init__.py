"""The `peakfleet` command."""
