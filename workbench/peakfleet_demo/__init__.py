"""The demo and the fault scenarios."""
