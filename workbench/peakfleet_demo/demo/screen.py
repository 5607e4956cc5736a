"""What the demo shows: live in a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from peakfleet_demo.demo.board import Board, why
from peakfleet_local.replay import Minute, Phases
from peakfleet_planner import FleetSpec

PLAIN_EVERY_MINUTES = 30
FRAMES_PER_SECOND = 6

Say = Callable[[str], None]
Show = Callable[[Minute], None]


class Screen(Protocol):
    """Where the demo speaks while it works."""

    def step(self, doing: str) -> AbstractContextManager[Say]:
        """Show that something is being done; the function takes the newest line about it."""

    def replaying(
        self, *, specs: Sequence[FleetSpec], title: str, phases: Phases
    ) -> AbstractContextManager[Show]:
        """Show a replay; the function takes each minute."""


def screen_for(console: Console) -> Screen:
    """Return the live screen for a terminal, plain lines for a file or a pipe."""
    return LiveScreen(console) if console.is_terminal else PlainScreen(console)


class LiveScreen:
    """A spinner for each step and a board for the replay.

    Args:
        console: A terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, doing: str) -> Iterator[Say]:
        """Show a spinner with the newest line, and what it came to in one line."""
        began = time.monotonic()
        with self._console.status(Text(doing)) as status:

            def say(line: str) -> None:
                room = max(0, self._console.width - len(doing) - 8)
                status.update(Text.assemble(doing, " ", (line.strip()[:room], "dim")))

            yield say
        seconds = time.monotonic() - began
        self._console.print(
            Text.assemble(("✓", "green"), f" {doing} ", (f"{seconds:.1f} s", "dim"))
        )

    @contextmanager
    def replaying(
        self, *, specs: Sequence[FleetSpec], title: str, phases: Phases
    ) -> Iterator[Show]:
        """Show the board, redrawn a few times a second."""
        board = Board(specs=specs, title=title, phases=phases)
        with Live(board, console=self._console, refresh_per_second=FRAMES_PER_SECOND):
            yield board.show


class PlainScreen:
    """A line when a step is done, and a line for each fleet every half virtual hour.

    Args:
        console: Anything; lines are never wrapped.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, doing: str) -> Iterator[Say]:
        """Print what is being done, and how long it took."""
        began = time.monotonic()
        self._line(f"{doing} ...")
        yield _to_nobody
        self._line(f"{doing}: done in {time.monotonic() - began:.1f} s")

    @contextmanager
    def replaying(
        self, *, specs: Sequence[FleetSpec], title: str, phases: Phases
    ) -> Iterator[Show]:
        """Print where every fleet is, now and then."""
        self._line(
            f"Replaying {title}: {phases.warm_up_minutes} minutes of warm-up, "
            f"{phases.scored_minutes} minutes that are scored"
        )
        done = 0

        def show(minute: Minute) -> None:
            nonlocal done
            done += 1
            if done % PLAIN_EVERY_MINUTES == 0:
                for spec in specs:
                    self._line(in_one_line(spec, minute))

        yield show

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _to_nobody(line: str) -> None:
    """Drop a line of a log: all of it is printed if the step fails."""
    del line


def in_one_line(spec: FleetSpec, minute: Minute) -> str:
    """Return one fleet in one minute as one line."""
    fleet = minute.fleets[spec.fleet]
    pools = ", ".join(
        f"{pool.name} {pool.in_service_capacity} of {pool.desired_capacity}" for pool in fleet.pools
    )
    return (
        f"{datetime.fromtimestamp(minute.start_epoch_seconds, UTC):%H:%M} {spec.fleet}: "
        f"demand {fleet.work.demand_units:.0f}, burst {fleet.work.burst_units:.0f}, {pools}, "
        f"unserved {fleet.work.unserved_units:.0f}: {why(fleet).plain}"
    )
