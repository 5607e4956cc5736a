"""A kind of record: its key, its attributes and how long it is kept, declared in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from peakfleet_table.forms import COUNT, DamagedRecordError, Form, Item

T = TypeVar("T")

EXPIRES_AT = "expires_at"
"""The table's time-to-live attribute, in epoch seconds. DynamoDB deletes days later."""
WHOLE = "value"
_KEY = ("fleet", "item")
_NEVER = 0


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a record.

    Args:
        field: Where the value has it; a part of a part has a dot, and `WHOLE` is the value itself.
        form: How it is kept.
        optional: Whether it may be absent; the value then has its own default.
    """

    field: str
    form: Form[Any]
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """One kind of record of a fleet.

    Args:
        prefix: What its sort keys begin with; the whole key where a fleet has one such record.
        value: What it is read into.
        attributes: By their name in the table.
        name: Returns what a value's key has after the prefix. Default: nothing.
        named: Returns the fields that such a name says. Default: it says none.
        kept_until: Returns when a value may be deleted, in epoch seconds. Default: it is kept
            until it is replaced, unless `item` is told otherwise.
    """

    prefix: str
    value: Callable[..., T]
    attributes: Mapping[str, Attribute]
    name: Callable[[T], str] = lambda _: ""
    named: Callable[[str], Mapping[str, Any]] = lambda _: {}
    kept_until: Callable[[T], int] = lambda _: _NEVER

    def key(self, fleet: str, name: str = "") -> Item:
        """Return the key of the record with a name."""
        return {"fleet": {"S": fleet}, "item": {"S": self.prefix + name}}

    def key_of(self, fleet: str, value: T) -> Item:
        """Return the key of a value's record."""
        return self.key(fleet, self.name(value))

    def item(self, fleet: str, value: T, *, kept_until: int | None = None) -> Item:
        """Return the record of a value in DynamoDB's form.

        Args:
            fleet: Whose record.
            value: What it says. A field that is None is left out.
            kept_until: When it may be deleted. Default: as the kind says.
        """
        item = self.key_of(fleet, value)
        for name, attribute in self.attributes.items():
            content = value if attribute.field == WHOLE else attrgetter(attribute.field)(value)
            if content is not None:
                item[name] = attribute.form.write(content)
        until = self.kept_until(value) if kept_until is None else kept_until
        return item if until == _NEVER else {**item, EXPIRES_AT: COUNT.write(until)}

    def read(self, item: Mapping[str, Any]) -> T:
        """Return the value of a record, whole.

        Raises:
            DamagedRecordError: An attribute is absent or not as declared, or the value that all
                of them make is refused.
        """
        path = path_of(item)
        found: dict[str, Any] = {}
        for name, attribute in self.attributes.items():
            if name in item:
                field = attribute.field.rpartition(".")[2]
                found[field] = attribute.form.read(item[name], f"{path}: {name}")
            elif not attribute.optional:
                raise DamagedRecordError(f"{path}: {name} is missing")
        key = item.get("item", {}).get("S", self.prefix)
        try:
            return self.value(**self.named(key.removeprefix(self.prefix)), **found)
        except ValueError as error:
            raise DamagedRecordError(f"{path}: {error}") from error

    def names(self, *attributes: str) -> dict[str, str]:
        """Return the placeholders of attributes for an expression, such as `#count`.

        Raises:
            KeyError: The kind has no such attribute.
        """
        if unknown := set(attributes) - {*self.attributes, EXPIRES_AT, *_KEY}:
            raise KeyError(f"{self.prefix}: no attribute {', '.join(sorted(unknown))}")
        return {f"#{name}": name for name in attributes}

    def form(self, attribute: str) -> Form[Any]:
        """Return the form of an attribute."""
        return self.attributes[attribute].form


def has_key(item: Mapping[str, Any]) -> bool:
    """Whether an item says whose it is and what; DynamoDB keeps none that does not."""
    keys = [item.get(name) for name in _KEY]
    return all(isinstance(key, Mapping) and isinstance(key.get("S"), str) for key in keys)


def path_of(item: Mapping[str, Any]) -> str:
    """Return where a record stands: its fleet and its sort key."""
    return "#".join(str(item[name].get("S")) for name in _KEY if name in item)


def has_expired(item: Mapping[str, Any], now_epoch_seconds: int) -> bool:
    """Whether a record counts as deleted because its time is over.

    Raises:
        DamagedRecordError: It does not say until when it is kept.
    """
    path = path_of(item)
    if EXPIRES_AT not in item:
        raise DamagedRecordError(f"{path}: {EXPIRES_AT} is missing")
    return COUNT.read(item[EXPIRES_AT], f"{path}: {EXPIRES_AT}") <= now_epoch_seconds


def read_all(
    kind: Kind[T],
    items: Iterable[Mapping[str, Any]],
    *,
    now_epoch_seconds: int,
    refuse: Callable[[DamagedRecordError], object],
) -> Iterator[T]:
    """Yield the values of all records of a kind whose time is not over.

    Args:
        kind: Which.
        items: Records of any kind.
        now_epoch_seconds: The present.
        refuse: Is told of each damaged record, which counts as lost.
    """
    for item in items:
        if not str(item.get("item", {}).get("S", "")).startswith(kind.prefix):
            continue
        try:
            if not has_expired(item, now_epoch_seconds):
                yield kind.read(item)
        except DamagedRecordError as error:
            refuse(error)
