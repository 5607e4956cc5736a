"""What a command says when it cannot do what was asked, in one line, and how it then ends."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

FAILED: Final = 1
"""What was asked for could not be done, or was looked at and is not well."""
MISUSED: Final = 2
"""An option or an argument is wrong."""
STOPPED: Final = 130
"""Ended by Ctrl-C."""

_BRIEF: Final = 300
_EXTRAS: Final = {
    **dict.fromkeys(("fastexcel", "matplotlib", "numpy", "plotly", "polars", "scipy"), "sim"),
    **dict.fromkeys(("cheroot", "flask", "moto", "werkzeug"), "local"),
}
"""The extra that brings a module, by the module's name."""
_NO_CREDENTIALS: Final = (
    "no AWS credentials were found: name a profile with --profile or AWS_PROFILE, or sign in, for "
    "example with aws sso login"
)
_EXPIRED: Final = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId")


class CommandError(Exception):
    """What was asked for cannot be done; the message is one line and says the way out."""


class NoAccountError(CommandError):
    """No AWS account is at hand: nobody named a region, or there are no credentials."""


def need(*extras: str) -> None:
    """Refuse at once, and for all extras together, what some of them are missing for.

    Args:
        extras: What the command is about to load.

    Raises:
        CommandError: A module of one of them is not installed.
    """
    missing = [name for name, extra in _EXTRAS.items() if extra in extras and not _there(name)]
    if missing:
        raise CommandError(_needs(tuple(extras), missing))


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _needs(extras: tuple[str, ...], missing: list[str]) -> str:
    named = f"extra{'s' * (len(extras) > 1)} {' and '.join(extras)}"
    verb = "is" if len(missing) == 1 else "are"
    return (
        f"needs the {named}: pip install 'peakfleet[{','.join(extras)}]' "
        f"({', '.join(missing)} {verb} missing)"
    )


def brief(error: Exception) -> str:
    """Return what a library says of an error, without what a server may have sent after it.

    >>> brief(ValueError("An error occurred (500): Traceback of the server" + chr(10) + "  File"))
    'An error occurred (500): Traceback of the server'
    """
    first = str(error).strip().partition("\n")[0]
    return first if len(first) <= _BRIEF else f"{first[:_BRIEF]} ..."


def in_one_line(error: BaseException) -> str | None:
    """Return what to tell of an error that is nobody's bug; None if it may be one.

    Args:
        error: What a command raised.
    """
    text: str | None = None
    match error:
        case CommandError():
            text = str(error)
        case ModuleNotFoundError(name=str(name)) if (module := name.partition(".")[0]) in _EXTRAS:
            text = _needs((_EXTRAS[module],), [module])
        case Exception():
            text = _of_a_library(error)
    return None if text is None else " ".join(text.split())


def _of_a_library(error: Exception) -> str | None:
    # botocore takes a third of a second to load, and most commands that fail have not used it.
    from botocore.exceptions import (  # noqa: PLC0415  see above
        BotoCoreError,
        ClientError,
        NoCredentialsError,
    )

    from peakfleet_chips import PricesError  # noqa: PLC0415  reads its tables
    from peakfleet_demo.options import DemoError  # noqa: PLC0415  belongs to another package
    from peakfleet_planner import SpecError  # noqa: PLC0415  as above

    match error:
        case NoCredentialsError():
            return _NO_CREDENTIALS
        case ClientError(response=response) if response["Error"]["Code"] in _EXPIRED:
            return f"the AWS credentials are not valid any more, sign in again: {brief(error)}"
        case ClientError() | BotoCoreError():
            return f"AWS cannot be asked: {brief(error)}"
        case DemoError() | OSError() | PricesError() | SpecError():
            return str(error)
        case _:
            return None
