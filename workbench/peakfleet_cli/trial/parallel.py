"""Policies replayed next to each other, one process for each core, with progress."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.sharedctypes import Synchronized
from time import monotonic
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from peakfleet_cli.trial.trial import PEAKFLEET, Trial, Tried
from peakfleet_sim.replay import TOLD, Choice, Outcome, most_searched

T = TypeVar("T")

_FEWEST_MINUTES: Final = 40_000
"""Fewer are replayed sooner than processes start."""
_LOOK_SECONDS: Final = 0.2
_LINE_SECONDS: Final = 5.0
"""Where there is no terminal, a line says so often how far it is."""


class _Work:
    """What a process was given when it started."""

    trial: Trial
    done: Synchronized[int]


def try_out(trial: Trial, console: Console, *, both_ways: bool = False) -> list[Tried]:
    """Replay and score every policy of a trial, in its order; rivals at equal service as well.

    Args:
        trial: The trial.
        console: Where progress is shown.
        both_ways: Whether ours is run at the service of the first other policy as well. Default:
            false.
    """
    minutes = trial.comparison.demand.minutes
    _ = trial.optimum  # goes to every process with the trial
    with _crew(trial, console) as crew:
        total = minutes * len(trial.choices)
        runs = crew.each("replayed", total, Trial.run, [(one,) for one in trial.choices])
        tried = [trial.scored(one, run) for one, run in zip(trial.choices, runs, strict=True)]
        ours = next((one for one in tried if one.choice.kind.name == PEAKFLEET), None)
        if ours is None or not ours.outcome.burst_units or not trial.comparison.demand.has_peak:
            return tried
        searched = [
            at
            for at, one in enumerate(tried)
            if one.choice.kind.takes_setting and one.choice.kind.name != PEAKFLEET
        ]
        jobs: list[tuple[Outcome, Outcome, Choice, Choice | None]] = []
        most = 0
        for at in searched:
            against = ours.choice if both_ways and not jobs else None
            jobs.append((ours.outcome, tried[at].outcome, tried[at].choice, against))
            most += minutes * most_searched(tried[at].choice.kind.searched)
        found = crew.each("at equal service: replayed at most", most, Trial.rival, jobs)
        for at, rival in zip(searched, found, strict=True):
            tried[at] = replace(tried[at], rival=rival)
        return tried


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crew:
    """Processes that know the trial.

    Args:
        trial: The trial.
        console: Where progress is shown.
        done: Minutes that were replayed.
        pool: The processes. Default: there is this one.
    """

    trial: Trial
    console: Console
    done: Synchronized[int]
    pool: ProcessPoolExecutor | None = None

    def each(
        self, verb: str, minutes: int, job: Callable[..., T], given: Sequence[tuple[object, ...]]
    ) -> list[T]:
        """Do a job of the trial with each of what is given.

        Args:
            verb: What is done to minutes.
            minutes: How many are to be replayed.
            job: A method of `Trial`.
            given: Its arguments, once for each job.
        """
        self.done.value = 0
        with _shown(self.console, verb, minutes) as show:
            if self.pool:
                return _collect([self.pool.submit(_do, job, one) for one in given], self.done, show)
            told = TOLD.set(lambda more: show(_add(self.done, more)))
            try:
                return [job(self.trial, *one) for one in given]
            finally:
                TOLD.reset(told)


@contextmanager
def _crew(trial: Trial, console: Console) -> Iterator[_Crew]:
    context = multiprocessing.get_context("spawn")
    done = context.Value("q", 0)
    processes = min(len(trial.choices), os.cpu_count() or 1)
    if processes == 1 or trial.comparison.demand.minutes * len(trial.choices) < _FEWEST_MINUTES:
        yield _Crew(trial=trial, console=console, done=done)
        return
    # Small matrices in several processes: threads of their own would only wait.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin, initargs=(trial, done)
    ) as pool:
        yield _Crew(trial=trial, console=console, done=done, pool=pool)


def _collect(
    work: list[Future[T]], done: Synchronized[int], show: Callable[[int], None]
) -> list[T]:
    """Wait for all jobs; the first that fails ends the others."""
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


def _do(job: Callable[..., T], given: tuple[object, ...]) -> T:
    TOLD.set(_count)
    return job(_Work.trial, *given)


def _count(more: int) -> None:
    _add(_Work.done, more)


def _add(done: Synchronized[int], more: int) -> int:
    with done.get_lock():
        done.value += more
        return done.value


@contextmanager
def _shown(console: Console, verb: str, total: int) -> Iterator[Callable[[int], None]]:
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
                f"{verb} {done:,} of {total:,} minutes, {rate:,.0f} a second, {left:,.0f} s left",
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
        task = progress.add_task(verb, total=total, rate=0.0)

        def move(done: int) -> None:
            rate = done / max(_LOOK_SECONDS, monotonic() - began)
            progress.update(task, completed=done, rate=rate)

        yield move
