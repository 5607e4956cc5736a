"""One run of the program of a machine: from the start of a formation to its last checkpoint."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from peakfleet_instance.checkpoint import S3, Checkpoints, Part
from peakfleet_instance.gang import Formation, Gang
from peakfleet_instance.signs import leaving

MAIN_PORT = 29_500
STOPPERS = ("notice", "failed")
KEEPING_SHARE = 0.5
"""Of the time until the machine goes: what the program has for writing. The rest is for S3."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Orders:
    """What a trainer is told.

    Args:
        bucket: Where gang and checkpoints are.
        prefix: Of the training run.
        program: The shell script that trains.
        checkpoint_seconds: How long a machine that has to go may take.
    """

    bucket: str
    prefix: str
    program: str
    checkpoint_seconds: float

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Orders:
        """Read the orders from environment variables."""
        return cls(
            bucket=environment["PEAKFLEET_BUCKET"],
            prefix=environment["PEAKFLEET_PREFIX"],
            program=environment["PEAKFLEET_PROGRAM"],
            checkpoint_seconds=float(environment["PEAKFLEET_CHECKPOINT_SECONDS"]),
        )


class Run:
    """The program in one formation, from its start to its last checkpoint.

    Args:
        formation: Whom it trains with.
        orders: What to do.
        s3: A boto3 S3 client.
        gang: What is heard of the gang.
        folder: Where the program writes its checkpoints.
        signs: Where the agent says that the machine is to go.
        now: A clock, in seconds since 1970.

    Limitations:
        While a checkpoint goes to S3, nothing is heard.
    """

    def __init__(
        self,
        formation: Formation,
        *,
        orders: Orders,
        s3: S3,
        gang: Gang,
        folder: Path,
        signs: Path,
        now: Callable[[], float],
    ) -> None:
        self._formation = formation
        self._orders = orders
        self._gang = gang
        self._folder = folder
        self._signs = signs
        self._now = now
        self._heard: frozenset[str] = frozenset()
        self._stopped_at: float | None = None
        self._checkpoints = Checkpoints(
            s3,
            bucket=orders.bucket,
            prefix=orders.prefix,
            part=Part(formation.number, formation.rank, formation.size),
        )
        newest = self._checkpoints.newest()
        resumed = "" if newest is None else str(self._checkpoints.fetch(newest, folder))
        self._kept = -1 if newest is None else newest.step
        log.info("formation %d starts from step %d", formation.number, self._kept)
        self._program = subprocess.Popen(  # noqa: S603  the operator's own program
            ["/bin/bash", orders.program], env={**os.environ, **self._environment(resumed)}
        )

    def tick(self) -> bool:
        """Do what is due, and return whether there is more to do."""
        ended = self._program.poll()
        self._listen()
        self._keep()
        if ended is None:
            self._press()
            return True
        if self._stopped_at is None and ended != 0:
            log.error("the program has ended with %d", ended)
            self._gang.say("failed", self._formation)
        elif self._stopped_at is None and self._formation.rank == 0:
            self._gang.finish()
        return False

    @property
    def formation(self) -> int:
        """The number of its formation."""
        return self._formation.number

    @property
    def is_done(self) -> bool:
        """Whether the program has ended by itself, with 0."""
        return self._stopped_at is None and self._program.poll() == 0

    def _environment(self, resumed: str) -> dict[str, str]:
        return {
            "MASTER_ADDR": self._formation.addresses[0],
            "MASTER_PORT": str(MAIN_PORT),
            "NNODES": str(self._formation.size),
            "NODE_RANK": str(self._formation.rank),
            "PEAKFLEET_CHECKPOINTS": str(self._folder),
            "PEAKFLEET_RESUME": resumed,
        }

    def _listen(self) -> None:
        """Hear that this machine, or another one, has to stop, or that a checkpoint is wanted."""
        if self._stopped_at is not None:
            return
        if leaving(self._signs):
            self._gang.say("notice", self._formation)
            self._stop("this machine is to go")
            return
        words = self._gang.words(self._formation)
        present = self._gang.formation()
        if present is None or present.number != self._formation.number:
            self._stop("there is a newer formation")
        elif any(word.startswith(STOPPERS) for word in words):
            self._stop("another machine has stopped")
        elif any(word.startswith("save") for word in words - self._heard):
            self._program.send_signal(signal.SIGUSR1)
        self._heard = words

    def _stop(self, why: str) -> None:
        log.info("the program is to stop: %s", why)
        self._stopped_at = self._now()
        self._program.terminate()

    def _press(self) -> None:
        """End a program that takes too long to stop."""
        if self._stopped_at is None:
            return
        if self._now() - self._stopped_at >= KEEPING_SHARE * self._orders.checkpoint_seconds:
            log.warning("the program does not stop and is killed")
            self._program.kill()

    def _keep(self) -> None:
        """Keep what the program has written since; only the newest is needed."""
        steps = [int(one.name) for one in self._folder.iterdir() if one.name.isdecimal()]
        newest = max(steps, default=-1)
        if newest > self._kept:
            self._checkpoints.keep(newest, self._folder / str(newest))
            self._kept = newest
            for past in set(steps) - {newest}:
                shutil.rmtree(self._folder / str(past))
