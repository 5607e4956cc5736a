"""The trainer of a machine: starts the program with its gang, keeps its checkpoints, stops it.

The program writes each checkpoint into `$PEAKFLEET_CHECKPOINTS`, under another name, and renames
it to its step number when it is whole. On SIGUSR1 it writes one and goes on; on SIGTERM it writes
one and ends. It ends with 0 when the training run is done. It finds its gang in `MASTER_ADDR`,
`MASTER_PORT`, `NNODES` and `NODE_RANK`, and the checkpoint to go on from in `$PEAKFLEET_RESUME`,
empty at the first start.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from peakfleet_instance.checkpoint import S3, Checkpoints, Part
from peakfleet_instance.gang import Formation, Gang
from peakfleet_instance.metadata import Metadata
from peakfleet_instance.signs import FOLDER, busy, leaving

TICK_SECONDS = 5.0
MAIN_PORT = 29_500
HOME = Path("/var/lib/peakfleet")
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


class Trainer:
    """Trains on one machine.

    Args:
        orders: What to do.
        s3: A boto3 S3 client.
        gang: What is heard of the gang.
        home: Where checkpoints are, and what must outlive this process.
        signs: Where the agent says that the machine is to go.
        now: A clock, in seconds since 1970.
    """

    def __init__(
        self,
        *,
        orders: Orders,
        s3: S3,
        gang: Gang,
        home: Path = HOME,
        signs: Path = FOLDER,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._orders = orders
        self._s3 = s3
        self._gang = gang
        self._folder = home / "checkpoints"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._started = home / "formation"
        self._signs = signs
        self._now = now
        self._run: _Run | None = None
        self._held = ExitStack()

    def tick(self) -> None:
        """Look once at program, gang and machine, and do what is due."""
        if self._run is None:
            self._begin()
        elif not self._run.tick():
            self._run = None
            self._held.close()

    def _begin(self) -> None:
        """Start the program, if there is a formation that this machine has not started in."""
        with ExitStack() as held:
            held.enter_context(busy(self._signs))
            if leaving(self._signs) or self._gang.is_finished:
                return
            formation = self._gang.formation()
            if formation is None or self._gang.words(formation):
                return
            if self._last_started() == formation.number:
                # This process has died since, and the program with it: the others wait for it.
                self._gang.say("failed", formation)
                return
            self._started.write_text(str(formation.number), "utf-8")
            # What was written and not kept belongs to a past that the others do not share.
            shutil.rmtree(self._folder)
            self._folder.mkdir()
            self._run = _Run(
                formation,
                orders=self._orders,
                s3=self._s3,
                gang=self._gang,
                folder=self._folder,
                signs=self._signs,
                now=self._now,
            )
            self._held = held.pop_all()

    def _last_started(self) -> int:
        return int(self._started.read_text("utf-8")) if self._started.exists() else 0


class _Run:
    """The program in one formation, from its start to its last checkpoint."""

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


def main() -> None:
    """Train as the environment says, until killed."""
    import boto3  # noqa: PLC0415  tests import this module without it

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    orders, machine = Orders.of(os.environ), Metadata()
    s3: S3 = boto3.client("s3", region_name=machine.region)
    gang = Gang(s3, bucket=orders.bucket, prefix=orders.prefix, instance_id=machine.instance_id)
    trainer = Trainer(orders=orders, s3=s3, gang=gang)
    while True:
        try:
            trainer.tick()
        except Exception:  # S3 may be away for a while: what trains goes on
            log.exception("the next look is in %g seconds", TICK_SECONDS)
        time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    main()
