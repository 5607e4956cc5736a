"""The agent as systemd runs it: with the real boto3, killed and started again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from peakfleet_instance import busy, leaving
from peakfleet_instance.signs import Signs
from tests.instance.fakes import DRAIN_HOOK, HEARTBEAT_SECONDS, FakeGroup, FakeMetadata

CONSTRUCTS = Path(__file__).parents[2] / "constructs"


def until(holds: Callable[[], bool], agent: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert agent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(name="start")
def _start(
    metadata: FakeMetadata, group: FakeGroup, tmp_path: Path
) -> Callable[[], subprocess.Popen[bytes]]:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "peakfleet_instance.agent"],
            cwd=CONSTRUCTS,
            env={
                "PATH": os.environ["PATH"],
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url,
                "AWS_ENDPOINT_URL_AUTO_SCALING": group.url,
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "PEAKFLEET_SIGNS": str(tmp_path),
                "PEAKFLEET_DRAIN_HOOK": DRAIN_HOOK,
                "PEAKFLEET_DRAIN_SECONDS": "3600",
                "PEAKFLEET_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
            },
        )

    return start


def test_a_drain_outlives_a_killed_agent(
    start: Callable[[], subprocess.Popen[bytes]], group: FakeGroup, tmp_path: Path
) -> None:
    Signs(tmp_path)
    with group.served():
        agent = start()
        try:
            with busy(tmp_path):
                until(lambda: group.is_protected, agent)
                group.let_go()
                until(lambda: "heartbeat" in group.calls, agent)
                going = leaving(tmp_path)
                agent.kill()
                agent.wait()
                agent = start()
                until(lambda: group.calls.count("heartbeat") > 1, agent)
                assert leaving(tmp_path) == going
                assert group.state == "Terminating:Wait"
            until(lambda: group.state == "Terminated", agent)
        finally:
            agent.kill()
            agent.wait()
