"""What an alarm or a decision says leads to a section that says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk.assertions import Template

from peakfleet import ControlPlane, DemandSignal, Reads, SpecError
from peakfleet.runbooks import RUNBOOKS
from peakfleet_cli.operate.explanation import GUIDE
from peakfleet_planner import Reason
from tests.infra.fleets import burst_fleet, metric, new_stack
from tests.infra.test_examples import stack_of

ROOT = Path(__file__).parents[2]
ALARMS = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}
RUNBOOK = re.compile(r" Runbook: (\S+)#(\S+)$")


def sections(page: str) -> dict[str, str]:
    """Return the sections of a page, by what a link calls them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = (one.partition("\n") for one in text.split("\n## ")[1:])
    return {heading.lower(): body for heading, _, body in found}


def texts(stack: Stack) -> list[str]:
    """Return what the alarms of a stack say."""
    return [
        one["Properties"].get("AlarmDescription", "")
        for one in Template.from_stack(stack).to_json()["Resources"].values()
        if one["Type"] in ALARMS
    ]


def test_every_alarm_leads_to_a_section_that_says_what_to_do_and_every_section_is_led_to() -> None:
    seconds = metric("Streams", period=Duration.seconds(10))
    fast = new_stack("Fast")
    plane = ControlPlane(fast, "Plane", reads=Reads.shared())
    burst_fleet(fast, signals=[DemandSignal.metric(seconds)], control_plane=plane)
    stacks = [fast, *map(stack_of, ("queue_workers", "inference", "training"))]
    links = {text: RUNBOOK.search(text) for stack in stacks for text in texts(stack)}
    assert [text for text, link in links.items() if link is None] == []
    assert {link[1] for link in links.values() if link} == {"docs/reference/alarms.md"}
    page = sections("docs/reference/alarms.md")
    assert {link[2] for link in links.values() if link} == set(page)
    assert [name for name, body in page.items() if "**What to do:**" not in body] == []


def test_what_explain_says_of_a_reason_leads_to_its_section() -> None:
    assert set(sections(GUIDE)) == {reason.value for reason in Reason}


def test_every_metric_has_a_line_that_says_what_to_do() -> None:
    text = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    rows = [row.strip("|").split("|") for row in text.splitlines() if row.startswith("| `")]
    assert rows
    assert [row[0] for row in rows if not row[2].strip()] == []


def test_a_team_sets_where_alarms_lead() -> None:
    page = "https://wiki.example.com/peakfleet/alarms.html"
    stack = Stack(App(context={RUNBOOKS: page, "aws:cdk:disable-asset-staging": True}), "Media")
    burst_fleet(stack)
    found = texts(stack)
    assert len(found) == 9
    assert all(f" Runbook: {page}#" in text for text in found)


@pytest.mark.parametrize("page", ["a page", "page#part", 7, "https://" + "x" * 1000])
def test_an_address_that_leads_nowhere_is_refused(page: object) -> None:
    stack = Stack(App(context={RUNBOOKS: page}), "Media")
    with pytest.raises(SpecError, match=RUNBOOKS):
        burst_fleet(stack)
