"""What a fleet does when somebody else sets the size of its groups."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration

from peakfleet._values import seconds
from peakfleet_planner import OtherWriterSpec

_GRACE = Duration.minutes(10)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherWriter:
    """What becomes of a size that a human, a script or a policy has set.

    Either way it is left alone at first, other pools make up for it, and an alarm rings.

    Args:
        spec: What the decision knows of it.
    """

    spec: OtherWriterSpec

    @classmethod
    def taken_back(cls, *, after: Duration = _GRACE) -> OtherWriter:
        """Let the fleet set its own size again.

        Args:
            after: How long the other size stands. Default: 10 minutes.
        """
        grace = seconds("other writer", "after", after)
        return cls(spec=OtherWriterSpec(mode="take-back", grace_seconds=grace))

    @classmethod
    def yielded_to(cls) -> OtherWriter:
        """Leave it alone until the other one, or `peakfleet release`, gives it back."""
        return cls(spec=OtherWriterSpec(mode="yield"))
