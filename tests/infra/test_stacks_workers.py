"""The worker programs of the reference app: the queue worker."""

from __future__ import annotations

import ast
import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from peakfleet_instance import Leaving
from peakfleet_instance.signs import Signs
from stacks.workers.progress import Progress, every_period
from stacks.workers.queue_worker import RETRY_SECONDS, Orders, Worker
from stacks.workers.usefulness import Usefulness

PROGRAMS = sorted((Path(__file__).parents[2] / "stacks" / "workers").glob("*.py"))


class FakeQueue:
    """Messages that are waiting, taken or gone. Tells `on_empty` when there is nothing left."""

    def __init__(self, *bodies: str) -> None:
        self.waiting = deque(bodies)
        self.taken: dict[str, str] = {}
        self.visibility: list[tuple[str, int]] = []
        self.broken_reads = 0
        self.on_taken: Callable[[], None] = lambda: None
        self.on_empty: Callable[[], None] = lambda: None

    def receive_message(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401  boto3's own shapes
        if self.broken_reads:
            self.broken_reads -= 1
            raise ConnectionError("the queue does not answer")
        assert request["VisibilityTimeout"] > 0
        if not self.waiting:
            self.on_empty()
            return {}
        body = self.waiting.popleft()
        receipt = f"receipt of {body}"
        self.taken[receipt] = body
        self.on_taken()
        return {"Messages": [{"MessageId": body, "ReceiptHandle": receipt, "Body": body}]}

    def change_message_visibility(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        change = (self.taken[request["ReceiptHandle"]], request["VisibilityTimeout"])
        self.visibility.append(change)
        return {}

    def delete_message(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        return self.taken.pop(request["ReceiptHandle"])


class FakeCloudWatch:
    """Datapoints by metric name; refuses them while `broken`."""

    def __init__(self) -> None:
        self.points: dict[str, list[tuple[float, float]]] = {}
        self.broken = False

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> object:  # noqa: N803  boto3's own names
        assert Namespace
        if self.broken:
            raise ConnectionError("CloudWatch does not answer")
        for one in MetricData:
            self.points.setdefault(one["MetricName"], []).append((one["Timestamp"], one["Value"]))
        return {}


class VirtualStop(threading.Event):
    """Waiting takes no time, only moves the clock; stops after some waits."""

    def __init__(self, *, start: float, waits: int, early_seconds: float = 0) -> None:
        super().__init__()
        self.clock = start
        self._waits = waits
        self._early_seconds = early_seconds

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.clock += max(timeout - self._early_seconds, self._early_seconds)
        self._waits -= 1
        return self._waits < 0


def work(queue: FakeQueue, program: str, **orders: Any) -> FakeCloudWatch:  # noqa: ANN401  fields of Orders
    """Run a worker whose jobs run *program*, until the queue is empty, and report once."""
    cloudwatch = FakeCloudWatch()
    progress = Progress(cloudwatch, namespace="Test", dimensions={"Fleet": "Test/Jobs"})
    fields = {"slots": 1, "tick_seconds": 0.05, "trouble_seconds": 0.01, **orders}
    command = (sys.executable, "-c", program)
    told = Usefulness(cloudwatch, namespace="Test", fleet="Test/Jobs", pool="Graviton")
    worker = Worker(queue, Orders(queue_url="jobs", command=command, **fields), progress, told)
    queue.on_empty = worker.stop.set
    if fields["slots"] == 1 and "grace_seconds" in orders:
        queue.on_taken = worker.stop.set
    worker.run()
    worker.report(60.0)
    return cloudwatch


class Rest(threading.Event):
    """Set by the first slot that waits, because it has nothing to do."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return super().wait(timeout)


def work_and_leave(queue: FakeQueue, program: str, signs: Path) -> None:
    """Run a worker until it takes no more jobs, because its machine is to go."""
    command = (sys.executable, "-c", program)
    orders = Orders(queue_url="jobs", command=command, slots=1, tick_seconds=0.05, signs=signs)
    progress = Progress(FakeCloudWatch(), namespace="Test", dimensions={})
    nobody = Usefulness(FakeCloudWatch(), namespace="Test", fleet="Test/Jobs", pool="")
    worker = Worker(queue, orders, progress, nobody)
    worker.stop = Rest()
    worker.run()


def told(why: Leaving, signs: Path) -> str:
    """Return a program that runs while its machine is told to go."""
    ready_made = signs / "leaving.new"
    ready_made.write_text(json.dumps(asdict(why)))
    return f"import os; os.replace({str(ready_made)!r}, {str(signs / 'leaving')!r})"


def test_each_job_runs_with_its_message_and_is_forgotten_when_done(tmp_path: Path) -> None:
    queue = FakeQueue("a", "b", "c")
    program = (
        f"import sys, pathlib; b = sys.stdin.read(); pathlib.Path({str(tmp_path)!r}, b).touch()"
    )
    cloudwatch = work(queue, program, slots=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]
    assert not queue.taken
    assert cloudwatch.points["JobsDone"] == [(60.0, 3)]
    assert cloudwatch.points["Slots"] == [(60.0, 2)]
    assert cloudwatch.points["BusySlots"] == [(60.0, 0)]


def test_a_job_that_fails_is_kept_and_shown_again_later() -> None:
    queue = FakeQueue("broken")
    cloudwatch = work(queue, "raise SystemExit(3)")
    assert queue.taken
    assert queue.visibility == [("broken", RETRY_SECONDS)]
    assert cloudwatch.points["JobsFailed"] == [(60.0, 1)]
    assert "JobsDone" not in cloudwatch.points


def test_a_long_job_stays_invisible_while_it_runs() -> None:
    queue = FakeQueue("long")
    work(queue, "import time; time.sleep(1)", visibility_seconds=1)
    assert ("long", 1) in queue.visibility
    assert not queue.taken


def test_a_stopped_worker_finishes_a_job_that_ends_in_time() -> None:
    queue = FakeQueue("short", "next")
    work(queue, "import time; time.sleep(0.2)", grace_seconds=30)
    assert not queue.taken
    assert list(queue.waiting) == ["next"]


def test_a_stopped_worker_gives_back_a_job_that_would_take_too_long(tmp_path: Path) -> None:
    queue = FakeQueue("endless")
    pid_file = tmp_path / "pid"
    program = (
        f"import os, pathlib, time; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()));"
        "time.sleep(600)"
    )
    work(queue, program, grace_seconds=1)
    assert queue.visibility[-1] == ("endless", 0)
    assert list(queue.taken.values()) == ["endless"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_the_machine_is_busy_while_a_job_runs(tmp_path: Path) -> None:
    signs = Signs(tmp_path)
    seen: list[bool] = []

    class Watched(FakeQueue):
        def delete_message(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
            seen.append(signs.is_busy)
            return super().delete_message(**request)

    queue = Watched("job")
    queue.on_taken = lambda: seen.append(signs.is_busy)
    work(queue, "pass", signs=tmp_path)
    assert seen == [False, True]
    assert not signs.is_busy


def test_a_machine_that_is_to_go_finishes_its_job_and_takes_no_other(tmp_path: Path) -> None:
    queue = FakeQueue("running", "next")
    work_and_leave(queue, told(Leaving("scale-in", since=0.0), tmp_path), tmp_path)
    assert not queue.taken
    assert queue.visibility == []
    assert list(queue.waiting) == ["next"]


def test_a_job_that_comes_as_the_machine_is_told_to_go_is_given_back(tmp_path: Path) -> None:
    signs = Signs(tmp_path)
    queue = FakeQueue("late")
    queue.on_taken = lambda: signs.tell(Leaving("scale-in", since=0.0))
    ran = tmp_path / "ran"
    work_and_leave(queue, f"import pathlib; pathlib.Path({str(ran)!r}).touch()", tmp_path)
    assert queue.visibility == [("late", 0)]
    assert not ran.exists()


def test_before_spot_takes_the_machine_its_job_is_given_back(tmp_path: Path) -> None:
    queue = FakeQueue("endless", "next")
    notice = told(Leaving("spot", since=0.0, until=1.0), tmp_path)
    work_and_leave(queue, f"{notice}; import time; time.sleep(600)", tmp_path)
    assert queue.visibility == [("endless", 0)]
    assert list(queue.waiting) == ["next"]


def test_a_queue_that_does_not_answer_does_not_end_the_worker() -> None:
    queue = FakeQueue("job")
    queue.broken_reads = 2
    work(queue, "pass")
    assert not queue.taken
    assert not queue.waiting


def test_counts_that_cloudwatch_did_not_take_are_in_the_next_report() -> None:
    cloudwatch = FakeCloudWatch()
    progress = Progress(cloudwatch, namespace="Test", dimensions={})
    progress.add("JobsDone", 2)
    cloudwatch.broken = True
    progress.report(60.0, {"Slots": 4})
    cloudwatch.broken = False
    progress.add("JobsDone")
    progress.report(120.0, {"Slots": 4})
    assert cloudwatch.points == {"JobsDone": [(120.0, 3)], "Slots": [(120.0, 4)]}


@pytest.mark.parametrize("early_seconds", [0, 0.25])
@pytest.mark.parametrize("seconds", [10, 60])
def test_every_period_is_reported_once_even_if_a_wait_ends_early(
    early_seconds: float, seconds: int
) -> None:
    stop = VirtualStop(start=100.0, waits=7, early_seconds=early_seconds)
    reported: list[float] = []
    every_period(reported.append, stop, lambda: stop.clock, seconds=seconds)
    assert len(reported) >= 3
    first = reported[0]
    assert 100 < first <= 100 + seconds
    assert first % seconds == 0
    assert reported == [first + seconds * index for index in range(len(reported))]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_programs_are_written_for_the_python_of_amazon_linux_2023(program: Path) -> None:
    tree = ast.parse(program.read_text(), feature_version=(3, 9))
    imports = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert "__future__" in imports or not imports  # `int | None` must stay unevaluated
