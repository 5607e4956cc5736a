"""Values that are checked where they are written: numbers, durations, prefixes, options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from aws_cdk import Duration, Token

from peakfleet_planner import SpecError


def known_number(owner: str, field: str, value: float) -> None:
    """Refuse a number that only CloudFormation knows: sizes and paces follow from it at synth."""
    if Token.is_unresolved(value):
        raise SpecError(
            f"{owner}: {field} must be known at synth, got a value that only the deployment "
            f"knows; give a number, for example from the app's context"
        )


def check_prefix(owner: str, prefix: str, *, example: str) -> None:
    """Refuse what cannot begin the keys of a bucket, or stand in a shell script."""
    if Token.is_unresolved(prefix):
        return
    if not prefix or prefix.strip("/") != prefix or "'" in prefix:
        raise SpecError(
            f"{owner}: prefix must be a key without a slash at either end, such as '{example}', "
            f"got {prefix!r}"
        )


def seconds(owner: str, field: str, value: Duration) -> int:
    """Return *value* in whole seconds, refusing one that only CloudFormation knows."""
    return round(exact_seconds(owner, field, value))


def exact_seconds(owner: str, field: str, value: Duration) -> float:
    """Return *value* in seconds, refusing one that only CloudFormation knows."""
    if value.is_unresolved():
        raise SpecError(
            f"{owner}: {field} must be known at synth, got a duration that only the deployment "
            f"knows; give a fixed duration"
        )
    return float(value.to_seconds(integral=False))


class OptionError(SpecError, TypeError):
    """An option that does not exist, or not here: Python's own error, and the library's."""


def check_options(
    owner: str, given: Mapping[str, object], taken: type, *, known: Iterable[str] = ()
) -> None:
    """Refuse options that do not exist, naming the nearest one.

    Args:
        owner: Whose options they are, for messages.
        given: What was given by name.
        taken: The `TypedDict` of options that *owner* takes.
        known: Arguments of its own, which may be meant too.

    Raises:
        OptionError: One of them is not taken.
    """
    options = {*taken.__annotations__, *known}
    for name in given:
        if name not in options:
            near = get_close_matches(name, options, n=1)
            meant = f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(options))}"
            raise OptionError(f"{owner}: there is no option {name}; {meant}")
