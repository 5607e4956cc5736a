"""What a fleet does about trouble that others cause: a foreign size, a template that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenImage:
    """What becomes of a pool whose instances cannot be launched, or never serve.

    Either way other pools make up for it, and the alarm BrokenPool rings.

    Args:
        mode: What the decision knows of it.
    """

    mode: Literal["take-out", "roll-back"]

    @classmethod
    def take_out(cls) -> BrokenImage:
        """Ask nothing of the pool but a try now and then."""
        return cls(mode="take-out")

    @classmethod
    def roll_back(cls) -> BrokenImage:
        """Let the pool launch the version of its launch template before the last one.

        It goes back once, and at once; a version that is deployed later starts anew. Instances
        that run are not replaced.

        Limitations:
            The group drifts from its CloudFormation stack until a newer version is deployed. The
            metric `RolledBack` counts such pools. There is no older version after the first
            deployment. The scaler gets the permission to launch from the fleet's launch templates.
        """
        return cls(mode="roll-back")
