"""Policies replayed next to each other, one process for each core, with progress."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from time import monotonic
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from peakfleet_cli.trial.trial import Trial, Tried
from peakfleet_sim import Run
from peakfleet_sim.replay import TOLD, Choice

_FEWEST_MINUTES: Final = 40_000
"""Fewer are replayed sooner than processes start."""
_LOOK_SECONDS: Final = 0.2
_LINE_SECONDS: Final = 5.0
"""Where there is no terminal, a line says so often how far it is."""


class _Work:
    """What a process was given when it started."""

    trial: Trial
    done: Synchronized[int]


def try_out(trial: Trial, console: Console) -> list[Tried]:
    """Replay and score every policy of a trial, in its order.

    Args:
        trial: The trial.
        console: Where progress is shown.
    """
    minutes = trial.comparison.demand.minutes
    total = minutes * len(trial.choices)
    processes = min(len(trial.choices), os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")
    done = context.Value("q", 0)
    with _shown(console, total) as show:
        if processes == 1 or total < _FEWEST_MINUTES:
            told = TOLD.set(lambda more: show(_add(done, more)))
            try:
                runs = [trial.run(choice) for choice in trial.choices]
            finally:
                TOLD.reset(told)
        else:
            # Small matrices in several processes: threads of their own would only wait.
            os.environ.setdefault("OMP_NUM_THREADS", "1")
            with ProcessPoolExecutor(
                processes, mp_context=context, initializer=_begin, initargs=(trial, done)
            ) as pool:
                runs = _collect([pool.submit(_run, choice) for choice in trial.choices], done, show)
        return [trial.scored(choice, run) for choice, run in zip(trial.choices, runs, strict=True)]


def _collect(
    work: list[Future[Run]], done: Synchronized[int], show: Callable[[int], None]
) -> list[Run]:
    """Wait for all runs; the first that fails ends the others."""
    left = set(work)
    while left:
        finished, left = wait(left, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for one in finished:
            if one.exception():
                for other in left:
                    other.cancel()
                one.result()
        show(done.value)
    return [one.result() for one in work]


def _begin(trial: Trial, done: Synchronized[int]) -> None:
    _Work.trial, _Work.done = trial, done


def _run(choice: Choice) -> Run:
    TOLD.set(_count)
    return _Work.trial.run(choice)


def _count(more: int) -> None:
    _add(_Work.done, more)


def _add(done: Synchronized[int], more: int) -> int:
    with done.get_lock():
        done.value += more
        return done.value


@contextmanager
def _shown(console: Console, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far it is: a bar with rate and remaining time; lines where output is piped."""
    if not console.is_terminal:
        began = last = monotonic()

        def say(done: int) -> None:
            nonlocal last
            if (now := monotonic()) - last < _LINE_SECONDS or not done:
                return
            last = now
            rate = done / (now - began)
            left = max(0, total - done) / rate
            console.print(
                f"replayed {done:,} of {total:,} minutes, {rate:,.0f} a second, {left:,.0f} s left",
                soft_wrap=True,
                highlight=False,
            )

        yield say
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=False),
        TextColumn("{task.fields[rate]:,.0f} minutes/s"),
        TimeRemainingColumn(),
    )
    began = monotonic()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("replaying", total=total, rate=0.0)

        def move(done: int) -> None:
            rate = done / max(_LOOK_SECONDS, monotonic() - began)
            progress.update(task, completed=done, rate=rate)

        yield move
