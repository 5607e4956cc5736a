"""Values to JSON documents and back, strictly, and the checks that values make of themselves.

Only what specification, snapshot and plan are made of is supported: dataclasses,
`StrEnum`, tuples, string-keyed mappings, unions of dataclasses told apart by their
`kind`, optional values and JSON scalars. A document of another version, with an unknown or
missing key, or with a value of the wrong type, is refused with the path of the field.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import (
    Any,
    ClassVar,
    Final,
    Literal,
    Self,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

T = TypeVar("T")

MOST_QUANTITY: Final = 1e15
"""Beyond this, arithmetic with floating point no longer counts whole units."""


class SpecError(ValueError):
    """A fleet specification contradicts itself or cannot be read; the planner raises no other.

    The message names the field, the value it got and the values allowed.
    """


class Document:
    """A dataclass that is a JSON document by itself, and so carries the version of its form."""

    __slots__ = ()
    document_name: ClassVar[str]
    """What messages call it."""
    document_version: ClassVar[int] = 1
    """Of its form: a field that is new and has a default needs no new one."""
    written_at_synth: ClassVar[bool] = False
    """Whether a stack of another version has written a document that is refused."""

    def to_json(self) -> dict[str, Any]:
        """Return the document."""
        return {"version": self.document_version, **to_document(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read a document.

        Raises:
            SpecError: It is of another version, or has a field that this code does not know.
        """
        if (version := document.get("version")) != cls.document_version:
            remedy = ": redeploy the stack" if cls.written_at_synth else ""
            raise SpecError(
                f"{cls.document_name}: version must be {cls.document_version}, "
                f"got {version!r}{remedy}"
            )
        entries = {key: value for key, value in document.items() if key != "version"}
        return from_document(cls, entries, cls.document_name.split()[-1])


