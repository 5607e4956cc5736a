"""Runbooks: what an alarm says ends with the address of the section that says what to do."""

from __future__ import annotations

from typing import Final

from aws_cdk import Token
from constructs import Construct

from peakfleet._tree import context_of
from peakfleet_planner import SpecError

RUNBOOKS: Final = "peakfleet:runbooks"
"""The context value that says where a team keeps the page that alarms lead to."""
_PAGE: Final = "docs/reference/alarms.md"
_LONGEST_TEXT: Final = 1024
"""What CloudWatch takes as the description of an alarm, in characters."""


def runbook_page(scope: Construct) -> str:
    """Return the page that the alarms of an app lead to.

    That is `docs/reference/alarms.md` in peakfleet's repository, unless the context value
    `peakfleet:runbooks` names another page, such as the same one on a team's own site.

    Args:
        scope: What is in the app.

    Raises:
        SpecError: The context value is no address of a page.
    """
    page = context_of(scope, RUNBOOKS) or _PAGE
    if not isinstance(page, str) or "#" in page or page.split() != [page]:
        raise SpecError(
            f"context {RUNBOOKS} must be the address of a page, without spaces and without #, "
            f"got {page!r}"
        )
    return page


def with_runbook(page: str, alarm: str, says: str) -> str:
    """Return the text of an alarm with the address of its runbook, a section of *page*.

    Args:
        page: See `runbook_page`.
        alarm: The alarm's name, which is the section's.
        says: The text.

    Raises:
        SpecError: The text gets too long with the address.
    """
    text = f"{says} Runbook: {page}#{alarm.lower()}"
    if len(text) > _LONGEST_TEXT and not Token.is_unresolved(text):
        raise SpecError(
            f"alarm '{alarm}': its text must be at most {_LONGEST_TEXT} characters, got "
            f"{len(text)}; shorten the context value {RUNBOOKS}, or the ids of the fleet"
        )
    return text
