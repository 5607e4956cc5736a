"""What the proof's fleet is made of; light, so that the command loads no CDK."""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = "PeakfleetProof"
INSTANCE_TYPES: Final = ("t4g.nano", "t4g.micro")
USD_PER_HOUR: Final = {"t4g.nano": 0.0042, "t4g.micro": 0.0084}
"""List prices of us-east-1; other regions take up to half more."""
MOST_INSTANCES: Final = 4
SPOT, DIRECT, KEPT = "Spot", "Direct", "Kept"
