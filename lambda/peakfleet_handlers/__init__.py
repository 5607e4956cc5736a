"""The edge between AWS and the planner."""
