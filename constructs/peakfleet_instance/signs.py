"""What the workers of a machine and its agent tell each other, as files in one folder.

`busy`: whoever works holds a shared lock on it. The kernel frees the lock when its holder dies.
`leaving`: exists while the machine is to take no new work. `ready`: has text once it can serve.
`served` is the agent's own: exists from the first service until a warm pool has the machine back.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(os.environ.get("PEAKFLEET_SIGNS", "/run/peakfleet"))

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Leaving:
    """The machine is to go, or does not serve yet: take no new work.

    Args:
        reason: `scale-in`: running work may finish; `spot`: the machine is taken back soon;
            `warm-pool`: running work may finish, then the machine waits, stopped or running,
            until it is needed.
        since: When this was noticed, in seconds since 1970.
        until: When work that still runs must have been given back, in seconds since 1970.
            None: it may finish.
    """

    reason: str
    since: float
    until: float | None = None


@contextmanager
def busy(folder: Path = FOLDER) -> Iterator[None]:
    """Say that this machine works, from here to the end of the block.

    Ask `leaving` inside the block, before the work starts: then either the worker sees that the
    machine leaves, or the agent sees that it is busy. Blocks may overlap, in one process and in
    several. Where no agent runs, for example on the company's own servers, this does nothing.
    """
    try:
        file = (folder / "busy").open("rb")
    except FileNotFoundError:
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def leaving(folder: Path = FOLDER) -> Leaving | None:
    """Return why the machine is to take no new work, or None while it may."""
    try:
        return Leaving(**json.loads((folder / "leaving").read_text("utf-8")))
    except FileNotFoundError:
        return None


def ready(folder: Path = FOLDER) -> None:
    """Say that this machine can serve. Saying it again, or where no agent runs, changes nothing."""
    try:
        with (folder / "ready").open("r+b") as file:
            file.write(b"ready\n")
    except FileNotFoundError:
        log.info("no agent runs here, nobody waits for this machine")


class Signs:
    """The agent's side of the folder.

    Args:
        folder: Where the files are. It must exist; files that are missing are made.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        for name in ("busy", "ready"):
            (folder / name).touch()

    @property
    def is_busy(self) -> bool:
        """Whether anybody works; also when that cannot be known."""
        try:
            with (self._folder / "busy").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            log.exception("nobody knows whether this machine works, so it does")
            return True
        return False

    @property
    def is_ready(self) -> bool:
        """Whether the machine can serve."""
        return (self._folder / "ready").stat().st_size > 0

    @property
    def has_served(self) -> bool:
        """Whether the machine has served since a warm pool last had it."""
        return (self._folder / "served").exists()

    def serve(self, *, serves: bool) -> None:
        """Remember that the machine serves, or, with False, that a warm pool has it."""
        if serves:
            (self._folder / "served").touch()
        else:
            (self._folder / "served").unlink(missing_ok=True)

    @property
    def leaving(self) -> Leaving | None:
        """What the workers were told, also by an agent that ran before."""
        return leaving(self._folder)

    def tell(self, why: Leaving | None) -> None:
        """Tell the workers to take no new work, or, with None, that they may."""
        if why is None:
            (self._folder / "leaving").unlink(missing_ok=True)
            return
        draft = self._folder / "leaving.new"
        draft.write_text(json.dumps(asdict(why)), "utf-8")
        draft.chmod(0o644)
        os.replace(draft, self._folder / "leaving")  # noqa: PTH105  workers see all of it or nothing
