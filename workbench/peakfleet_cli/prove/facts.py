"""What only AWS can tell, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """What became of a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    NOT_REACHED = "not reached"


CLAIMS: Final[Mapping[str, str]] = {
    "deploys": "CloudFormation makes every resource of a fleet",
    "ticks": "the schedule invokes the scaler every minute, under its own role",
    "permissions": "the scaler's role allows every call that it makes",
    "metric-delay": "a value that is published can be read within two minutes",
    "newest-minute": "a minute is complete when it is read a minute after its end",
    "launches": "LaunchInstances starts instances, and they come into service",
    "spot": "a pool on Spot gets Spot instances",
    "launch-errors": "LaunchInstances in a foreign zone is refused with ValidationError",
    "counts": "a group counts instances: its desired capacity is how many run",
    "drains": "an instance that is let go waits in its hook, then ends by itself",
    "warm-pool": "an instance of a pool that reuses stops, and the same one serves again",
    "alarm": "an alarm rings within five minutes when nobody decides",
    "removed": "destroying the stack leaves nothing that costs",
}
"""Each check, and the claim that it settles. docs/unverified.md says what rests on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a check found.

    Args:
        check: One of `CLAIMS`.
        verdict: What became of its claim.
        found: What was seen.
        seconds: What was measured. Default: nothing was.
    """

    check: str
    verdict: Verdict
    found: str
    seconds: float | None = None


def confirmed(check: str, found: str, *, seconds: float | None = None) -> Fact:
    """Return a claim that held."""
    return Fact(check=check, verdict=Verdict.CONFIRMED, found=found, seconds=seconds)


def refuted(check: str, found: str, *, seconds: float | None = None) -> Fact:
    """Return a claim that did not hold."""
    return Fact(check=check, verdict=Verdict.REFUTED, found=found, seconds=seconds)


def not_reached(check: str, found: str) -> Fact:
    """Return a claim that could not be tried."""
    return Fact(check=check, verdict=Verdict.NOT_REACHED, found=found)
