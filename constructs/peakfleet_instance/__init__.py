"""What runs on a fleet's instances: the words of a worker, and the agent that acts on them.

A worker needs three calls: `busy`, `leaving` and `ready`. They only touch files in
`/run/peakfleet`, so that a program in any language can do the same, and need no boto3. The agent,
a service of its own, tells Auto Scaling. All is written for the Python 3.9 of Amazon Linux 2023.
"""

from peakfleet_instance.signs import FOLDER, Leaving, busy, leaving, ready

__all__ = ["FOLDER", "Leaving", "busy", "leaving", "ready"]
