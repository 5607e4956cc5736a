"""Faults by name: what each does to a deployed fleet, and what the fleet promises meanwhile."""
