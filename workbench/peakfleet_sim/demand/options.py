"""What the user says about a recording that its file does not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from peakfleet_sim.demand.demand import DemandError

Per = Literal["second", "minute", "step"]
Fill = Literal["hold", "linear", "zero"]

_PER: Final = ("second", "minute", "step")
_FILL: Final = ("hold", "linear", "zero")
_DECIMAL: Final = (".", ",")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a recording is read where its file leaves a choice.

    Args:
        time_column: Column of the times. Default: the one that holds times.
        value_column: Column of the demand, or the series of a long table. Default: the only one.
        timezone: IANA zone of times that name none. Default: UTC, unless they look local.
        time_format: How times are written, as in `strptime`; or `epoch-s`, `epoch-ms`, `epoch-us`,
            `epoch-ns`. Default: found out.
        decimal: Decimal sign, `.` or `,`. Default: found out.
        per: The values are sums over their step; they become units per second or per minute.
            `step` takes them as they are, also where they look like a counter. Default: as they
            are.
        fill: What stands for missing rows: the value before, a straight line, or zero. Default:
            the value before, for at most 5 % of the steps.
        rate: The values are a counter: its increase becomes units per minute, or those of `per`.
            Default: they are not.

    Raises:
        DemandError: A choice is none of those allowed.
    """

    time_column: str | None = None
    value_column: str | None = None
    timezone: str | None = None
    time_format: str | None = None
    decimal: str | None = None
    per: Per | None = None
    fill: Fill | None = None
    rate: bool = False

    def __post_init__(self) -> None:
        """Refuse what is none of the choices."""
        for name, allowed in (("per", _PER), ("fill", _FILL), ("decimal", _DECIMAL)):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise DemandError(f"--{name} must be one of {' '.join(allowed)}, got {value!r}")
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise DemandError(
                    f"--timezone {self.timezone!r} is not known; write it as Europe/Berlin, "
                    "America/New_York or UTC"
                ) from error
