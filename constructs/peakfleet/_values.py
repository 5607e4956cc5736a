"""Values that are checked where they are written: numbers, durations, prefixes, options."""

from __future__ import annotations

import re
from collections import abc
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from math import isfinite
from typing import Any, get_args, get_origin, get_type_hints

from aws_cdk import Duration, Token

from peakfleet_planner import SpecError

_LATE_LIST = "#{Token["
"""How a list begins that the CDK knows only at deployment."""
_DUMMY = "dummy-value-for-"
"""What the CDK hands out instead of a value that its command line has not looked up yet."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.=+@-]*", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9 _.:/-]+", re.ASCII)
_MOST_NAME, _MOST_PATH = 64, 180
"""Together with the text around them, what descriptions (256 characters) and tags (256) hold."""


def is_known(text: str) -> bool:
    """Return whether a text is known at synth: no token, and nothing still to be looked up."""
    return not Token.is_unresolved(text) and not is_to_be_looked_up(text)


def is_to_be_looked_up(text: str) -> bool:
    """Return whether a text stands for what the CDK's command line will look up."""
    return text.startswith(_DUMMY)


def known_list(owner: str, field: str, values: Sequence[object]) -> None:
    """Refuse a text in place of a list, and a list that only CloudFormation knows."""
    if isinstance(values, str):
        raise SpecError(f"{owner}: {field} must be a list, got {values!r}")
    if any(isinstance(value, str) and value.startswith(_LATE_LIST) for value in values):
        raise SpecError(
            f"{owner}: {field} must be known at synth, got a list that only the deployment knows; "
            f"give a fixed list, for example from the app's context"
        )


def known_number(owner: str, field: str, value: object) -> None:
    """Refuse what is no number, and one that only CloudFormation knows.

    Sizes and paces follow from it at synth.
    """
    if isinstance(value, float) and not isfinite(value):  # jsii's JSON cannot even ask about it
        raise SpecError(f"{owner}: {field} must be a finite number, got {value:g}")
    if Token.is_unresolved(value):
        raise SpecError(
            f"{owner}: {field} must be known at synth, got a value that only the deployment "
            f"knows; give a number, for example from the app's context"
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{owner}: {field} must be a number, got {value!r}")


def check_name(owner: str, name: object) -> None:
    """Refuse a name that a tag, a shell script, a dimension or a construct id cannot hold."""
    if not isinstance(name, str) or not is_known(name):
        raise SpecError(f"{owner}: name must be known at synth, got {name!r}; give a fixed name")
    if not _NAME.fullmatch(name) or len(name) > _MOST_NAME:
        raise SpecError(
            f"{owner}: name must begin with a letter or digit and have at most {_MOST_NAME} "
            f"letters, digits, spaces and _ . = + @ -, got {name!r}"
        )


def check_path(path: str) -> None:
    """Refuse the name of a fleet that tags, namespaces or descriptions of AWS cannot hold."""
    if wrong := sorted({character for character in path if not _PATH.fullmatch(character)}):
        raise SpecError(
            f"the name of a fleet, its construct path {path!r}, goes into tags and metric "
            f"namespaces, which hold letters, digits, spaces and _ . : / -; rename the construct "
            f"without {' '.join(wrong)}"
        )
    if len(path) > _MOST_PATH:
        raise SpecError(
            f"the name of a fleet, its construct path {path!r}, has at most {_MOST_PATH} "
            f"characters, got {len(path)}; shorten the ids of its constructs"
        )


def check_prefix(owner: str, prefix: str, *, example: str) -> None:
    """Refuse what cannot begin the keys of a bucket, or stand in a shell script."""
    if not is_known(prefix):
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
    if not isinstance(value, Duration):
        raise SpecError(
            f"{owner}: {field} must be a Duration, such as Duration.minutes({_plain(value)}), "
            f"got {value!r}"
        )
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
    """Refuse options that do not exist, naming the nearest one, or that are of another kind.

    Args:
        owner: Whose options they are, for messages.
        given: What was given by name.
        taken: The `TypedDict` of options that *owner* takes.
        known: Arguments of its own, which may be meant too.

    Raises:
        OptionError: One of them is not taken.
    """
    hints = _hints(taken)
    options = {*hints, *known}
    for name, value in given.items():
        if name not in options:
            near = get_close_matches(name, options, n=1)
            meant = f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(options))}"
            raise OptionError(f"{owner}: there is no option {name}; {meant}")
        if name in hints:
            check_kind(owner, name, value, hints[name])


@cache
def _hints(taken: type) -> dict[str, Any]:
    return get_type_hints(taken)


def check_kind(owner: str, name: str, value: object, hint: Any) -> None:  # noqa: ANN401  a type
    """Refuse a value of another kind than its annotation says, as far as Python can tell."""
    if get_origin(hint) is abc.Sequence:
        (element,) = get_args(hint)
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise OptionError(f"{owner}: {name} must be a list, got {value!r}")
        for one in value:
            check_kind(owner, name, one, element)
        return
    kinds = get_args(hint) or (hint,)
    plain = [kind for kind in kinds if isinstance(kind, type)]
    numbers = {int, float} & set(plain)
    if (
        len(plain) < len(kinds)  # also a mapping, say
        or any(getattr(kind, "_is_protocol", False) for kind in plain)  # an interface of the CDK
        or isinstance(value, tuple(plain))
        or (numbers and isinstance(value, int | float))
        or (isinstance(value, Mapping) and any(hasattr(kind, "__jsii_type__") for kind in plain))
    ):
        return
    wanted = [kind for kind in plain if kind is not type(None)]
    ways = [
        f"{kind.__name__}.{way}"
        for kind in wanted
        for way, made in vars(kind).items()
        if isinstance(made, classmethod) and not way.startswith("_")
    ]
    raise OptionError(
        f"{owner}: {name} must be a {' or '.join(kind.__name__ for kind in wanted)}, got {value!r}"
        + f"; use {', '.join(ways)}" * bool(ways)
    )


def _plain(value: object) -> object:
    return value if isinstance(value, int | float) else 15
