"""DynamoDB's forms of attributes: how each kind of value is written, and read back strictly.

A value that has not the form that was declared is refused with its path and what was found there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any, Final, Generic, TypeVar

from peakfleet_planner.codec import MOST_QUANTITY

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

Item = dict[str, Any]
"""DynamoDB's attribute form: attribute name to `{"S": ...}`, `{"N": ...}` and so on."""
SHOWN_LENGTH = 60


class DamagedRecordError(ValueError):
    """A record is not what its kind declares; the message names the record and the attribute."""


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """How a value is kept.

    Args:
        write: Returns the attribute of a value.
        read: Returns the value of an attribute. The second argument is where that stands, for
            the message of a `DamagedRecordError`.
    """

    write: Callable[[T], Any]
    read: Callable[[Any, str], T]


def damaged(path: str, wanted: str, found: object) -> DamagedRecordError:
    """Return the refusal of what stands at *path*.

    >>> str(damaged("OUTAGE#Spot: attempts", "a number", {"S": "x"}))
    "OUTAGE#Spot: attempts must be a number, got 'x'"
    """
    if isinstance(found, Mapping) and len(found) == 1:
        (found,) = found.values()
    return DamagedRecordError(f"{path} must be {wanted}, got {found!r:.{SHOWN_LENGTH}}")


def _content(attribute: Any, kind: str, python: Any, path: str, wanted: str) -> Any:  # noqa: ANN401  DynamoDB's own
    found = attribute.get(kind) if isinstance(attribute, Mapping) else None
    if not isinstance(found, python):
        raise damaged(path, wanted, attribute)
    return found


def _read_number(attribute: Any, path: str) -> float:  # noqa: ANN401  as above
    text = _content(attribute, "N", str, path, "a number")
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise damaged(path, "a number", attribute)
    return number


def _read_integer(attribute: Any, path: str) -> int:  # noqa: ANN401  as above
    number = _read_number(attribute, path)
    if number != int(number) or abs(number) > MOST_QUANTITY:
        raise damaged(path, "a whole number", attribute)
    return int(number)


def _read_count(attribute: Any, path: str) -> int:  # noqa: ANN401  as above
    number = _read_integer(attribute, path)
    if number < 0:
        raise damaged(path, "0 or more", attribute)
    return number


def _read_text(attribute: Any, path: str) -> str:  # noqa: ANN401  as above
    return str(_content(attribute, "S", str, path, "a text"))


def _read_texts(attribute: Any, path: str) -> frozenset[str]:  # noqa: ANN401  as above
    found = attribute.get("SS") if isinstance(attribute, Mapping) else None
    if not isinstance(found, list | tuple | set) or not all(isinstance(one, str) for one in found):
        raise damaged(path, "a set of texts", attribute)
    return frozenset(found)


def _read_bytes(attribute: Any, path: str) -> bytes:  # noqa: ANN401  as above
    found = attribute.get("B") if isinstance(attribute, Mapping) else None
    if not isinstance(found, bytes | bytearray):
        raise damaged(path, "bytes", attribute)
    return bytes(found)


def _number(value: float) -> dict[str, str]:
    return {"N": str(value) if isinstance(value, int) else f"{value:.15g}"}


NUMBER: Final[Form[float]] = Form(_number, _read_number)
INTEGER: Final[Form[int]] = Form(_number, _read_integer)
COUNT: Final[Form[int]] = Form(_number, _read_count)
TEXT: Final[Form[str]] = Form(lambda value: {"S": value}, _read_text)
TEXTS: Final[Form[frozenset[str]]] = Form(lambda value: {"SS": sorted(value)}, _read_texts)
BYTES: Final[Form[bytes]] = Form(lambda value: {"B": value}, _read_bytes)


def _read_flag(attribute: Any, path: str) -> bool:  # noqa: ANN401  as above
    return bool(_content(attribute, "BOOL", bool, path, "true or false"))


FLAG: Final[Form[bool]] = Form(lambda value: {"BOOL": value}, _read_flag)


def one_of(*allowed: str) -> Form[str]:
    """Return the form of a text that is one of these."""

    def read(attribute: Any, path: str) -> str:  # noqa: ANN401  as above
        found = _read_text(attribute, path)
        if found not in allowed:
            raise damaged(path, f"one of {', '.join(allowed)}", attribute)
        return found

    return Form(TEXT.write, read)


def member_of(enum: type[E]) -> Form[E]:
    """Return the form of a member of an enumeration."""
    text = one_of(*(one.value for one in enum))
    return Form(lambda value: {"S": value.value}, lambda found, path: enum(text.read(found, path)))


def by_name(form: Form[T]) -> Form[Mapping[str, T]]:
    """Return the form of one value for each name, such as a pool."""

    def read(attribute: Any, path: str) -> Mapping[str, T]:  # noqa: ANN401  as above
        found = _content(attribute, "M", Mapping, path, "values by name")
        return {name: form.read(one, f"{path}.{name}") for name, one in found.items()}

    return Form(lambda value: {"M": {name: form.write(one) for name, one in value.items()}}, read)


def several(form: Form[T]) -> Form[tuple[T, ...]]:
    """Return the form of values in an order."""

    def read(attribute: Any, path: str) -> tuple[T, ...]:  # noqa: ANN401  as above
        found = _content(attribute, "L", list | tuple, path, "a list")
        return tuple(form.read(one, f"{path}[{at}]") for at, one in enumerate(found))

    return Form(lambda value: {"L": [form.write(one) for one in value]}, read)


def _read_pair(attribute: Any, path: str) -> tuple[int, int]:  # noqa: ANN401  as above
    pair = several(INTEGER).read(attribute, path)
    if len(pair) != 2:  # noqa: PLR2004  a pair
        raise damaged(path, "two numbers", attribute)
    return pair[0], pair[1]


_PAIR: Final[Form[tuple[int, int]]] = Form(several(INTEGER).write, _read_pair)
STEPS: Final = several(_PAIR)
"""Times in epoch seconds, and points of capacity from then on or until then."""
