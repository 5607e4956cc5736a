"""Times as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import typer

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def parse_time(text: str, *, option: str) -> datetime:
    """Return the moment that *text* names; without an offset it is UTC.

    Args:
        text: What the user wrote.
        option: Where, for the message.

    >>> parse_time("1998-06-30 15:59", option="--from").isoformat()
    '1998-06-30T15:59:00+00:00'

    Raises:
        typer.BadParameter: The text is no ISO 8601 time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no time; write it as 2026-03-22T19:00Z (UTC unless it has an offset)",
            param_hint=option,
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_since(text: str, *, now: datetime, option: str) -> datetime:
    """Return the moment that *text* names: a time, or how long before *now*.

    Args:
        text: What the user wrote.
        now: The present.
        option: Where it was written, for the message.

    >>> parse_since("30m", option="--at", now=datetime(2026, 3, 22, 19, tzinfo=UTC)).isoformat()
    '2026-03-22T18:30:00+00:00'

    Raises:
        typer.BadParameter: The text is neither, or the moment is after *now*.
    """
    moment = _moment(text, now=now, option=option, sign=-1)
    if moment > now:
        raise typer.BadParameter(
            f"{text!r} is after now ({in_words(now)}); write an earlier time, or 30m, 2h, 1d",
            param_hint=option,
        )
    return moment


def parse_until(text: str, *, now: datetime, option: str) -> datetime:
    """Return the moment that *text* names: a time, or how long from *now*.

    Args:
        text: What the user wrote.
        now: The present.
        option: Where it was written, for the message.

    >>> parse_until("2h", option="--until", now=datetime(2026, 3, 22, 19, tzinfo=UTC)).isoformat()
    '2026-03-22T21:00:00+00:00'

    Raises:
        typer.BadParameter: The text is neither, or the moment is not after *now*.
    """
    moment = _moment(text, now=now, option=option, sign=1)
    if moment <= now:
        raise typer.BadParameter(
            f"{text!r} is not after now ({in_words(now)}); write a later time, or 30m, 2h, 1d",
            param_hint=option,
        )
    return moment


def _moment(text: str, *, now: datetime, option: str, sign: int) -> datetime:
    if match := _DURATION.fullmatch(text.strip()):
        return now + sign * timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    try:
        return parse_time(text, option=option)
    except typer.BadParameter as error:
        raise typer.BadParameter(
            f"{text!r} is neither a length such as 30m, 2h or 1d, nor a time such as "
            f"2026-03-22T19:00Z (UTC unless it has an offset)",
            param_hint=option,
        ) from error


def in_words(moment: datetime) -> str:
    """Return *moment* as all commands print it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
