"""What an agent is told to do, and what it does it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class AutoScaling(Protocol):
    """The calls of boto3's Auto Scaling client that are used."""

    def complete_lifecycle_action(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        """End the wait of a hook."""

    def record_lifecycle_action_heartbeat(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        """Start the wait of a hook anew."""

    def set_instance_protection(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        """Protect instances from scale-in, or stop protecting them."""


class Machine(Protocol):
    """What `Metadata` tells of this machine."""

    @property
    def instance_id(self) -> str:
        """The id of this instance."""

    @property
    def group(self) -> str:
        """The name of this instance's Auto Scaling group."""

    @property
    def target_state(self) -> str:
        """Where the group is taking this instance."""

    @property
    def reclaimed_at(self) -> float | None:
        """When Spot takes this instance back, in seconds since 1970."""


@dataclass(frozen=True)
class Orders:
    """What an agent is told to do.

    Args:
        drain_hook: Name of the terminating hook. None: machines leave at once.
        drain_seconds: How long the hook is kept waiting for work to finish.
        heartbeat_seconds: After so long without a heartbeat the hook lapses.
        ready_hook: Name of the launching hook. None: machines serve at once.
        ready_seconds: After so long the launching hook lapses.
    """

    drain_hook: str | None = None
    drain_seconds: float = 0.0
    heartbeat_seconds: float = 0.0
    ready_hook: str | None = None
    ready_seconds: float = 0.0

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Orders:
        """Read the orders from environment variables."""
        return cls(
            drain_hook=environment.get("PEAKFLEET_DRAIN_HOOK"),
            drain_seconds=float(environment.get("PEAKFLEET_DRAIN_SECONDS", "0")),
            heartbeat_seconds=float(environment.get("PEAKFLEET_HEARTBEAT_SECONDS", "0")),
            ready_hook=environment.get("PEAKFLEET_READY_HOOK"),
            ready_seconds=float(environment.get("PEAKFLEET_READY_SECONDS", "0")),
        )
