"""Documents of neuron-monitor, with the fields that a recording on an inf2.xlarge has."""

from __future__ import annotations

import json
from typing import Any

ERRORS = ("generic", "numerical", "transient", "model", "runtime", "hardware")
OUTCOMES = (
    "completed",
    "completed_with_err",
    "completed_with_num_err",
    "timed_out",
    "incorrect_input",
    "failed_to_queue",
)
INSTANCE_ID = "i-0123456789abcdef0"


def process(
    pid: int,
    cores: dict[int, float],
    *,
    latency: dict[str, float] | None = None,
    device_bytes: int = 63_105_088,
    host_bytes: int = 2_605_992,
    error: str = "",
    counters_error: str = "",
    **counts: int,
) -> dict[str, Any]:
    """Return one entry of `neuron_runtime_data`; *counts* are errors and outcomes by name."""
    return {
        "pid": pid,
        "neuron_runtime_tag": str(pid),
        "error": error,
        "report": {
            "execution_stats": {
                "period": 5.000747861,
                "error_summary": {name: counts.get(name, 0) for name in ERRORS},
                "execution_summary": {name: counts.get(name, 0) for name in OUTCOMES},
                "latency_stats": {"total_latency": latency, "device_latency": latency},
                "error": "",
            },
            "memory_used": {
                "period": 5.000727574,
                "neuron_runtime_used_bytes": {"host": host_bytes, "neuron_device": device_bytes},
                "loaded_models": [],
                "error": "",
            },
            # As recorded: processor usage fails in containers, all else is there.
            "neuron_runtime_vcpu_usage": {
                "period": 5.000760034,
                "vcpu_usage": {"user": 0, "system": 0},
                "error": f"open /proc/{pid}/stat: no such file or directory",
            },
            "neuroncore_counters": {
                "period": 5.000727893,
                "neuroncores_in_use": {
                    str(index): {"neuroncore_utilization": used} for index, used in cores.items()
                },
                "error": counters_error,
            },
        },
    }


def document(
    *processes: dict[str, Any],
    devices: int = 1,
    cores_per_device: int = 2,
    hardware_error: str = "",
    uncorrected: dict[int, int] | None = None,
) -> dict[str, Any]:
    """Return a whole document; *uncorrected* are ECC events of a device's memory."""
    ecc = uncorrected or {}
    return {
        "neuron_runtime_data": list(processes),
        "system_data": {
            "neuron_hw_counters": {
                "period": 5.011508882,
                "neuron_devices": [
                    {
                        "neuron_device_index": index,
                        "mem_ecc_corrected": 3,
                        "mem_ecc_uncorrected": ecc.get(index, 0),
                        "sram_ecc_uncorrected": 0,
                        "sram_ecc_corrected": 0,
                    }
                    for index in range(devices)
                ],
                "error": "",
            }
        },
        "instance_info": {
            "instance_name": "",
            "instance_id": INSTANCE_ID,
            "instance_type": "inf2.xlarge",
            "error": "",
        },
        "neuron_hardware_info": {
            "neuron_device_type": "inferentia2",
            "neuron_device_count": devices,
            "neuroncore_per_device_count": cores_per_device,
            "logical_neuroncore_config": 1,
            "error": hardware_error,
        },
    }


def line(*processes: dict[str, Any], **options: Any) -> str:  # noqa: ANN401  those of `document`
    return json.dumps(document(*processes, **options)) + "\n"
