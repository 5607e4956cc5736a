"""The live picture of a replay: a row for each fleet, and the virtual time."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from peakfleet_local.replay import FleetMinute, Minute, Phases, usable_baseline_units
from peakfleet_planner import FleetSpec

BARS = "▁▂▃▄▅▆▇█"
SPARK_MINUTES, SPARK_WIDTH = 60, 15
MOST_FLEETS_WITH_LINES = 5
"""More fleets than this fit 30 lines only without lines between them."""


class Board:
    """What a replay looks like after its newest minute.

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
        """Render it."""
        del console, options
        if self._minute is not None:
            yield Group(self._progress(self._minute), self._table(self._minute))

    def _progress(self, minute: Minute) -> Table:
        ticking = self._phases.warm_up_minutes + self._phases.scored_minutes
        now = datetime.fromtimestamp(minute.start_epoch_seconds, UTC)
        phase = "scored" if minute.scored else "warming up"
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True)
        grid.add_row(
            ProgressBar(total=ticking, completed=self._done),
            Text.assemble(
                (f"{now:%Y-%m-%d %H:%M}", "bold"),
                f" UTC  minute {self._done} of {ticking}, {phase}",
            ),
        )
        return grid

    def _table(self, minute: Minute) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD,
            expand=True,
            show_lines=len(self._specs) <= MOST_FLEETS_WITH_LINES,
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
            Text.assemble((spec.fleet, "bold"), "\n", why(now)),
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


def why(minute: FleetMinute) -> Text:
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
