"""What the demo shows while it works: a board in a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Protocol

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from peakfleet_local.replay import FleetMinute, Minute, Phases, usable_baseline_units
from peakfleet_planner import FleetSpec

BARS = "▁▂▃▄▅▆▇█"
SPARK_MINUTES, SPARK_WIDTH = 60, 15
FLEETS_WITH_LINES = 5
"""More fleets than this fit 30 lines only without lines between them."""
PLAIN_EVERY_MINUTES = 30
FRAMES_PER_SECOND = 6

Say = Callable[[str], None]
Show = Callable[[Minute], None]


class Screen(Protocol):
    """Where the demo speaks while it works."""

    def step(self, doing: str) -> AbstractContextManager[Say]:
        """Show what is being done; the function takes the newest line of its log."""

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
        yield lambda _line: None  # all of the log is printed if the step fails
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


def in_one_line(spec: FleetSpec, minute: Minute) -> str:
    """Return one fleet in one minute as one line."""
    fleet = minute.fleets[spec.fleet]
    pools = ", ".join(
        f"{pool.name} {pool.in_service_capacity} of {pool.desired_capacity}" for pool in fleet.pools
    )
    return (
        f"{datetime.fromtimestamp(minute.start_epoch_seconds, UTC):%H:%M} {spec.fleet}: "
        f"demand {fleet.work.demand_units:.0f}, burst {fleet.work.burst_units:.0f}, {pools}, "
        f"unserved {fleet.work.unserved_units:.0f}: {reason_text(fleet).plain}"
    )


class Board:
    """The live picture of a replay: a row for each fleet, and the virtual time.

    Args:
        specs: The fleets, in the order of the rows.
        title: What is replayed.
        phases: How long it is.
    """

    def __init__(self, *, specs: Sequence[FleetSpec], title: str, phases: Phases) -> None:
        self._specs = specs
        self._title = title
        self._phases = phases
        self._minute: Minute | None = None
        self._done = 0
        self._missed = dict.fromkeys((spec.fleet for spec in specs), 0.0)
        self._burst = dict(self._missed)
        self._past: Mapping[str, deque[tuple[float, float]]] = {
            spec.fleet: deque(maxlen=SPARK_MINUTES) for spec in specs
        }

    def show(self, minute: Minute) -> None:
        """Take the next minute."""
        self._minute = minute
        self._done += 1
        for spec in self._specs:
            work = minute.fleets[spec.fleet].work
            baseline = usable_baseline_units(spec)
            self._past[spec.fleet].append((work.demand_units, baseline + work.ready_units))
            if minute.scored:
                self._missed[spec.fleet] += work.unserved_units
                self._burst[spec.fleet] += work.burst_units

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the progress bar and the table of the newest minute."""
        del console, options
        if self._minute is not None:
            yield Group(self._progress(self._minute), self._table(self._minute))

    def _progress(self, minute: Minute) -> Table:
        total = self._phases.warm_up_minutes + self._phases.scored_minutes
        now = datetime.fromtimestamp(minute.start_epoch_seconds, UTC)
        phase = "scored" if minute.scored else "warming up"
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True)
        grid.add_row(
            ProgressBar(total=total, completed=self._done),
            Text.assemble(
                (f"{now:%Y-%m-%d %H:%M}", "bold"),
                f" UTC  minute {self._done} of {total}, {phase}",
            ),
        )
        return grid

    def _table(self, minute: Minute) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD,
            expand=True,
            show_lines=len(self._specs) <= FLEETS_WITH_LINES,
            title=Text(self._title),
            title_justify="left",
            padding=(0, 1, 0, 0),
        )
        table.add_column("fleet, and why it has this size", ratio=1)
        table.add_column("demand\nbaseline", justify="right", no_wrap=True)
        table.add_column("pools: in service\nof desired", no_wrap=True)
        table.add_column("unserved now\nand of burst", justify="right", no_wrap=True)
        table.add_column("last hour: demand\nand capacity", no_wrap=True)
        for spec in self._specs:
            table.add_row(*self._row(spec, minute.fleets[spec.fleet]))
        return table

    def _row(self, spec: FleetSpec, now: FleetMinute) -> tuple[Text, ...]:
        work = now.work
        missed, burst = self._missed[spec.fleet], self._burst[spec.fleet]
        percent = 100 * missed / burst if burst else 0.0
        past = self._past[spec.fleet]
        top = max(max(pair) for pair in past)
        return (
            Text.assemble((spec.fleet, "bold"), "\n", reason_text(now)),
            Text(f"{work.demand_units:,.0f}\n{usable_baseline_units(spec):,.0f}"),
            Text("\n").join(
                Text.assemble(
                    f"{pool.name:13.13}",
                    (f"{pool.in_service_capacity:>4}", "green" if pool.in_service_capacity else ""),
                    f" of {pool.desired_capacity}",
                )
                for pool in now.pools
            ),
            Text.assemble(
                (f"{work.unserved_units:,.0f}", "red" if work.unserved_units >= 1 else ""),
                f"\n{percent:.2f} %",
            ),
            Text.assemble(
                (sparkline([demand for demand, _ in past], top), "yellow"),
                "\n",
                (sparkline([capacity for _, capacity in past], top), "green"),
            ),
        )


def reason_text(minute: FleetMinute) -> Text:
    """Return why a fleet has its size, in words."""
    if minute.plan is None:
        return Text(minute.error, "red") if minute.error else Text(minute.said, "dim")
    return Text(minute.plan.reason.words, "dim")


def sparkline(values: Sequence[float], top: float, width: int = SPARK_WIDTH) -> str:
    """Return *values* as bars of at most *width* characters, the newest at the right.

    Several values that share a character show the highest of them.

    >>> sparkline([0, 1, 2, 4, 8], top=8, width=5)
    '▁▂▃▅█'
    """
    each = max(1, -(-len(values) // width))
    groups = [values[max(0, end - each) : end] for end in range(len(values), 0, -each)]
    heights = (max(group) / top if top > 0 else 0.0 for group in reversed(groups))
    return "".join(BARS[min(len(BARS) - 1, int(height * len(BARS)))] for height in heights)
