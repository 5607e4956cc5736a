"""Checks that refuse a wrong number where it was written, in the user's words."""

from __future__ import annotations

from typing import Final

from peakfleet_planner.errors import SpecError

MOST: Final = 1e15
"""Beyond this, arithmetic with floating point no longer counts whole units."""


def at_least(owner: str, field: str, value: float, least: float) -> None:
    """Refuse *value* unless it is a finite number of at least *least*, as things can be counted."""
    if not value >= least:
        raise SpecError(f"{owner}: {field} must be at least {least:g}, got {value:g}")
    at_most(owner, field, value, MOST)


def above(owner: str, field: str, value: float, bound: float) -> None:
    """Refuse *value* unless it is a finite number above *bound*, as things can be counted."""
    if not value > bound:
        raise SpecError(f"{owner}: {field} must be above {bound:g}, got {value:g}")
    at_most(owner, field, value, MOST)


def at_most(owner: str, field: str, value: float, most: float) -> None:
    """Refuse *value* unless it is at most *most*."""
    if not value <= most:
        try:
            got = f"{value:g}"
        except OverflowError:  # an integer may have more digits than a number has
            got = f"{str(value)[:9]}… of {len(str(value))} digits"
        raise SpecError(f"{owner}: {field} must be at most {most:g}, got {got}")


def within(owner: str, field: str, value: float, least: float, most: float) -> None:
    """Refuse *value* unless it lies between *least* and *most*, both included."""
    if not least <= value <= most:
        raise SpecError(f"{owner}: {field} must be between {least:g} and {most:g}, got {value:g}")


def named(owner: str, field: str, value: str) -> None:
    """Refuse an empty name."""
    if not value.strip():
        raise SpecError(f"{owner}: {field} must not be empty")


def distinct(owner: str, field: str, names: tuple[str, ...]) -> None:
    """Refuse two equal names in one list."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError(f"{owner}: {field} must differ, got {', '.join(twice)} more than once")
