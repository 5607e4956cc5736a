"""Times as exports write them, brought to UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_letters
from typing import Final

import numpy as np
import polars as pl

from peakfleet_sim.demand.demand import DemandError
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.zones import SECOND, Times, Where, localized

_MOST_FORMATS: Final = 20
_EPOCHS: Final = {"epoch-s": 1.0, "epoch-ms": 1e3, "epoch-us": 1e6, "epoch-ns": 1e9}
_EARLIEST: Final = 946_684_800.0
_LATEST: Final = 4_102_444_800.0
"""Epoch times lie between the years 2000 and 2100."""
_NUMBER: Final = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")
_TIME: Final = re.compile(
    r"""
    (?P<weekday>[A-Za-z]{3,9},?[ ]+)?
    (?: (?P<year>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})
      | (?P<compact>(?:19|20)\d{6})(?=[T ]?\d{4}|$|T)
      | (?P<one>\d{1,2})(?P<t>[-/.])(?P<two>\d{1,2})(?P=t)(?P<end>\d{4}|\d{2})
      | (?P<day>\d{1,2})(?P<u>[- ])(?P<month>[A-Za-z]{3,9})(?P=u)(?P<y2>\d{4})
      | (?P<name>[A-Za-z]{3,9})[ ](?P<d2>\d{1,2})(?P<comma>,?)[ ](?P<y3>\d{4})
    )
    (?: (?P<sep>[ ]@[ ]|[T ,]*)
        (?P<h>\d{1,2})(?P<c>:?)\d{2}(?P<sec>(?P=c)\d{2}(?P<frac>\.\d+)?)?
        (?: (?P<gap>[ \u202f]?)(?P<half>[AaPp]\.?[Mm]\.?))?
        (?P<zs>[ ]?)(?P<zone>Z|UTC|GMT|[-+]\d{2}(?::?\d{2})?)?
    )?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFormat:
    """How a time is written.

    Args:
        pattern: For `strptime`, as polars reads it.
        zoned: Whether it names its zone.
        whole_days: Whether it is a date without a time of day.
        ambiguous: Whether day and month could be exchanged.
    """

    pattern: str
    zoned: bool = False
    whole_days: bool = False
    ambiguous: bool = False


def looks_like_time(text: str) -> bool:
    """Return whether a cell may hold a time.

    >>> [looks_like_time(cell) for cell in ("2026-03-10 00:00", "1773100800000", "33952")]
    [True, True, False]
    """
    return format_of(text) is not None or epoch_unit(text) is not None