def to_document(value: object) -> Any:  # noqa: ANN401  JSON data has no narrower type
    """Return *value* as JSON-ready data; fields that hold their default are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_document(getattr(value, field.name))
            for field in fields(value)
            if field.name == "kind" or getattr(value, field.name) != _default(field)
        }
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple | list):
        return [to_document(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_document(item) for key, item in value.items()}
    return value


def from_document(cls: type[T], document: object, path: str = "") -> T:
    """Return the *cls* that *document* describes.

    Args:
        cls: The dataclass to read.
        document: Data as `json.loads` returns it.
        path: Where the document stands, for messages. Default: the name of *cls*.

    Raises:
        SpecError: A key is unknown or missing, or a value has the wrong type.
    """
    return cast("T", _read(cls, document, path or cls.__name__))


def _read(kind: Any, document: object, path: str) -> object:  # noqa: ANN401  a type form, not a class
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(kind), document, path)
    if origin is tuple:
        return _read_tuple(get_args(kind), document, path)
    if origin is Literal:
        return _one_of(get_args(kind), document, path)
    if origin is not None and issubclass(origin, Mapping):
        entries = _expect(dict, document, path)
        return {
            key: _read(get_args(kind)[1], item, f"{path}.{key}") for key, item in entries.items()
        }
    if is_dataclass(kind):
        return _read_dataclass(kind, document, path)
    return _read_scalar(kind, document, path)


def _read_tuple(inner: tuple[Any, ...], document: object, path: str) -> tuple[object, ...]:
    items = _expect(list, document, path)
    if inner[-1] is ...:
        return tuple(_read(inner[0], item, f"{path}[{i}]") for i, item in enumerate(items))
    if len(items) != len(inner):
        raise SpecError(f"{path} must have {len(inner)} items, got {len(items)}")
    pairs = enumerate(zip(inner, items, strict=True))
    return tuple(_read(one, item, f"{path}[{i}]") for i, (one, item) in pairs)


def _read_union(members: tuple[Any, ...], document: object, path: str) -> object:
    if document is None and types.NoneType in members:
        return None
    members = tuple(member for member in members if member is not types.NoneType)
    if len(members) == 1:
        return _read(members[0], document, path)
    kinds = {str(_default(_shape(member)[1]["kind"])): member for member in members}
    kind = _expect(dict, document, path).get("kind")
    return _read(kinds[_one_of(tuple(kinds), kind, f"{path}.kind")], document, path)


def _read_dataclass(cls: Any, document: object, path: str) -> object:  # noqa: ANN401  a type form
    entries = _expect(dict, document, path)
    hints, known = _shape(cls)
    if unknown := sorted(set(entries) - set(known)):
        raise SpecError(f"{path}: unknown field {', '.join(unknown)}; known: {', '.join(known)}")
    missing = [name for name, field in known.items() if name not in entries and _required(field)]
    if missing:
        raise SpecError(f"{path}: missing field {', '.join(missing)}")
    return cls(
        **{name: _read(hints[name], item, f"{path}.{name}") for name, item in entries.items()}
    )


def _read_scalar(kind: type, document: object, path: str) -> object:
    if issubclass(kind, StrEnum):
        return kind(_one_of(tuple(member.value for member in kind), document, path))
    accepted: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if not isinstance(document, accepted) or (isinstance(document, bool) and kind is not bool):
        raise SpecError(f"{path} must be a {kind.__name__}, got {document!r}")
    return float(document) if kind is float and isinstance(document, int) else document


def _one_of(allowed: tuple[str, ...], document: object, path: str) -> str:
    if document not in allowed:
        raise SpecError(f"{path} must be one of {', '.join(allowed)}, got {document!r}")
    return str(document)


def _expect(cls: type[Any], document: object, path: str) -> Any:  # noqa: ANN401  list or dict of JSON
    if not isinstance(document, cls):
        raise SpecError(f"{path} must be a {cls.__name__}, got {document!r}")
    return document


@cache
def _shape(cls: Any) -> tuple[dict[str, Any], dict[str, Field[Any]]]:  # noqa: ANN401  a type form
    """Return the field types and fields of a dataclass; looked up once, as ticks repeat."""
    return get_type_hints(cls), {field.name: field for field in fields(cls)}


def _default(field: Field[Any]) -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def check_at_least(owner: str, field: str, value: float, least: float) -> None:
    """Refuse *value* unless it is a number from *least* to what can be counted."""
    if not value >= least:
        raise SpecError(f"{owner}: {field} must be at least {least:g}, got {value:g}")
    check_at_most(owner, field, value, MOST_QUANTITY)


def check_above(owner: str, field: str, value: float, bound: float) -> None:
    """Refuse *value* unless it is a number above *bound* that can be counted."""
    if not value > bound:
        raise SpecError(f"{owner}: {field} must be above {bound:g}, got {value:g}")
    check_at_most(owner, field, value, MOST_QUANTITY)


def check_at_most(owner: str, field: str, value: float, most: float) -> None:
    """Refuse *value* unless it is at most *most*."""
    if not value <= most:
        try:
            got = f"{value:g}"
        except OverflowError:  # an integer may have more digits than a number has
            got = f"{str(value)[:9]}… of {len(str(value))} digits"
        raise SpecError(f"{owner}: {field} must be at most {most:g}, got {got}")


def check_within(owner: str, field: str, value: float, least: float, most: float) -> None:
    """Refuse *value* unless it lies between *least* and *most*, both included."""
    if not least <= value <= most:
        raise SpecError(f"{owner}: {field} must be between {least:g} and {most:g}, got {value:g}")


def check_named(owner: str, field: str, value: str) -> None:
    """Refuse an empty name."""
    if not value.strip():
        raise SpecError(f"{owner}: {field} must not be empty")


def check_distinct(owner: str, field: str, names: tuple[str, ...]) -> None:
    """Refuse two equal names in one list."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError(f"{owner}: {field} must differ, got {', '.join(twice)} more than once")
