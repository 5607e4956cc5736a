"""Write the catalogue of instance types anew, from EC2's data and a price file.

Run, after an update of moto, which carries EC2's data, or for newer prices:

    peakfleet prices refresh --region us-east-1 --out prices.json
    python -m benchmarks.catalogue prices.json

A family is added here, with its chip. Without a price file the shipped prices are kept. The day
up to which offerings are known is that of moto's release, `OFFERINGS_DATE` below.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import moto
from moto.ec2.models.instance_types import INSTANCE_TYPES

from peakfleet_chips import CATALOGUE, Chip, Prices

OFFERINGS_DATE = "2026-10-27"
_FOLDER = Path(__file__).parents[1] / "constructs" / "peakfleet_chips"
_OFFERINGS = Path(moto.__file__).parent / "ec2" / "resources" / "instance_type_offerings"

_FAMILIES: dict[Chip, str] = {
    Chip.GRAVITON2: "i4g im4gn is4gen",
    Chip.GRAVITON3: "c7g c7gd c7gn m7g m7gd r7g r7gd",
    Chip.GRAVITON4: ("c8g c8gb c8gd c8gn m8g m8gb m8gd m8gn r8g r8gb r8gd r8gn x8g i8g i8ge"),
    Chip.GRAVITON5: "c9g c9gd m9g m9gd",
    Chip.INFERENTIA2: "inf2",
    Chip.TRAINIUM1: "trn1 trn1n",
    Chip.TRAINIUM2: "trn2 trn2u",
    Chip.INTEL: "c7i c8i m7i m8i r7i r8i i4i i7i i7ie",
    Chip.AMD: "c7a c8a m7a m8a r7a r8a",
    Chip.NVIDIA_A10G: "g5",
    Chip.NVIDIA_L4: "g6",
    Chip.NVIDIA_L40S: "g6e",
}
_COLUMNS = (
    "instance_type",
    "chip",
    "vcpus",
    "memory_gib",
    "devices",
    "device_memory_gib",
    "efa_interfaces",
    "local_nvme_gb",
    "purchases",
    "hibernates",
    "usd_per_hour",
)
_NEURON_DEVICE_GIB = {Chip.INFERENTIA2: 32, Chip.TRAINIUM1: 32, Chip.TRAINIUM2: 96}
"""Of one chip, from the Neuron documentation: EC2's data has 512 for Trainium2."""
_UNCOUNTED_DEVICES = {"trn2u.48xlarge": 16}
"""From the Neuron documentation: EC2's data says nothing of its accelerators."""
_MIB_PER_GIB = 1024


def facts(prices: Prices) -> str:
    """Return the catalogue's file."""
    head = (
        f"EC2 data: DescribeInstanceTypes as moto {version('moto')} carries it (Apache-2.0)",
        "Neuron device memory: AWS Neuron documentation, architecture pages of inf2, trn1 and trn2",
        f"prices: {prices.source}",
        f"region: {prices.region}",
        f"date: {prices.day.isoformat()}",
        "written by: benchmarks/catalogue.py",
    )
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in head)
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(prices.on_demand_usd_per_hour))
    return text.getvalue()


def offerings() -> str:
    """Return which region sells which types of the catalogue; types that agree share a row."""
    sold = {
        path.name.partition(".")[0]: {
            offer["InstanceType"] for offer in json.loads(gzip.decompress(path.read_bytes()))
        }
        for path in sorted((_OFFERINGS / "region").glob("*.json.gz"))
    }
    rows: dict[str, list[str]] = {}
    for kind in CATALOGUE:
        regions = " ".join(region for region, kinds in sold.items() if kind in kinds)
        rows.setdefault(regions, []).append(kind)
    text = io.StringIO()
    text.writelines(
        f"# {line}\n"
        for line in (
            f"offerings: DescribeInstanceTypeOfferings, moto {version('moto')} (Apache-2.0)",
            f"date: {OFFERINGS_DATE}",
            f"regions: {' '.join(sold)}",
            "written by: benchmarks/catalogue.py",
        )
    )
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("instance_types", "regions"))
    writer.writerows((" ".join(kinds), regions) for regions, kinds in rows.items())
    return text.getvalue()


def _rows(usd_per_hour: Mapping[str, float]) -> Iterator[dict[str, object]]:
    for chip, families in _FAMILIES.items():
        for family in families.split():
            kinds = [
                kind
                for kind in INSTANCE_TYPES
                if kind.startswith(f"{family}.") and not INSTANCE_TYPES[kind]["BareMetal"]
            ]
            for kind in sorted(
                kinds, key=lambda kind: INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"]
            ):
                yield _row(kind, chip, INSTANCE_TYPES[kind], usd_per_hour.get(kind, ""))


def _row(kind: str, chip: Chip, data: Mapping[str, Any], usd: float | str) -> dict[str, object]:
    gpus = data.get("GpuInfo", {})
    accelerators = gpus.get("Gpus") or data.get("NeuronInfo", {}).get("NeuronDevices", [])
    devices = sum(device["Count"] for device in accelerators) or _UNCOUNTED_DEVICES.get(kind, 0)
    gpu_gib = gpus.get("TotalGpuMemoryInMiB", 0) / _MIB_PER_GIB
    return {
        "instance_type": kind,
        "chip": chip.value,
        "vcpus": data["VCpuInfo"]["DefaultVCpus"],
        "memory_gib": f"{data['MemoryInfo']['SizeInMiB'] / _MIB_PER_GIB:g}",
        "devices": devices,
        "device_memory_gib": f"{devices * _NEURON_DEVICE_GIB.get(chip, 0) or gpu_gib:g}",
        "efa_interfaces": data["NetworkInfo"].get("EfaInfo", {}).get("MaximumEfaInterfaces", 0),
        "local_nvme_gb": data.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
        "purchases": " ".join(sorted(data["SupportedUsageClasses"])),
        "hibernates": "yes" if data["HibernationSupported"] else "no",
        "usd_per_hour": usd,
    }


if __name__ == "__main__":
    given = Prices.read(Path(sys.argv[1])) if len(sys.argv) > 1 else Prices.shipped()
    (_FOLDER / "facts.csv").write_text(facts(given), encoding="utf-8")
    (_FOLDER / "offerings.csv").write_text(offerings(), encoding="utf-8")
