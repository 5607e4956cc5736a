"""Attributes of moto, replaced while the local AWS runs and put back afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import moto
from moto.core.exceptions import ServiceException

MotoObject = Any
"""An object of moto, whose internals are only partly typed."""
Client = Any
"""A client of boto3, which makes them at run time."""
Json = Any
"""Whatever JSON can carry."""

MOTO_VERSION = "5.2.5"
"""Every replaced moto attribute was read in this version; another may have moved it."""


class MotoVersionError(RuntimeError):
    """The installed moto is not the one that peakfleet_local extends."""


class ApiError(ServiceException):
    """An answer of the API that is an error, by its code and its text.

    A class of ours, because moto looks the service of its own ones up by their module.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One attribute of moto that is replaced while the local AWS runs.

    Args:
        owner: Class or module that holds the attribute.
        name: The attribute.
        value: What stands there instead.
        adds: The attribute does not exist in moto. Default: it must exist.
    """

    owner: object
    name: str
    value: object
    adds: bool = False


def require_moto() -> None:
    """Refuse any moto but the one whose internals are known.

    Raises:
        MotoVersionError: Another version is installed.
    """
    if moto.__version__ != MOTO_VERSION:
        raise MotoVersionError(
            f"peakfleet_local extends moto {MOTO_VERSION}, found {moto.__version__}; "
            f"install it with: pip install 'moto[server]=={MOTO_VERSION}'"
        )


@contextmanager
def patched(patches: Iterable[Patch]) -> Iterator[None]:
    """Replace attributes of moto, and put every one back afterwards.

    Args:
        patches: What to replace, in order.

    Raises:
        MotoVersionError: The version differs, or an attribute is not where it should be.
    """
    require_moto()
    undo: list[tuple[object, str, object, bool]] = []
    try:
        for patch in patches:
            own = vars(patch.owner)
            if not patch.adds and patch.name not in own:
                raise MotoVersionError(f"moto has no {patch.owner}.{patch.name} to replace")
            undo.append((patch.owner, patch.name, own.get(patch.name), patch.name in own))
            setattr(patch.owner, patch.name, patch.value)
        yield
    finally:
        for owner, name, value, existed in reversed(undo):
            if existed:
                setattr(owner, name, value)
            else:
                delattr(owner, name)


def stock(owner: object, name: str) -> Callable[..., Any]:
    """Return a function of moto as it was written, a class method with its class as argument.

    Raises:
        MotoVersionError: It is not where it should be.
    """
    require_moto()
    try:
        found = vars(owner)[name]
    except KeyError:
        raise MotoVersionError(f"moto has no {owner}.{name} to call") from None
    function: Callable[..., Any] = getattr(found, "__func__", found)
    return function


def as_method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a bound method fit for a class of moto: the instance becomes its first argument."""

    def method(instance: MotoObject, *args: MotoObject, **kwargs: MotoObject) -> MotoObject:
        return function(instance, *args, **kwargs)

    return method
