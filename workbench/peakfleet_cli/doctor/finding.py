"""One thing that was looked at, and how it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from peakfleet_cli.errors import brief

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")


class Level(StrEnum):
    """How it is."""

    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Args:
        level: How it is.
        about: What it is.
        says: What was found.
        fix: What to do. Default: nothing.
    """

    level: Level
    about: str
    says: str
    fix: str = ""


def good(about: str, says: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(level=Level.GOOD, about=about, says=says)


def warning(about: str, says: str, fix: str) -> Finding:
    """Return a finding that may be meant."""
    return Finding(level=Level.WARNING, about=about, says=says, fix=fix)


def error(about: str, says: str, fix: str) -> Finding:
    """Return a finding that must be mended."""
    return Finding(level=Level.ERROR, about=about, says=says, fix=fix)


def checked(about: str, action: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what a check finds, or that AWS does not let it look.

    Args:
        about: What it looks at.
        action: The permission that it needs.
        check: The check.
    """
    try:
        yield from check()
    except ClientError as refused:
        code = refused.response["Error"]["Code"]
        if code in _DENIED:
            fix = f"allow {action}, or ask somebody who may"
            yield warning(about, f"not looked at: {action} is denied", fix)
        else:
            yield error(about, f"AWS says {code}: {brief(refused)}", "see the message")
    except BotoCoreError as refused:
        yield error(
            about, f"AWS cannot be asked: {brief(refused)}", "check the network and credentials"
        )
