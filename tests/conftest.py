"""How much Hypothesis tries, and which tests `make quick` leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, max_examples=50, print_blob=True)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=int(os.environ.get("PEAKFLEET_EXAMPLES", "2000")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "mutants",
    deadline=None,
    max_examples=20,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", deadline=None, max_examples=10, print_blob=True)
settings.load_profile("default")

TESTS = Path(__file__).parent
SLOW = (
    "cli",
    "e2e",
    "fuzz",
    "handlers/test_against_moto.py",
    "handlers/test_broken_in_moto.py",
    "handlers/test_changed_pools.py",
    "handlers/test_events_refusals.py",
    "handlers/test_gang_ticks.py",
    "handlers/test_laws.py",
    "handlers/test_learn.py",
    "handlers/test_odd_answers.py",
    "handlers/test_other_writers.py",
    "infra",
    "instance/test_neuron_metrics.py",
    "instance/test_processes.py",
    "learner",
    "local",
    "planner/test_foresee_warm.py",
    "reporter/test_on_a_host.py",
    "sim",
)
"""Files and folders whose tests are slow, as `pytest --durations=0` shows: they start servers,
processes or a CDK synth, or replay days of demand. A single test says `@pytest.mark.slow`."""


_TRIED: list[int] = []
"""Examples of each law that was tried."""


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark the tests of slow files."""
    for item in items:
        if any(item.path.is_relative_to(TESTS / one) for one in SLOW):
            item.add_marker(pytest.mark.slow)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Count the examples of a law once it has been tried."""
    said = getattr(item, "hypothesis_statistics", None)  # Hypothesis's own, in words
    if said:
        _TRIED.append(sum(map(int, re.findall(r"(\d+) (?:passing|failing)", said))))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say after `make fuzz` how many examples were tried, of how many laws."""
    if settings.get_current_profile_name() != "fuzz":
        return
    failed = len(terminalreporter.stats.get("failed", []))
    terminalreporter.write_line(
        f"fuzz: {sum(_TRIED):,} examples of {len(_TRIED)} laws, {failed} tests failed"
    )
