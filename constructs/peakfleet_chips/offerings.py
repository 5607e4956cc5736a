"""Which regions sell an instance type: what AWS answered when it was last asked.

A region may have begun to sell a type since; `offerings.csv` says in its head how old it is.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from types import MappingProxyType

_COMMENT = "#"
_LINES = files(__package__).joinpath("offerings.csv").read_text(encoding="utf-8").splitlines()
_HEAD = dict(
    line.removeprefix(_COMMENT).strip().split(": ", maxsplit=1)
    for line in _LINES
    if line.startswith(_COMMENT)
)

OFFERINGS_DAY = date.fromisoformat(_HEAD["date"])
"""The day up to which the offerings are known."""
_KNOWN_REGIONS = frozenset(_HEAD["regions"].split())
_REGIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        kind: frozenset(row["regions"].split())
        for row in csv.DictReader(line for line in _LINES if not line.startswith(_COMMENT))
        for kind in row["instance_types"].split()
    }
)


def is_sold(instance_type: str, region: str) -> bool | None:
    """Return whether a region sells an instance type; None if one of them is not known.

    >>> is_sold("trn2.48xlarge", "af-south-1"), is_sold("z9.large", "af-south-1")
    (False, None)
    """
    if region not in _KNOWN_REGIONS or instance_type not in _REGIONS:
        return None
    return region in _REGIONS[instance_type]
