"""How much Hypothesis tries, and which tests `make quick` leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, print_blob=True)
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
settings.load_profile("default")

TESTS = Path(__file__).parent
SLOW = (
    "cli/test_compare.py",
    "cli/test_demo.py",
    "cli/test_init.py",
    "cli/test_operate.py",
    "cli/test_prove.py",
    "e2e",
    "fuzz",
    "handlers/test_against_moto.py",
    "handlers/test_broken_in_moto.py",
    "handlers/test_events_refusals.py",
    "handlers/test_gang_ticks.py",
    "handlers/test_laws.py",
    "handlers/test_learn.py",
    "infra/test_assets.py",
    "infra/test_examples.py",
    "infra/test_inference_server.py",
    "infra/test_inference_stack.py",
    "infra/test_quiet.py",
    "infra/test_safety_net.py",
    "infra/test_security.py",
    "infra/test_stacks_app.py",
    "infra/test_stacks_processes.py",
    "infra/test_training_fleet.py",
    "infra/test_training_stack.py",
    "infra/test_wheel.py",
    "instance/test_neuron_metrics.py",
    "instance/test_processes.py",
    "learner/test_learner.py",
    "learner/test_warm.py",
    "local/test_capacity_blocks.py",
    "local/test_cloudformation.py",
    "local/test_custom_resources.py",
    "local/test_delivering.py",
    "local/test_deploy.py",
    "local/test_direct_launches.py",
    "local/test_faults.py",
    "local/test_functions.py",
    "local/test_group_changes.py",
    "local/test_hooks.py",
    "local/test_hybrid_deploy.py",
    "local/test_inference_deploy.py",
    "local/test_physics.py",
    "local/test_physics_laws.py",
    "local/test_quicker.py",
    "local/test_reuse.py",
    "local/test_reuse_bounds.py",
    "local/test_schedules.py",
    "local/test_server.py",
    "local/test_training_deploy.py",
    "local/test_warm_pools.py",
    "planner/test_foresee_warm.py",
    "reporter/test_on_a_host.py",
    "sim/test_backlog_policy.py",
    "sim/test_bill.py",
    "sim/test_bill_spot.py",
    "sim/test_foresight.py",
    "sim/test_optimum.py",
    "sim/test_reuse.py",
    "sim/test_warm_planned.py",
)
"""Files and folders whose tests are all slow, as `pytest --durations=0` shows: they start servers,
processes or a CDK synth, or replay weeks of demand. A single test says `@pytest.mark.slow`."""


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark the tests of slow files."""
    for item in items:
        if any(item.path.is_relative_to(TESTS / one) for one in SLOW):
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say after `make fuzz` how many examples were tried, of how many laws."""
    if settings.get_current_profile_name() != "fuzz":
        return
    counts = [
        tuple(map(int, found))
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, text in report.user_properties
        if name.startswith("hypothesis-stat")
        for found in re.findall(r"(\d+) passing, (\d+) failing", str(text))
    ]
    laws = sum(len(terminalreporter.stats.get(one, [])) for one in ("passed", "failed"))
    failed = len(terminalreporter.stats.get("failed", []))
    terminalreporter.write_line(
        f"fuzz: {sum(passing + failing for passing, failing in counts):,} examples of {laws} laws, "
        f"{failed} of them broken"
    )