def epoch_unit(text: str) -> str | None:
    """Return the unit of an epoch time; None if it is none between the years 2000 and 2100.

    >>> epoch_unit("1773100800000")
    'epoch-ms'
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return next(
        (unit for unit, scale in _EPOCHS.items() if _EARLIEST <= number / scale < _LATEST), None
    )


def format_of(text: str) -> TimeFormat | None:
    """Return how *text* writes a time; None if it is none.

    >>> format_of("2026/03/10 00:00:00").pattern
    '%Y/%m/%d %H:%M:%S'
    """
    text = text.strip()
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    part = found.groupdict()
    date = _date_of(part)
    ambiguous = part["t"] in ("/", "-")
    if part["h"] is None:
        return TimeFormat(pattern=date, whole_days=True, ambiguous=ambiguous)
    clock = ("%I" if part["half"] else "%H") + part["c"] + "%M"
    if part["sec"]:
        clock += f"{part['c']}%S" + ("%.f" if part["frac"] else "")
    if part["half"]:
        clock += f"{part['gap']}%p"
    zone = part["zone"] or ""
    written = "%#z" if zone[:1] in ("+", "-") and zone else zone
    return TimeFormat(
        pattern=f"{date}{part['sep']}{clock}{part['zs']}{written}",
        zoned=bool(zone),
        ambiguous=ambiguous,
    )


def _date_of(part: Mapping[str, str | None]) -> str:
    """Return how the date of a time is written."""
    weekday = part["weekday"]
    before = f"%A{weekday.lstrip(ascii_letters)}" if weekday else ""
    if part["s"]:
        return before + part["s"].join(("%Y", "%m", "%d"))
    if part["compact"]:
        return "%Y%m%d"
    if part["t"]:
        year = "%Y" if len(part["end"] or "") > len("26") else "%y"
        return before + part["t"].join(("%d", "%m", year))
    if part["u"]:
        return before + part["u"].join(("%d", "%B", "%Y"))
    return f"{before}%B %d{part['comma']} %Y"


def read_times(column: pl.Series, options: ReadOptions, *, where: Where) -> Times:
    """Return the times of *column*, in the order of its rows.

    Args:
        column: Text, numbers or times; no cell is missing.
        options: `time_format` and `timezone`.
        where: Names a row.

    Raises:
        DemandError: A cell is no time, or the times could be of several zones or formats.
    """
    read = _read(column, options, where)
    wrong = np.flatnonzero((read.utc < 0) | (read.utc > _LATEST * SECOND))
    if len(wrong):
        row = int(wrong[0])
        raise DemandError(
            f"column '{column.name}', {where(row)}: {column[row]} is no time between 1970 and "
            "2100; mend the row, or say --time-column or --time-format"
        )
    return read


def _read(column: pl.Series, options: ReadOptions, where: Where) -> Times:
    name = column.name
    if column.dtype in (pl.Datetime, pl.Date):
        return _of_typed(column, options, where)
    text = column.cast(pl.String)
    if text.str.ends_with(" ").any() or text.str.starts_with(" ").any():
        text = text.str.strip_chars()
    asked = options.time_format
    if asked in _EPOCHS:
        return _of_epochs(text, asked, where)
    first = str(text[0])
    if asked is None and format_of(first) is None and (unit := epoch_unit(first)):
        return _of_epochs(text, unit, where)
    if asked is not None:
        zoned = "%z" in asked or "%Z" in asked or asked.endswith("Z")
        days = not any(code in asked for code in ("%H", "%I", "%T", "%R", "%s", "%c"))
        formats = [TimeFormat(pattern=asked, zoned=zoned, whole_days=days)]
        parsed = _parsed(text, formats[0])
        _refuse_unread(parsed, text, f"is not written as --time-format {asked!r}", where)
    else:
        parsed, formats = _by_formats(text, where)
    utc = parsed.to_physical().to_numpy()
    if all(one.zoned for one in formats):
        note = ""
        if options.timezone:
            note = f"the times of '{name}' name their own zone, so --timezone changes nothing"
        return Times(utc=utc, note=note)
    if any(one.zoned for one in formats):
        row = int(np.flatnonzero(_parsed(text, formats[0]).is_null().to_numpy())[0])
        raise DemandError(
            f"column '{name}', {where(row)}: some times name a zone and others do not, got "
            f"{text[row]!r} after {first!r}; write all of them in one way"
        )
    return localized(parsed, options, where, whole_days=all(one.whole_days for one in formats))


def _of_typed(column: pl.Series, options: ReadOptions, where: Where) -> Times:
    zoned = column.dtype == pl.Datetime and getattr(column.dtype, "time_zone", None) is not None
    times = column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None)))
    if zoned:
        return Times(utc=times.dt.convert_time_zone("UTC").to_physical().to_numpy())
    return localized(times, options, where, whole_days=column.dtype == pl.Date)


def _of_epochs(text: pl.Series, unit: str, where: Where) -> Times:
    numbers = text.cast(pl.Float64, strict=False)
    _refuse_unread(numbers, text, f"is no number as the others, which are {unit}", where)
    seconds = np.nan_to_num(numbers.to_numpy() / _EPOCHS[unit], nan=-1).clip(-1, 2 * _LATEST)
    return Times(utc=np.round(seconds * SECOND).astype(np.int64))


def _refuse_unread(read: pl.Series, text: pl.Series, why: str, where: Where) -> None:
    missing = np.flatnonzero(read.is_null().to_numpy())
    if len(missing):
        row = int(missing[0])
        raise DemandError(
            f"column '{text.name}', {where(row)}: {text[row]!r} {why}; mend the row, or say "
            "--time-column or --time-format"
        )


def _parsed(text: pl.Series, form: TimeFormat) -> pl.Series:
    """Return the times that are written so, as naive times or in UTC; others are missing."""
    try:
        if form.whole_days:
            return text.str.to_date(form.pattern, strict=False).cast(pl.Datetime("us"))
        times = text.str.to_datetime(form.pattern, strict=False, time_unit="us")
    except pl.exceptions.PolarsError as error:
        raise DemandError(
            f"--time-format {form.pattern!r} is no format of times: write it like "
            f"'%d/%m/%Y %H:%M:%S', or epoch-s, epoch-ms, epoch-us, epoch-ns"
        ) from error
    return times.dt.replace_time_zone(None)


def _by_formats(text: pl.Series, where: Where) -> tuple[pl.Series, list[TimeFormat]]:
    """Return all times, in as many formats as there are."""
    parsed: pl.Series | None = None
    formats: list[TimeFormat] = []
    while True:
        row = 0 if parsed is None else int(np.argmax(parsed.is_null().to_numpy()))
        form = format_of(str(text[row]))
        if form is not None and form.ambiguous:
            form = _day_or_month_first(text, form, str(text[row]))
        if form is None or form in formats or len(formats) == _MOST_FORMATS:
            raise DemandError(
                f"column '{text.name}', {where(row)}: {text[row]!r} is no time; mend the row, or "
                "say --time-column or --time-format"
            )
        formats.append(form)
        read = _parsed(text, form)
        parsed = read if parsed is None else parsed.fill_null(read)
        if not parsed.null_count():
            return parsed, formats


def _day_or_month_first(text: pl.Series, form: TimeFormat, example: str) -> TimeFormat:
    """Return the order that the numbers of the whole column allow."""
    numbers = [
        text.str.extract(pattern, 1).cast(pl.Int64, strict=False).max() or 0
        for pattern in (r"^\D*(\d{1,2})\D", r"^\D*\d{1,2}\D(\d{1,2})\D")
    ]
    month_first = form.pattern.replace("%d", "%?").replace("%m", "%d").replace("%?", "%m")
    most_months = 12
    if int(str(numbers[0])) > most_months:
        pattern = form.pattern
    elif int(str(numbers[1])) > most_months:
        pattern = month_first
    else:
        raise DemandError(
            f"column '{text.name}': {example!r} may begin with the month or the day; say "
            f"--time-format '{month_first}' or '{form.pattern}'"
        )
    return TimeFormat(pattern=pattern, zoned=form.zoned, whole_days=form.whole_days)
