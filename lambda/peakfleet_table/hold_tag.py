"""A hold as a tag of the fleet's groups: what a tick reads of it where the table cannot be read.

Groups are described by every tick anyway, and answer with their tags. So a hold stands without
DynamoDB, and ends at its time without anybody who deletes it.
"""

from __future__ import annotations

import re
from typing import Final

from peakfleet_planner import Hold

HOLD_TAG: Final = "peakfleet:hold"
"""The tag's key."""
MOST_CHARACTERS: Final = 256
"""Of a tag's value."""
_NOT_ALLOWED: Final = re.compile(r"[^\w\s+\-=.:/@]", re.ASCII)
"""What a tag's value cannot have in every service."""
_FORM: Final = re.compile(r"(\d{1,12}) ([^ ]+) ?(.*)", re.DOTALL)


def write_hold_tag(hold: Hold) -> str:
    """Return the value of a hold's tag: when it ends, its owner, and why.

    >>> write_hold_tag(Hold(owner="ada l", reason="audit!", until_epoch_seconds=1_800_000_000))
    '1800000000 ada_l audit_'
    """
    owner = _NOT_ALLOWED.sub("_", re.sub(r"\s", "_", hold.owner)) or "_"
    text = f"{hold.until_epoch_seconds} {owner} {_NOT_ALLOWED.sub('_', hold.reason)}"
    return text[:MOST_CHARACTERS].strip()


def read_hold_tag(text: str) -> Hold:
    """Return the hold that a tag's value says.

    >>> read_hold_tag("1800000000 ada audit").until_epoch_seconds
    1800000000

    Raises:
        ValueError: It says none.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(
            f"tag {HOLD_TAG} must be an end in epoch seconds, an owner and a reason, got {text!r}"
        )
    return Hold(owner=found[2], reason=found[3], until_epoch_seconds=int(found[1]))
