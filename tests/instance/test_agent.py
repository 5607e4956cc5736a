"""The agent of a machine, against a metadata service and a group that behave as AWS's do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from peakfleet_instance import busy, leaving, ready
from peakfleet_instance.agent import GIVE_BACK_SECONDS, SETTLE_SECONDS, Agent
from peakfleet_instance.metadata import Metadata
from peakfleet_instance.orders import Orders
from peakfleet_instance.signs import Signs
from tests.instance.fakes import (
    DRAIN_HOOK,
    HEARTBEAT_SECONDS,
    READY_HOOK,
    READY_SECONDS,
    FakeGroup,
    FakeMetadata,
)

HOUR = 3600.0
STEP_SECONDS = 10.0
DRAINS = Orders(drain_hook=DRAIN_HOOK, drain_seconds=HOUR, heartbeat_seconds=HEARTBEAT_SECONDS)
SIGNALS = Orders(ready_hook=READY_HOOK, ready_seconds=READY_SECONDS)
STARTS = Callable[..., Agent]


@pytest.fixture(name="start")
def _start(metadata: FakeMetadata, group: FakeGroup, tmp_path: Path) -> STARTS:
    """Return what starts an agent, as systemd does at boot and after the agent was killed."""

    def start(orders: Orders = DRAINS) -> Agent:
        return Agent(
            orders=orders,
            machine=Metadata(metadata.url),
            autoscaling=group,
            signs=Signs(tmp_path),
            now=lambda: group.now,
        )

    return start


def live(agent: Agent, group: FakeGroup, seconds: float) -> None:
    """Let the agent run for a while."""
    for _ in range(int(seconds / STEP_SECONDS)):
        agent.tick()
        group.wait(STEP_SECONDS)
    agent.tick()


def test_a_busy_machine_is_protected_and_an_idle_one_goes(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    with busy(tmp_path):
        live(agent, group, 60)
        assert not group.scale_in()
    live(agent, group, SETTLE_SECONDS + STEP_SECONDS)
    assert group.scale_in()
    agent.tick()
    assert group.state == "Terminated"


def test_work_in_quick_succession_is_one_call(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    for _ in range(20):
        with busy(tmp_path):
            agent.tick()
        agent.tick()
        group.wait(STEP_SECONDS)
    assert group.calls == ["protect"]


def test_as_long_as_one_of_many_slots_works_the_machine_is_busy(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    with busy(tmp_path):
        with busy(tmp_path):
            live(agent, group, 30)
        live(agent, group, 60)
    assert group.calls == ["protect"]


def test_a_machine_stays_protected_when_the_call_that_ends_it_fails(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    with busy(tmp_path):
        live(agent, group, 30)
    group.is_broken = True
    live(agent, group, 300)
    assert group.is_protected
    assert group.calls.count("unprotect") <= 300 / 30 + 4
    group.is_broken = False
    live(agent, group, 60)
    assert not group.is_protected


def test_a_machine_that_leaves_idle_is_let_go_at_once(start: STARTS, group: FakeGroup) -> None:
    agent = start()
    group.let_go()
    live(agent, group, 60)
    assert group.state == "Terminated"
    assert group.calls == ["complete"]


def test_a_busy_machine_is_kept_waiting_until_its_work_is_done(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    with busy(tmp_path):
        group.let_go()
        live(agent, group, 50 * 60)
        assert group.state == "Terminating:Wait"
        assert "complete" not in group.calls
        assert group.calls.count("heartbeat") >= 50 * 60 / HEARTBEAT_SECONDS
    agent.tick()
    assert group.state == "Terminated"


def test_workers_are_told_before_the_machine_goes_and_work_that_was_begun_is_seen(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    group.let_go()
    with busy(tmp_path):
        agent.tick()
        going = leaving(tmp_path)
        assert going is not None
        assert (going.reason, going.since, going.until) == ("scale-in", group.now, None)
        assert group.state == "Terminating:Wait"


def test_after_its_time_a_busy_machine_falls_silent_and_is_retained_not_killed(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    group.let_go()
    with busy(tmp_path):
        live(agent, group, HOUR + 2 * HEARTBEAT_SECONDS)
        assert group.state == "Terminating:Retained"
        assert "complete" not in group.calls


def test_work_that_ends_before_the_hook_lapses_still_lets_the_machine_go(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    group.let_go()
    with busy(tmp_path):
        live(agent, group, HOUR + STEP_SECONDS)
    agent.tick()
    assert group.state == "Terminated"


def test_without_an_agent_a_busy_machine_is_retained_not_killed(
    group: FakeGroup, tmp_path: Path
) -> None:
    with busy(tmp_path):
        group.let_go()
        group.wait(HEARTBEAT_SECONDS)
        assert group.state == "Terminating:Retained"


def test_an_agent_that_was_killed_goes_on_where_it_was(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    with busy(tmp_path):
        group.let_go()
        began = group.now
        live(agent, group, 20 * 60)
        group.wait(60)  # killed here, and started again by systemd
        agent = start()
        live(agent, group, 20 * 60)
        going = leaving(tmp_path)
        assert going is not None
        assert going.since == began
        assert group.state == "Terminating:Wait"
        live(agent, group, 30 * 60)
        assert group.state == "Terminating:Retained"


def test_a_protection_that_a_killed_agent_left_behind_is_lifted(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    with busy(tmp_path):
        live(start(), group, 30)
    live(start(), group, 60)
    assert not group.is_protected


def test_behind_a_load_balancer_the_machine_waits_for_its_hook_to_wait(
    start: STARTS, group: FakeGroup, metadata: FakeMetadata
) -> None:
    agent = start()
    metadata.items["autoscaling/target-lifecycle-state"] = "Terminated"
    live(agent, group, 120)
    assert group.state == "InService"
    group.let_go()
    live(agent, group, 60)
    assert group.state == "Terminated"


@pytest.mark.parametrize("trouble", ["throttled", "no metadata"])
def test_trouble_on_the_way_only_delays(
    start: STARTS, group: FakeGroup, metadata: FakeMetadata, tmp_path: Path, trouble: str
) -> None:
    agent = start()
    with busy(tmp_path):
        group.let_go()
        live(agent, group, 200)
        group.is_broken = trouble == "throttled"
        metadata.is_down = trouble == "no metadata"
        live(agent, group, 150)
        group.is_broken = metadata.is_down = False
        live(agent, group, HEARTBEAT_SECONDS)
        assert group.state == "Terminating:Wait"
    live(agent, group, 60)
    assert group.state == "Terminated"


def test_a_spot_notice_tells_workers_when_their_work_must_be_given_back(
    start: STARTS, group: FakeGroup, metadata: FakeMetadata, tmp_path: Path
) -> None:
    agent = start()
    agent.tick()
    assert leaving(tmp_path) is None
    notice = {"action": "terminate", "time": "2026-11-22T08:22:00Z"}
    metadata.items["spot/instance-action"] = json.dumps(notice)
    agent.tick()
    going = leaving(tmp_path)
    assert going is not None
    assert going.reason == "spot"
    assert going.until == 1_795_335_720 - GIVE_BACK_SECONDS
    group.let_go()
    live(agent, group, 30)
    assert group.state == "Terminated"


def test_a_spot_notice_during_a_drain_shortens_it(
    start: STARTS, group: FakeGroup, metadata: FakeMetadata, tmp_path: Path
) -> None:
    agent = start()
    with busy(tmp_path):
        group.let_go()
        agent.tick()
        notice = {"action": "terminate", "time": "2026-11-22T08:22:00Z"}
        metadata.items["spot/instance-action"] = json.dumps(notice)
        agent.tick()
        going = leaving(tmp_path)
        assert going is not None
        assert (going.reason, going.since) == ("spot", group.now)
        assert going.until is not None


def test_a_machine_that_says_it_is_ready_serves_and_says_so_once(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start(SIGNALS)
    group.launch()
    live(agent, group, 300)
    assert group.calls == []
    ready(tmp_path)
    ready(tmp_path)
    live(agent, group, 300)
    assert group.state == "InService"
    assert group.calls == ["complete"]


def test_a_machine_that_never_gets_ready_is_replaced(start: STARTS, group: FakeGroup) -> None:
    agent = start(SIGNALS)
    group.launch()
    live(agent, group, READY_SECONDS)
    assert group.state == "Replaced"


def test_a_machine_that_is_ready_before_its_hook_waits_is_not_forgotten(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start(SIGNALS)
    group.state = "Pending"
    ready(tmp_path)
    live(agent, group, 60)
    group.launch()
    live(agent, group, 60)
    assert group.state == "InService"


def test_a_machine_from_a_warm_pool_says_again_that_it_is_ready(
    start: STARTS, group: FakeGroup, metadata: FakeMetadata, tmp_path: Path
) -> None:
    metadata.items["autoscaling/target-lifecycle-state"] = "Warmed:Running"
    agent = start(SIGNALS)
    group.launch()
    ready(tmp_path)
    live(agent, group, 30)
    metadata.items["autoscaling/target-lifecycle-state"] = "InService"
    group.launch()
    live(agent, group, 30)
    assert group.calls == ["complete", "complete"]
    assert group.state == "InService"


def test_a_machine_that_goes_back_to_its_warm_pool_finishes_its_work_first(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    live(agent, group, 10)
    with busy(tmp_path):
        group.take_back()
        live(agent, group, 50 * 60)
        going = leaving(tmp_path)
        assert going is not None
        assert (going.reason, going.until) == ("warm-pool", None)
        assert group.state == "Warmed:Pending:Wait"
        assert group.calls.count("heartbeat") >= 50 * 60 / HEARTBEAT_SECONDS
        assert "complete" not in group.calls
    agent.tick()
    assert group.state == "Warmed:Stopped"


def test_a_machine_is_given_back_to_its_warm_pool_once_and_only_by_the_hook_that_waits(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start(replace(DRAINS, ready_hook=READY_HOOK, ready_seconds=READY_SECONDS))
    ready(tmp_path)
    group.launch()
    agent.tick()
    group.take_back("Running")
    live(agent, group, 600)
    assert group.state == "Warmed:Running"
    assert group.calls == ["complete", "complete"]


def test_a_machine_serves_and_goes_back_and_serves_again(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start(replace(DRAINS, ready_hook=READY_HOOK, ready_seconds=READY_SECONDS))
    ready(tmp_path)
    group.launch()
    for _ in range(3):
        live(agent, group, 20)
        assert group.state == "InService"
        assert leaving(tmp_path) is None
        with busy(tmp_path):
            live(agent, group, 30)
            assert group.is_protected
            group.take_back("Running")
            live(agent, group, 60)
        agent.tick()
        assert group.state == "Warmed:Running"
        group.is_protected = False
        group.start()


def test_an_agent_that_was_killed_still_gives_the_machine_back(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    start().tick()
    with busy(tmp_path):
        group.take_back()
        live(start(), group, 60)
        assert group.state == "Warmed:Pending:Wait"
    live(start(), group, 10)
    assert group.state == "Warmed:Stopped"
    live(start(), group, 60)
    assert group.calls.count("complete") == 1


def test_after_its_time_a_busy_machine_is_retained_and_not_stopped(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start()
    agent.tick()
    group.take_back()
    with busy(tmp_path):
        live(agent, group, HOUR + 2 * HEARTBEAT_SECONDS)
        assert group.state == "Warmed:Pending:Retained"


def test_a_machine_takes_no_work_as_long_as_it_waits_in_a_warm_pool(
    start: STARTS, group: FakeGroup, metadata: FakeMetadata, tmp_path: Path
) -> None:
    metadata.items["autoscaling/target-lifecycle-state"] = "Warmed:Stopped"
    agent = start()
    agent.tick()
    waits = leaving(tmp_path)
    assert waits is not None
    assert waits.reason == "warm-pool"
    live(agent, group, 60)
    assert leaving(tmp_path) == waits
    metadata.items["autoscaling/target-lifecycle-state"] = "InService"
    agent.tick()
    assert leaving(tmp_path) is None
    assert group.calls == []


def test_a_machine_that_leaves_from_a_warm_pool_has_its_whole_time(
    start: STARTS, group: FakeGroup, metadata: FakeMetadata, tmp_path: Path
) -> None:
    metadata.items["autoscaling/target-lifecycle-state"] = "Warmed:Running"
    agent = start()
    live(agent, group, 2 * HOUR)
    group.let_go()
    agent.tick()
    going = leaving(tmp_path)
    assert going is not None
    assert (going.reason, going.since) == ("scale-in", group.now)


def test_a_machine_without_hooks_makes_no_calls(
    start: STARTS, group: FakeGroup, tmp_path: Path
) -> None:
    agent = start(Orders())
    ready(tmp_path)
    with busy(tmp_path):
        live(agent, group, 60)
    assert group.calls == []


def test_orders_are_what_the_environment_says() -> None:
    drains = {
        "PEAKFLEET_DRAIN_HOOK": DRAIN_HOOK,
        "PEAKFLEET_DRAIN_SECONDS": "3600",
        "PEAKFLEET_HEARTBEAT_SECONDS": "300",
    }
    signals = {"PEAKFLEET_READY_HOOK": READY_HOOK, "PEAKFLEET_READY_SECONDS": "900"}
    assert Orders.of(drains) == DRAINS
    assert Orders.of(signals) == SIGNALS
