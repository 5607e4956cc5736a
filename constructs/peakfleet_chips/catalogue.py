"""The catalogue: every instance type that the library knows.

`facts.csv` says in its head where each figure comes from and how to write it anew. Bare-metal
sizes are left out: they boot in longer than a burst lasts.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from importlib.resources import files
from types import MappingProxyType

from peakfleet_chips.chip import Chip
from peakfleet_chips.instance_type import InstanceType, PurchaseOption

_FACTS = files(__package__).joinpath("facts.csv").read_text(encoding="utf-8").splitlines()
_COMMENT = "#"

HEAD: Mapping[str, str] = MappingProxyType(
    dict(
        line.removeprefix(_COMMENT).strip().split(": ", maxsplit=1)
        for line in _FACTS
        if line.startswith(_COMMENT)
    )
)
"""What the file says of itself: sources, and the prices' region and date."""


def _read() -> Iterator[InstanceType]:
    for row in csv.DictReader(line for line in _FACTS if not line.startswith(_COMMENT)):
        yield InstanceType(
            name=row["instance_type"],
            chip=Chip(row["chip"]),
            vcpus=int(row["vcpus"]),
            memory_gib=float(row["memory_gib"]),
            devices=int(row["devices"]),
            device_memory_gib=float(row["device_memory_gib"]),
            efa_interfaces=int(row["efa_interfaces"]),
            local_nvme_gb=int(row["local_nvme_gb"]),
            purchases=frozenset(PurchaseOption(word) for word in row["purchases"].split()),
            hibernates=row["hibernates"] == "yes",
            usd_per_hour=float(row["usd_per_hour"]) if row["usd_per_hour"] else None,
        )


CATALOGUE: Mapping[str, InstanceType] = MappingProxyType({kind.name: kind for kind in _read()})
"""The instance types by name."""


def find_type(name: str) -> InstanceType | None:
    """Return the facts of an instance type; None if the catalogue does not have it.

    >>> find_type("trn2.48xlarge").neuron_cores, find_type("z9.large")
    (64, None)
    """
    return CATALOGUE.get(name)
