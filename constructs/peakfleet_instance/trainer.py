"""The trainer of a machine: starts the program with its gang, keeps its checkpoints, stops it.

The program writes each checkpoint into `$PEAKFLEET_CHECKPOINTS`, under another name, and renames
it to its step number when it is whole. On SIGUSR1 it writes one and goes on; on SIGTERM it writes
one and ends. It ends with 0 when the training run is done; the run is over when that of the first
machine has, so that one that ends sooner stops no other. It finds its gang in `MASTER_ADDR`,
`MASTER_PORT`, `NNODES` and `NODE_RANK`, and the checkpoint to go on from in `$PEAKFLEET_RESUME`,
empty at the first start.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from peakfleet_instance.checkpoint import S3
from peakfleet_instance.gang import Gang
from peakfleet_instance.metadata import Metadata
from peakfleet_instance.signs import FOLDER, busy, leaving
from peakfleet_instance.training_run import Orders, Run

TICK_SECONDS = 5.0
HOME = Path("/var/lib/peakfleet")

log = logging.getLogger(__name__)


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
        self._done = home / "done"
        self._signs = signs
        self._now = now
        self._run: Run | None = None
        self._held = ExitStack()

    def tick(self) -> None:
        """Look once at program, gang and machine, and do what is due."""
        if self._run is None:
            self._begin()
        elif not self._run.tick():
            if self._run.is_done:
                self._done.write_text(str(self._run.formation), "utf-8")
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
            if _number_in(self._done) == formation.number:
                return  # the others may still be writing what they end with
            if _number_in(self._started) == formation.number:
                # This process has died since, and the program with it: the others wait for it.
                self._gang.say("failed", formation)
                return
            self._started.write_text(str(formation.number), "utf-8")
            # What was written and not kept belongs to a past that the others do not share.
            shutil.rmtree(self._folder)
            self._folder.mkdir()
            self._run = Run(
                formation,
                orders=self._orders,
                s3=self._s3,
                gang=self._gang,
                folder=self._folder,
                signs=self._signs,
                now=self._now,
            )
            self._held = held.pop_all()


def _number_in(path: Path) -> int:
    return int(path.read_text("utf-8")) if path.exists() else 0


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
