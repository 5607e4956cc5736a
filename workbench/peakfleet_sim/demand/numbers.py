"""Numbers as exports write them."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import polars as pl

from peakfleet_sim.demand.demand import DemandError, Floats
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.zones import Where

_MISSING: Final = frozenset(
    {"", "-", "--", "\N{EN DASH}", "\N{EM DASH}", "null", "none", "nan", "n/a", "na", "#n/a", "nil",
     "undefined", "no data", "\\n", "."}
)  # fmt: skip
_NUMBER: Final = re.compile(
    r"[-+]?(\d[\d.,' \u00a0\u202f\u2019]*|[.,]\d+)([eE][-+]?\d+)?\s*(%|[A-Za-z\u00b5/]{1,12})?"
    r"|[-+]?(inf|infinity)",
    re.IGNORECASE,
)
_GROUPED: Final = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_SPACED: Final = re.compile(r"[-+]?\d{1,3}([ '\u00a0\u202f\u2019]\d{3})+([.,]\d+)?")
_COMMA: Final = re.compile(r"[-+]?(\d*|\d{1,3}(\.\d{3})+),\d+([eE][-+]?\d+)?")
_UNITS: Final = re.compile(r"[-+\d.,' ]+([A-Za-z\u00b5/][A-Za-z\u00b5/ ]*)")
_LEAST_GROUPED: Final = 1000


def looks_like_number(text: str) -> bool:
    """Return whether a cell may hold a number, in whatever notation.

    >>> [looks_like_number(cell) for cell in ("1.234,5", "12 %", "web-1")]
    [True, True, False]
    """
    return _NUMBER.fullmatch(text) is not None


def read_numbers(column: pl.Series, options: ReadOptions, *, where: Where) -> tuple[Floats, str]:
    """Return the numbers of *column*, and what was assumed; what is missing is NaN.

    Args:
        column: Numbers, or text in one notation.
        options: `decimal`.
        where: Names a row.

    Raises:
        DemandError: A cell is no number, below zero or infinite, or the notation is ambiguous.
    """
    note = ""
    if column.dtype.is_numeric():
        read = column.cast(pl.Float64)
    else:
        read, note = _from_text(column.cast(pl.String), options, where)
    numbers: Floats = read.fill_null(float("nan")).to_numpy().copy()
    for wrong, why in (
        (np.isinf(numbers), "is infinite"),
        (numbers < 0, "is below 0, which demand cannot be"),
    ):
        rows = np.flatnonzero(wrong)
        if len(rows):
            row = int(rows[0])
            raise DemandError(
                f"column '{column.name}', {where(row)}: {column[row]} {why}; mend the row, or "
                "leave the cell empty for a missing value"
            )
    return numbers, note


def _from_text(column: pl.Series, options: ReadOptions, where: Where) -> tuple[pl.Series, str]:
    read = column.cast(pl.Float64, strict=False)
    if options.decimal is None and read.null_count() == column.null_count():
        return read, ""
    text = column.str.strip_chars()
    if options.decimal is not None:
        return _notation(text, options.decimal, where), ""
    read = text.cast(pl.Float64, strict=False)
    unread = read.is_null() & text.is_not_null() & (text != "")
    if not unread.any():
        return read, ""
    odd = text.filter(unread & ~text.str.to_lowercase().is_in(list(_MISSING)))
    cells = [str(cell) for cell in odd.unique(maintain_order=True).to_list()]
    if not cells:
        return read, ""
    plain = text.filter(~unread).drop_nulls()
    sign = _decimal(column.name, cells, plain, text, where)
    note = f"{cells[0]!r} is read with the decimal sign {sign!r}"
    return _notation(text, sign, where), note


def _decimal(name: str, cells: list[str], plain: pl.Series, text: pl.Series, where: Where) -> str:
    """Return the decimal sign of a column in which some cells are no plain numbers."""
    spaced = all(map(_SPACED.fullmatch, cells))
    if spaced:
        return "," if any("," in cell for cell in cells) else "."
    grouped, comma = all(map(_GROUPED.fullmatch, cells)), all(map(_COMMA.fullmatch, cells))
    if grouped and comma:
        whole = not plain.str.contains(r"[.eE]").any()
        numbers = plain.cast(pl.Float64, strict=False).drop_nulls()
        below = len(numbers) > 0 and float(str(numbers.max())) < _LEAST_GROUPED
        if whole and below and not any(cell.startswith("0,") for cell in cells):
            return "."
        raise DemandError(
            f"column '{name}': {cells[0]!r} may be {cells[0].replace(',', '')} or "
            f"{cells[0].replace(',', '.')}; say --decimal . where the comma groups thousands, "
            "--decimal , where it is the decimal sign"
        )
    if grouped:
        return "."
    points = plain.filter(plain.str.contains(".", literal=True))
    if comma and points.str.contains(r"^[-+]?\d{1,3}(\.\d{3})+$").all():
        return ","
    row = int(text.is_in(cells).fill_null(value=False).to_numpy().argmax())
    cell = str(text[row])
    if cell.endswith("%"):
        raise DemandError(
            f"column '{name}', {where(row)}: {cell!r} is a percentage, but demand is in units; "
            "export the metric in units, or remove the % if 1 % is your unit"
        )
    if unit := _UNITS.fullmatch(cell):
        raise DemandError(
            f"column '{name}', {where(row)}: {cell!r} has the unit {unit[1]!r}; export plain "
            "numbers, without units"
        )
    raise DemandError(
        f"column '{name}', {where(row)}: {cell!r} is no number; mend the row, leave the cell empty "
        "for a missing value, or name another column by --value-column"
    )


def _notation(text: pl.Series, decimal: str, where: Where) -> pl.Series:
    """Return numbers with that decimal sign; the other sign groups thousands."""
    other = "." if decimal == "," else ","
    plain = text.str.replace_all(rf"[ '\u00a0\u202f\u2019{other}]", "")
    read = plain.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    unread = read.is_null() & text.is_not_null() & ~text.str.to_lowercase().is_in(list(_MISSING))
    rows = np.flatnonzero(unread.to_numpy())
    if len(rows):
        row = int(rows[0])
        raise DemandError(
            f"column '{text.name}', {where(row)}: {text[row]!r} is no number with the decimal sign "
            f"{decimal!r}; mend the row, or say --decimal"
        )
    return read
