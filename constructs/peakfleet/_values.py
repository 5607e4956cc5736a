"""Values that are checked where they are written: numbers, durations, prefixes, options."""

from __future__ import annotations

import re
from collections import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from math import isfinite
from typing import Any, get_args, get_origin, get_type_hints

from aws_cdk import Duration, IResource, Stack, Token

from peakfleet_planner import SpecError

_LATE_TEXT, _LATE_LIST = "${Token[", "#{Token["
"""How what the CDK knows only at deployment stands in a text, and how a list of it begins."""
_LATE_NUMBER = 1e100
"""Beyond this the CDK keeps numbers that it knows only at deployment."""
_DUMMY = "dummy-value-for-"
"""What the CDK hands out instead of a value that its command line has not looked up yet."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.=+@-]*", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9 _.:/-]+", re.ASCII)
_PLAIN = (str, bytes, int, float, list, tuple, set, dict)
_MOST_NAME, _MOST_PATH = 64, 180
"""Together with the text around them, what descriptions (256 characters) and tags (256) hold."""


def is_known(text: str) -> bool:
    """Return whether a text is known at synth: no token, and nothing still to be looked up."""
    return not is_late(text) and not is_to_be_looked_up(text)


def is_late(text: str) -> bool:
    """Return whether only the deployment knows a text; the CDK's process is asked if need be."""
    return _LATE_TEXT in text and _is_token(text)


@lru_cache(maxsize=1024)  # a stack's region and account are asked about for each of its fleets
def _is_token(text: str) -> bool:
    return Token.is_unresolved(text)


def is_to_be_looked_up(text: str) -> bool:
    """Return whether a text stands for what the CDK's command line will look up."""
    return text.startswith(_DUMMY)


def is_elsewhere(place: str | None, here: str) -> bool:
    """Return whether an account or region is known to be another one; None is here."""
    return place is not None and place != here and is_known(place) and is_known(here)


def check_own(owner: str, used: IResource, stack: Stack, *, otherwise: str) -> None:
    """Refuse a resource that is known to be of another account or region than *stack*."""
    for what, place, here in (
        ("account", used.env.account, stack.account),
        ("region", used.env.region, stack.region),
    ):
        if is_elsewhere(place, here):
            raise SpecError(
                f"{owner}: {used.node.path} is of {what} {place}, but the fleet is in {here}; "
                f"define the fleet there, or {otherwise}"
            )


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
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, int | float) and is_number:
        if not isfinite(value):  # asking the CDK about it would end its process
            raise SpecError(f"{owner}: {field} must be a finite number, got {value!r}")
        if abs(value) < _LATE_NUMBER:
            return
    if Token.is_unresolved(value):
        raise SpecError(
            f"{owner}: {field} must be known at synth, got a value that only the deployment "
            f"knows; give a number, for example from the app's context"
        )
    if not is_number:
        raise SpecError(f"{owner}: {field} must be a number, got {value!r}")


def known_count(owner: str, field: str, value: object) -> None:
    """Refuse what is no whole number, and one that only CloudFormation knows."""
    known_number(owner, field, value)
    if not isinstance(value, int):
        raise SpecError(f"{owner}: {field} must be a whole number, got {value!r}")


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
    known = _seconds_of(value)
    if known is None:
        raise SpecError(
            f"{owner}: {field} must be known at synth, got a duration that only the deployment "
            f"knows; give a fixed duration"
        )
    return known


@lru_cache(maxsize=1024)  # pools are asked for their boot again and again, in another process
def _seconds_of(value: Duration) -> float | None:
    return None if value.is_unresolved() else float(value.to_seconds(integral=False))


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
    hints = hints_of(taken)
    options = {*hints, *known}
    for name, value in given.items():
        if name not in options:
            near = get_close_matches(name, options, n=1)
            meant = f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(options))}"
            raise OptionError(f"{owner}: there is no option {name}; {meant}")
        if name in hints:
            check_kind(owner, name, value, hints[name])


@cache
def hints_of(taken: Callable[..., object]) -> dict[str, Any]:
    """Return the types that a class or function says, by name."""
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
    interfaces = [kind for kind in plain if getattr(kind, "_is_protocol", False)]
    if (
        len(plain) < len(kinds)  # also a mapping, say
        # An interface of the CDK tells nothing of what implements it, but no plain value does.
        or (interfaces and not isinstance(value, (*_PLAIN, type(None))))
        or isinstance(value, tuple(kind for kind in plain if kind not in interfaces))
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
        f"{owner}: {name} must be {_either(wanted)}, got {value!r}"
        + f"; use {', '.join(ways)}" * bool(ways)
    )


def _either(kinds: Sequence[type]) -> str:
    """Return kinds of values in words, such as "an IVpc or a str"."""
    names = [kind.__name__ for kind in kinds]
    return " or ".join(f"{'an' if name[0] in 'AEIOU' else 'a'} {name}" for name in names)


def _plain(value: object) -> object:
    return value if isinstance(value, int | float) else 15
