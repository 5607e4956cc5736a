"""Local disks of the storage workers: ready after every boot, and no trouble without them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRATCH = Path(__file__).parents[2] / "stacks" / "workers" / "scratch.sh"
NVME = "/dev/nvme0n1 Amazon Elastic Block Store\\n/dev/nvme1n1 Amazon EC2 NVMe Instance Storage\\n"
EBS_ONLY = "/dev/nvme0n1 Amazon Elastic Block Store\\n"


def booted(folder: Path, *, disks: str, mounted: bool = False) -> list[str]:
    """Run the script with commands that only write down how they were called."""
    log, commands = folder / "log", folder / "bin"
    commands.mkdir(exist_ok=True)
    log.write_text("")
    bodies = {
        "lsblk": f"printf '{disks}'",
        "mountpoint": f"exit {0 if mounted else 1}",
        **{name: f'echo "{name} $*" >>"{log}"' for name in ("mkfs.xfs", "mount", "install")},
    }
    for name, body in bodies.items():
        (commands / name).write_text(f"#!/bin/sh\n{body}\n")
        (commands / name).chmod(0o755)
    script = folder / "scratch.sh"
    script.write_text(SCRATCH.read_text().replace("/run/", f"{folder}/"))
    path = f"{commands}:{os.environ['PATH']}"
    subprocess.run(["/bin/bash", script], check=True, env={"PATH": path})  # noqa: S603  our own
    return log.read_text().splitlines()


def test_the_first_local_disk_is_formatted_and_mounted_and_files_go_there(tmp_path: Path) -> None:
    done = booted(tmp_path, disks=NVME)
    assert done[0] == "mkfs.xfs -q -f /dev/nvme1n1"
    assert "mount -o noatime,nodev,nosuid /dev/nvme1n1 /mnt/peakfleet-scratch" in done
    told = (tmp_path / "peakfleet-scratch.env").read_text()
    assert told == "TMPDIR=/mnt/peakfleet-scratch/tmp\n"


def test_what_is_mounted_already_is_never_formatted(tmp_path: Path) -> None:
    done = booted(tmp_path, disks=NVME, mounted=True)
    assert not [line for line in done if line.startswith(("mkfs", "mount"))]


@pytest.mark.parametrize("disks", ["", EBS_ONLY])
def test_a_machine_without_a_local_disk_works_on_its_root_volume(
    tmp_path: Path, disks: str
) -> None:
    assert booted(tmp_path, disks=disks) == []
    assert not (tmp_path / "peakfleet-scratch.env").exists()


def test_the_disk_is_made_ready_before_the_worker_at_every_boot() -> None:
    workers = SCRATCH.parent
    scratch = (workers / "peakfleet-scratch.service").read_text()
    worker = (workers / "peakfleet.service").read_text()
    assert "WantedBy=multi-user.target" in scratch
    assert "Before=peakfleet.service" in scratch
    assert "EnvironmentFile=-/run/peakfleet-scratch.env" in worker
    assert "-/mnt/peakfleet-scratch" in worker
