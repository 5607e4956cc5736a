"""How much Hypothesis tries, and which tests `make quick` leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable
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
TRIED = "tried"
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


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark the tests of slow files."""
    for item in items:
        if any(item.path.is_relative_to(TESTS / one) for one in SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a report say how many examples were tried, also that of another process."""
    report = yield
    tried = getattr(item, "hypothesis_statistics", None)
    if tried and report.when == "call":
        report.user_properties.append((TRIED, tried))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say after `make fuzz` how many examples were tried, of how many laws."""
    if settings.get_current_profile_name() != "fuzz":
        return
    counts = [
        tuple(map(int, found))
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, text in report.user_properties
        if name == TRIED
        for found in re.findall(r"(\d+) passing, (\d+) failing", str(text))
    ]
    laws = sum(len(terminalreporter.stats.get(one, [])) for one in ("passed", "failed"))
    failed = len(terminalreporter.stats.get("failed", []))
    terminalreporter.write_line(
        f"fuzz: {sum(passing + failing for passing, failing in counts):,} examples of {laws} laws, "
        f"{failed} of them broken"
    )
