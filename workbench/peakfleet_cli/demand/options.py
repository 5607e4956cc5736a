"""What is said of a recording on the command line, the same for every command that reads one."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from peakfleet_cli.errors import CommandError

if TYPE_CHECKING:
    from peakfleet_sim import ReadOptions

_RECORDING = "Recording"

ABOUT = (
    "Recorded demand, in units: CSV, JSON, xlsx or Parquet as monitoring exports it, plain or "
    "packed; - is standard input."
)


class ReadOptionsError(CommandError):
    """An option of a recording is none of those allowed; the message says which are."""


class Per(StrEnum):
    """What values that are sums are brought to."""

    SECOND = "second"
    MINUTE = "minute"
    STEP = "step"


class Fill(StrEnum):
    """What stands for missing rows."""

    HOLD = "hold"
    LINEAR = "linear"
    ZERO = "zero"


TimeColumn = Annotated[
    str | None,
    typer.Option(
        "--time-column",
        help="Column of the times. Default: the one that holds times.",
        rich_help_panel=_RECORDING,
    ),
]
ValueColumn = Annotated[
    str | None,
    typer.Option(
        "--value-column",
        help="Column of the demand, or series of a long table. Default: the only one.",
        rich_help_panel=_RECORDING,
    ),
]
Timezone = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        help="Zone of times that name none, as Europe/Berlin. Default: UTC.",
        rich_help_panel=_RECORDING,
    ),
]
TimeFormat = Annotated[
    str | None,
    typer.Option(
        "--time-format",
        help="How times are written, as %d/%m/%Y %H:%M, or epoch-s, epoch-ms, epoch-us, epoch-ns.",
        rich_help_panel=_RECORDING,
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        "--decimal",
        metavar="SIGN",
        help="Decimal sign, . or , where numbers leave it open.",
        rich_help_panel=_RECORDING,
    ),
]
PerStep = Annotated[
    Per | None,
    typer.Option(
        "--per",
        help="Values are sums over their step: make them units per second or minute. step: take "
        "them as they are.",
        rich_help_panel=_RECORDING,
    ),
]
FillGaps = Annotated[
    Fill | None,
    typer.Option(
        "--fill",
        help="What stands for missing rows: the value before, a straight line, or zero. Default: "
        "hold, for at most 5 % of the steps.",
        rich_help_panel=_RECORDING,
    ),
]
Rate = Annotated[
    bool,
    typer.Option(
        "--rate",
        help="Values are a counter: take its increase, per minute or as --per says.",
        rich_help_panel=_RECORDING,
    ),
]


def read_options(
    *,
    time_column: str | None,
    value_column: str | None,
    timezone: str | None,
    time_format: str | None,
    decimal: str | None,
    per: Per | None,
    fill: Fill | None,
    rate: bool,
) -> ReadOptions:
    """Return what was said of a recording.

    Raises:
        ReadOptionsError: A choice is none of those allowed.
    """
    # Loads scipy, which --help need not wait for.
    from peakfleet_sim import DemandError, ReadOptions  # noqa: PLC0415  see above

    try:
        return ReadOptions(
            time_column=time_column,
            value_column=value_column,
            timezone=timezone,
            time_format=time_format,
            decimal=decimal,
            per=None if per is None else per.value,
            fill=None if fill is None else fill.value,
            rate=rate,
        )
    except DemandError as error:
        raise ReadOptionsError(str(error)) from error
