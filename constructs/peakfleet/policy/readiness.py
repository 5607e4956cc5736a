"""When a new instance serves: as soon as it runs, or when it says so."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration

from peakfleet._values import seconds
from peakfleet_planner import SpecError

_LEAST_SECONDS, _MOST_SECONDS = 30, 7200
_QUARTER_OF_AN_HOUR = Duration.minutes(15)


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
        if self.within_seconds and not _LEAST_SECONDS <= self.within_seconds <= _MOST_SECONDS:
            raise SpecError(
                f"readiness: within must be between {_LEAST_SECONDS} and {_MOST_SECONDS} seconds, "
                f"the bounds of a lifecycle hook, got {self.within_seconds}"
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

        Limitations:
            The hook is made after its group, so that instances which the first deployment
            launches (`min_instances`) count as soon as they run.
        """
        return cls(within_seconds=max(1, seconds("readiness", "within", within)))

    @property
    def is_signalled(self) -> bool:
        """Whether instances say when they are ready."""
        return self.within_seconds > 0
