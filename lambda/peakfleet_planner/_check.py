"""Checks that refuse a wrong number where it was written, in the user's words."""

from __future__ import annotations

from math import isfinite

from peakfleet_planner.errors import SpecError


def at_least(owner: str, field: str, value: float, least: float) -> None:
    """Refuse *value* unless it is a finite number of at least *least*."""
    if not (isfinite(value) and value >= least):
        raise SpecError(f"{owner}: {field} must be at least {least:g}, got {value:g}")


def above(owner: str, field: str, value: float, bound: float) -> None:
    """Refuse *value* unless it is a finite number above *bound*."""
    if not (isfinite(value) and value > bound):
        raise SpecError(f"{owner}: {field} must be above {bound:g}, got {value:g}")


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
