"""Virtual world, peers, optimum, scoring and reports."""
