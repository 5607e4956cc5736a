"""Pulls jobs from a queue and runs a program for each: the worker of a queue fleet.

Each slot works on one job at a time: it takes a message, runs the program with the message's
body on standard input, keeps the message invisible to others while the program runs, and
deletes it when the program succeeds. A job whose program fails is tried again later, until
the queue moves it to its dead-letter queue. While a job runs the machine is busy, and the fleet
lets idle machines go first. A machine that is to go takes no new job and finishes its own, except
that Spot's notice leaves no time for long ones. On SIGTERM no new job is taken; jobs that do not
end in time are stopped and given back. A job can run twice: programs must not mind.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from peakfleet_instance import FOLDER, busy, leaving

from .clients import client
from .progress import MINUTE_SECONDS, Progress, every_period
from .usefulness import Usefulness

RETRY_SECONDS = 30
"""How long a failed job waits for its next try."""

log = logging.getLogger(__name__)


class Queue(Protocol):
    """The calls of boto3's SQS client that are used."""

    def receive_message(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401  boto3's own shapes
        """Take messages."""

    def change_message_visibility(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        """Keep or give back a message."""

    def delete_message(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        """Forget a message."""


@dataclass(frozen=True)
class Orders:
    """What a worker is told to do.

    Args:
        queue_url: Where the jobs are.
        command: Program to run for each job.
        slots: Jobs worked on at a time.
        visibility_seconds: A job is visible to others this long after its worker died.
        grace_seconds: How long running jobs may go on after SIGTERM.
        poll_seconds: How long a slot waits for a message before it asks again.
        tick_seconds: How often a running program is looked at.
        trouble_seconds: How long a slot waits after the queue could not be used.
        seconds_per_job: How long one unit works on a job, as the fleet's demand counts it.
        signs: Where the machine's agent says that the machine is to go.
    """

    queue_url: str
    command: tuple[str, ...]
    slots: int
    visibility_seconds: int = 120
    grace_seconds: float = 100.0
    poll_seconds: int = 20
    tick_seconds: float = 1.0
    trouble_seconds: float = 5.0
    seconds_per_job: float = MINUTE_SECONDS
    signs: Path = FOLDER


class Worker:
    """Runs the slots.

    Args:
        queue: A boto3 SQS client.
        orders: What to do.
        progress: Where jobs are counted.
        usefulness: Where their worth is told.
    """

    def __init__(
        self, queue: Queue, orders: Orders, progress: Progress, usefulness: Usefulness
    ) -> None:
        self.stop = threading.Event()
        self._queue = queue
        self._orders = orders
        self._progress = progress
        self._usefulness = usefulness
        self._running: set[str] = set()

    def run(self) -> None:
        """Work until `stop` is set and every slot has come to rest."""
        slots = [
            threading.Thread(target=self._slot, name=f"slot-{index}")
            for index in range(self._orders.slots)
        ]
        for slot in slots:
            slot.start()
        for slot in slots:
            slot.join()

    def report(self, timestamp: float) -> None:
        """Publish what was done since the last report."""
        gauges = {"BusySlots": float(len(self._running)), "Slots": float(self._orders.slots)}
        counts = self._progress.report(timestamp, gauges)
        done = counts.get("JobsDone", 0.0)
        self._usefulness.report(
            timestamp,
            useful_units=done * self._orders.seconds_per_job / MINUTE_SECONDS,
            busy_share=gauges["BusySlots"] / gauges["Slots"],
        )

    def _slot(self) -> None:
        while not self.stop.is_set():
            if leaving(self._orders.signs):
                self.stop.wait(self._orders.tick_seconds)
            else:
                self._take_a_job()

    def _take_a_job(self) -> None:
        try:
            for message in self._receive():
                with busy(self._orders.signs):
                    self._work(message)
        except Exception:  # the queue's trouble must not end the slot
            log.exception("the queue could not be used, trying again")
            self.stop.wait(self._orders.trouble_seconds)

    def _receive(self) -> list[dict[str, str]]:
        answer = self._queue.receive_message(
            QueueUrl=self._orders.queue_url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=self._orders.poll_seconds,
            VisibilityTimeout=self._orders.visibility_seconds,
        )
        messages: list[dict[str, str]] = answer.get("Messages", [])
        return messages

    def _work(self, message: dict[str, str]) -> None:
        receipt = message["ReceiptHandle"]
        if leaving(self._orders.signs):  # asked once busy, so that the machine cannot go now
            self._show_again(receipt, 0)
            return
        self._running.add(receipt)
        try:
            ended = self._run_program(message["Body"], receipt)
        finally:
            self._running.discard(receipt)
        if ended is None:
            log.warning("job %s was stopped and given back", message["MessageId"])
            self._show_again(receipt, 0)
        elif ended == 0:
            self._queue.delete_message(QueueUrl=self._orders.queue_url, ReceiptHandle=receipt)
            self._progress.add("JobsDone")
        else:
            log.error("job %s failed with exit status %s", message["MessageId"], ended)
            self._progress.add("JobsFailed")
            self._show_again(receipt, RETRY_SECONDS)

    def _run_program(self, body: str, receipt: str) -> int | None:
        """Run the program and return its exit status, or None if it had to be stopped."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as job:
            job.write(body)
            job.seek(0)
            with subprocess.Popen(  # noqa: S603  the command is the operator's own
                self._orders.command, stdin=job, start_new_session=True
            ) as program:
                ended = self._attend(program, receipt)
                if ended is None:
                    os.killpg(program.pid, signal.SIGKILL)
        return ended

    def _attend(self, program: subprocess.Popen[bytes], receipt: str) -> int | None:
        """Wait for *program*, keep its message invisible, give up when time is over."""
        orders = self._orders
        ticks_per_extension = max(1, int(orders.visibility_seconds / 3 / orders.tick_seconds))
        ticks = ticks_stopping = 0
        while ticks_stopping * orders.tick_seconds < orders.grace_seconds and not self._must_end():
            if (ended := _exit_status(program, orders.tick_seconds)) is not None:
                return ended
            ticks += 1
            ticks_stopping += self.stop.is_set()
            if ticks % ticks_per_extension == 0:
                self._show_again(receipt, orders.visibility_seconds)
        return None

    def _must_end(self) -> bool:
        going = leaving(self._orders.signs)
        return going is not None and going.until is not None and time.time() >= going.until

    def _show_again(self, receipt: str, seconds: int) -> None:
        try:
            self._queue.change_message_visibility(
                QueueUrl=self._orders.queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
        except Exception:  # the message becomes visible by itself, only later or earlier
            log.exception("visibility was not changed")


def _exit_status(program: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return program.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def main() -> None:
    """Work as the environment says, until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    environment = os.environ
    orders = Orders(
        queue_url=environment["PEAKFLEET_QUEUE_URL"],
        command=(sys.executable, "-m", environment["PEAKFLEET_JOB"]),
        slots=(os.cpu_count() or 1) * int(environment.get("PEAKFLEET_SLOTS_PER_CPU", "1")),
        poll_seconds=int(environment.get("PEAKFLEET_POLL_SECONDS", "20")),
        seconds_per_job=float(environment.get("PEAKFLEET_SECONDS_PER_JOB", MINUTE_SECONDS)),
    )
    cloudwatch = client("cloudwatch")
    progress = Progress(
        cloudwatch,
        namespace=environment["PEAKFLEET_NAMESPACE"],
        dimensions={"Fleet": environment["PEAKFLEET_FLEET"]},
    )
    worker = Worker(
        client("sqs"), orders, progress, Usefulness.of_this_machine(cloudwatch, environment)
    )
    signal.signal(signal.SIGTERM, lambda *_: worker.stop.set())
    reporter = threading.Thread(target=every_period, args=(worker.report, worker.stop))
    reporter.start()
    worker.run()
    reporter.join()
    worker.report(time.time())


if __name__ == "__main__":
    main()
