from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from peakfleet_demo.demo import Board, LiveScreen, PlainScreen, screen_for, sparkline
from tests.cli.replayed import FLEETS, LIVE, night


def plain_console() -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(file=written, width=60), written


def board_lines(*, width: int = 100, height: int = 30, minutes: int = 180) -> list[str]:
    """Return the board after some minutes, as a terminal of that size shows it."""
    peak, replayed = night()
    board = Board(specs=FLEETS, title=peak.title, phases=peak.phases)
    for minute in replayed[:minutes]:
        board.show(minute)
    console = Console(width=width, height=height)
    with console.capture() as captured:
        console.print(board)
    return captured.get().splitlines()


def test_a_pipe_gets_plain_lines_and_a_terminal_the_board() -> None:
    assert isinstance(screen_for(Console(file=io.StringIO())), PlainScreen)
    assert isinstance(screen_for(Console(force_terminal=True)), LiveScreen)


def test_plain_lines_are_few_and_never_redrawn() -> None:
    peak, minutes = night()
    console, written = plain_console()

    screen = PlainScreen(console)
    with screen.step("Deploy") as say:
        for _ in range(1000):
            say("a line of the log")
    with screen.replaying(specs=FLEETS, title=peak.title, phases=peak.phases) as show:
        for minute in minutes:
            show(minute)

    lines = written.getvalue().splitlines()
    assert lines[0] == "Deploy ..."
    assert lines[1].startswith("Deploy: done in ")
    assert len(lines) == 3 + len(FLEETS) * (len(minutes) // 30)
    assert "\x1b" not in written.getvalue()
    assert "\r" not in written.getvalue()


def test_a_plain_line_says_size_and_reason() -> None:
    peak, minutes = night()
    console, written = plain_console()

    with PlainScreen(console).replaying(specs=[LIVE], title="t", phases=peak.phases) as show:
        for minute in minutes[:180]:
            show(minute)

    last = written.getvalue().splitlines()[-1]
    pool = minutes[179].fleets[LIVE.fleet].pools[0]
    assert f"Graviton {pool.in_service_capacity} of {pool.desired_capacity}" in last
    plan = minutes[179].fleets[LIVE.fleet].plan
    assert plan is not None
    assert last.endswith(plan.reason.words)


def test_the_board_shows_every_fleet_within_a_small_terminal() -> None:
    lines = board_lines()

    assert len(lines) < 30
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    for words in ("Media/Live", "Media/Transcode", "GravitonSpot", "X86", "minute 180 of 210"):
        assert words in text


def test_the_board_says_whether_the_minute_counts() -> None:
    assert any("warming up" in line for line in board_lines(minutes=3))
    assert any("scored" in line for line in board_lines(minutes=180))


def test_the_board_shows_how_a_handler_failed() -> None:
    peak, minutes = night()
    fleet = replace(minutes[0].fleets[LIVE.fleet], plan=None, error="no permission")
    board = Board(specs=[LIVE], title="t", phases=peak.phases)
    board.show(replace(minutes[0], fleets={LIVE.fleet: fleet}))
    console = Console(width=100)

    with console.capture() as captured:
        console.print(board)

    assert "no permission" in captured.get()


@pytest.mark.parametrize(
    ("values", "bars"),
    [([], ""), ([0.0], "▁"), ([8.0], "█"), ([0, 4, 8, 2, 2], "▁▅█▃▃"), ([0] * 9 + [8], "▁▁▁▁█")],
)
def test_a_sparkline_keeps_the_highest_of_what_shares_a_character(
    values: list[float], bars: str
) -> None:
    assert sparkline(values, top=8, width=5) == bars


def test_a_sparkline_of_nothing_is_flat() -> None:
    assert sparkline([0.0, 0.0], top=0.0) == "▁▁"
