"""Attributes of the state table that say something of every pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Steps = tuple[tuple[int, int], ...]
"""Times in epoch seconds and points of capacity."""


def capacities(by_pool: Mapping[str, int]) -> dict[str, Any]:
    """Return the attribute that says the capacity of each pool."""
    return {"M": {pool: {"N": str(capacity)} for pool, capacity in by_pool.items()}}


def read_capacities(attribute: Mapping[str, Any]) -> dict[str, int]:
    """Return what `capacities` has written.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: It has not.
    """
    read = {pool: int(capacity["N"]) for pool, capacity in attribute["M"].items()}
    if lowest := [pool for pool, capacity in read.items() if capacity < 0]:
        raise ValueError(f"negative capacity of {', '.join(lowest)}")
    return read


def steps(by_pool: Mapping[str, Steps]) -> dict[str, Any]:
    """Return the attribute that says when each pool had, or was asked for, how much."""
    return {
        "M": {
            pool: {"L": [{"L": [{"N": str(number)} for number in step]} for step in found]}
            for pool, found in by_pool.items()
        }
    }


def read_steps(attribute: Mapping[str, Any]) -> dict[str, Steps]:
    """Return what `steps` has written.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: It has not.
    """
    return {
        pool: tuple((int(at["N"]), int(points["N"])) for at, points in _pairs(found))
        for pool, found in attribute["M"].items()
    }


def _pairs(found: Mapping[str, Any]) -> Iterator[Any]:
    return (step["L"] for step in found["L"])
