"""What a fleet does about a launch template that does not work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
