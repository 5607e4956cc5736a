"""Reads what neuron-monitor prints: one JSON document a line, every few seconds.

Its numbers are not what they seem. Only NeuronCores in use are listed, so that their average
overstates the load; one core may be listed by several processes; and a document that could not
be collected looks like one of an idle machine, but for its `error` fields. What is not known
here is None, never 0.

Field names: Neuron Monitor User Guide of the AWS Neuron documentation, read on 2026-11-22.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

_ALL_OF_A_CORE = 100.0
_FAILURES = ("generic", "numerical", "model", "runtime", "hardware")  # "transient" has recovered
_OUTCOMES = ("timed_out", "failed_to_queue")  # "incorrect_input" is the client's mistake
_UNCORRECTED = ("mem_ecc_uncorrected", "sram_ecc_uncorrected")


@dataclass(frozen=True)
class Report:
    """One document of neuron-monitor.

    Args:
        cores: NeuronCores of the machine, in use or not.
        busy_cores: How many of them were busy, 0 to `cores`. None: not known.
        errors: Executions that failed or were turned away for no fault of the client.
        hardware_errors: Those of them that the hardware caused.
        uncorrected: Uncorrected ECC events by device, since the driver was loaded.
        latency_p50_seconds: Median latency of the slowest process. None: nothing ran.
        latency_p99_seconds: The 99th percentile of the slowest process. None: nothing ran.
        device_bytes: Device memory in use.
        host_bytes: Host memory that Neuron processes use.
        instance_id: Id of the machine. None: not known.
    """

    cores: int
    busy_cores: float | None
    errors: float
    hardware_errors: float
    uncorrected: Mapping[int, float]
    latency_p50_seconds: float | None
    latency_p99_seconds: float | None
    device_bytes: float
    host_bytes: float
    instance_id: str | None


def read_report(line: str) -> Report | None:
    """Return what *line* reports; None if it is no report, or sees no Neuron hardware."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    cores = _cores(_part(document, "neuron_hardware_info"))
    if cores is None or "neuron_runtime_data" not in document:
        return None
    processes = document["neuron_runtime_data"] or []  # null while no process uses Neuron
    if not isinstance(processes, list):
        return None
    stats = [_part(one, "report", "execution_stats") for one in processes]
    memory = [_part(one, "report", "memory_used", "neuron_runtime_used_bytes") for one in processes]
    instance_id = _part(document, "instance_info").get("instance_id")
    return Report(
        cores=cores,
        busy_cores=_busy_cores(processes, cores),
        errors=sum(
            _total(_part(one, "error_summary"), _FAILURES)
            + _total(_part(one, "execution_summary"), _OUTCOMES)
            for one in stats
        ),
        hardware_errors=sum(_total(_part(one, "error_summary"), ("hardware",)) for one in stats),
        uncorrected=_uncorrected(_part(document, "system_data", "neuron_hw_counters")),
        latency_p50_seconds=_slowest(stats, "p50"),
        latency_p99_seconds=_slowest(stats, "p99"),
        device_bytes=sum(_total(one, ("neuron_device",)) for one in memory),
        host_bytes=sum(_total(one, ("host",)) for one in memory),
        instance_id=instance_id if isinstance(instance_id, str) and instance_id else None,
    )


def _part(document: object, *names: str) -> dict[str, Any]:
    """Return the object at a path, empty where there is none."""
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _number(value: object) -> float | None:
    """Return a finite number that is not negative, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if isfinite(value) and value >= 0 else None


def _total(group: Mapping[str, Any], names: tuple[str, ...]) -> float:
    return sum(_number(group.get(name)) or 0.0 for name in names)


def _cores(hardware: Mapping[str, Any]) -> int | None:
    """Return the NeuronCores of the machine, as processes count them (logical ones)."""
    devices = _number(hardware.get("neuron_device_count"))
    per_device = _number(hardware.get("neuroncore_per_device_count"))
    if hardware.get("error") or not devices or not per_device:
        return None
    return int(devices * per_device)


def _busy_cores(processes: list[Any], cores: int) -> float | None:
    """Return how many cores are busy; None if any process could not be looked at."""
    percent: defaultdict[str, float] = defaultdict(float)
    for process in processes:
        counters = _part(process, "report", "neuroncore_counters")
        in_use = counters.get("neuroncores_in_use")
        if _part(process).get("error") or counters.get("error") or not isinstance(in_use, dict):
            return None
        for core in in_use:
            used = _number(_part(in_use, core).get("neuroncore_utilization"))
            if used is None:
                return None
            percent[core] += used
    if len(percent) > cores:
        return None
    return sum(min(used, _ALL_OF_A_CORE) for used in percent.values()) / _ALL_OF_A_CORE


def _uncorrected(counters: Mapping[str, Any]) -> dict[int, float]:
    devices = counters.get("neuron_devices")
    if counters.get("error") or not isinstance(devices, list):
        return {}
    return {
        int(_number(_part(one).get("neuron_device_index")) or 0): _total(_part(one), _UNCORRECTED)
        for one in devices
    }


def _slowest(stats: list[dict[str, Any]], percentile: str) -> float | None:
    latencies = (
        _number(_part(one, "latency_stats", "total_latency").get(percentile)) for one in stats
    )
    return max((one for one in latencies if one is not None), default=None)
