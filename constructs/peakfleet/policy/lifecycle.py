"""How instances arrive and leave: when a new one counts, and what one that leaves may finish."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from aws_cdk import Duration

from peakfleet._values import seconds
from peakfleet_planner import SpecError

_MOST_DRAIN_SECONDS = 48 * 3600
"""The longest that a lifecycle hook waits in all; also a hundred times its heartbeat."""
_MOST_HEARTBEATS = 100
_LEAST_HEARTBEAT_SECONDS, _MOST_HEARTBEAT_SECONDS = 30, 7200
_USUAL_HEARTBEAT_SECONDS = 300
_HOUR = Duration.hours(1)
_LEAST_READY_SECONDS, _MOST_READY_SECONDS = 30, 7200
_QUARTER_OF_AN_HOUR = Duration.minutes(15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """How instances leave a fleet. Use `none` or `when_idle`.

    Args:
        at_most_seconds: How long an instance that is told to leave may work on. 0: not at all.
        heartbeat_seconds: After so long without a word from the instance its hook lapses.

    Raises:
        SpecError: A lifecycle hook cannot wait like that.
    """

    at_most_seconds: int
    heartbeat_seconds: int

    def __post_init__(self) -> None:
        """Refuse what no lifecycle hook can do."""
        if not self.at_most_seconds:
            return
        if not _LEAST_HEARTBEAT_SECONDS <= self.heartbeat_seconds <= _MOST_HEARTBEAT_SECONDS:
            raise SpecError(
                f"drain: heartbeat must be between {_LEAST_HEARTBEAT_SECONDS} and "
                f"{_MOST_HEARTBEAT_SECONDS} seconds, got {self.heartbeat_seconds}"
            )
        most = min(_MOST_DRAIN_SECONDS, _MOST_HEARTBEATS * self.heartbeat_seconds)
        if not self.heartbeat_seconds <= self.at_most_seconds <= most:
            raise SpecError(
                f"drain: at_most must be between one heartbeat ({self.heartbeat_seconds} seconds) "
                f"and {most} seconds, which is as long as a lifecycle hook with that heartbeat "
                f"waits; got {self.at_most_seconds}"
            )

    @classmethod
    def none(cls) -> Drain:
        """Let instances leave at once; a load balancer still deregisters them first."""
        return cls(at_most_seconds=0, heartbeat_seconds=0)

    @classmethod
    def when_idle(cls, *, at_most: Duration = _HOUR, heartbeat: Duration | None = None) -> Drain:
        """Let idle instances go first, and busy ones when their work is done.

        A worker says on its instance when it works (`peakfleet_instance.busy`). An instance that
        falls silent is retained and not terminated, so that silence never kills work; the fleet
        sweeps it once *at_most* is over.

        Args:
            at_most: How long an instance that is told to leave may work on, at most 48 hours.
                Default: one hour.
            heartbeat: An instance that is silent for so long is retained, 30 seconds to 2 hours.
                Default: 5 minutes, or more where *at_most* needs it.

        Raises:
            SpecError: A lifecycle hook cannot wait like that.

        Limitations:
            Spot takes an instance back two minutes after its notice, whatever it works on.
        """
        at_most_seconds = seconds("drain", "at_most", at_most)
        usual = min(_USUAL_HEARTBEAT_SECONDS, at_most_seconds)
        least = ceil(at_most_seconds / _MOST_HEARTBEATS)
        return cls(
            at_most_seconds=max(1, at_most_seconds),
            heartbeat_seconds=seconds("drain", "heartbeat", heartbeat)
            if heartbeat
            else max(_LEAST_HEARTBEAT_SECONDS, usual, least),
        )

    @property
    def waits(self) -> bool:
        """Whether instances may work on."""
        return self.at_most_seconds > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """When a new instance serves. Use `in_service` or `signalled`.

    Args:
        within_seconds: How long an instance has to say that it is ready. 0: nobody asks.

    Raises:
        SpecError: A lifecycle hook cannot wait like that.
    """

    within_seconds: int

    def __post_init__(self) -> None:
        """Refuse what no lifecycle hook can do."""
        if (
            self.within_seconds
            and not _LEAST_READY_SECONDS <= self.within_seconds <= _MOST_READY_SECONDS
        ):
            raise SpecError(
                f"readiness: within must be between {_LEAST_READY_SECONDS} and "
                f"{_MOST_READY_SECONDS} seconds, the bounds of a lifecycle hook, got "
                f"{self.within_seconds}"
            )

    @classmethod
    def in_service(cls) -> Readiness:
        """Count an instance as soon as it runs."""
        return cls(within_seconds=0)

    @classmethod
    def signalled(cls, *, within: Duration = _QUARTER_OF_AN_HOUR) -> Readiness:
        """Count an instance when it says that it is ready (`peakfleet_instance.ready`).

        Until then no load balancer sends it anything. One that does not say so in time is
        replaced.

        Args:
            within: How long it has, 30 seconds to 2 hours. Default: 15 minutes.

        Raises:
            SpecError: A lifecycle hook cannot wait like that.
        """
        return cls(within_seconds=max(1, seconds("readiness", "within", within)))

    @property
    def is_signalled(self) -> bool:
        """Whether instances say when they are ready."""
        return self.within_seconds > 0
