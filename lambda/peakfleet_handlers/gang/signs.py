"""What a gang and its machines tell each other through objects of S3.

Below the prefix of the training run:

| key | says | written by |
|---|---|---|
| `gang/members.json` | who the present formation is | a tick |
| `gang/<formation>/save-<number>` | write a checkpoint and go on | a tick |
| `gang/<formation>/notice-<instance id>` | write a checkpoint and stop: this machine goes | it |
| `gang/<formation>/failed-<instance id>` | stop: the program has failed here | that machine |
| `gang/finished` | the training run is done | the first machine |
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from peakfleet_planner.gang import GangSigns


def folder(prefix: str, formation: int | None = None) -> str:
    """Return what the keys of a gang, or of one of its formations, begin with."""
    return f"{prefix}/gang/" if formation is None else f"{prefix}/gang/{formation:010d}/"


def members_key(prefix: str) -> str:
    """Return the key of who the present formation is."""
    return folder(prefix) + "members.json"


def save_key(prefix: str, formation: int, save_for: int) -> str:
    """Return the key that asks a formation for a checkpoint."""
    return f"{folder(prefix, formation)}save-{save_for}"


def members_document(formation: int, members: Iterable[tuple[str, str]]) -> bytes:
    """Return what the machines read of their formation.

    Args:
        formation: Its number.
        members: Id and private address of each machine, in the order of their ranks.
    """
    listed = [{"id": name, "address": address} for name, address in members]
    return json.dumps({"formation": formation, "members": listed}).encode()


def first_key(prefix: str, formation: int) -> str:
    """Return the key after which everything is that still matters."""
    return folder(prefix) + (f"{formation:010d}" if formation else "a")  # digits sort before words


def read_signs(keys: Iterable[str], prefix: str, formation: int) -> GangSigns:
    """Return what the machines say.

    A notice explains why the others failed, so that it counts first.

    Args:
        keys: Keys that were found.
        prefix: Of the training run.
        formation: The present one.
    """
    found, own = set(keys), folder(prefix, formation)
    said = {one.removeprefix(own).partition("-")[0] for one in found if one.startswith(own)}
    return GangSigns(
        finished=folder(prefix) + "finished" in found,
        stopped="notice" if "notice" in said else "failed" if "failed" in said else None,
    )
