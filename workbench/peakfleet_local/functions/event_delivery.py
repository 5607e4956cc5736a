"""EventBridge and asynchronous invocations: events reach the functions whose rules match."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.events.models import events_backends

from peakfleet_local.functions.functions import Functions
from peakfleet_local.functions.worker import Invocation
from peakfleet_local.moto import Json, MotoObject
from peakfleet_local.world import CloudEvent, World

MOST_INVOCATIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One function that was invoked because something happened.

    Args:
        function: Its name.
        event: What it was given.
        answer: What it answered, or the error as AWS reports it.
        failed: Whether it failed.
        rule: Name of the rule that matched. Default: another function invoked it.
    """

    function: str
    event: Json
    answer: Json
    failed: bool
    rule: str = ""


class Delivery:
    """Gives events to functions, one after the other, in the order in which they happened.

    Args:
        world: Whose events are delivered.
        functions: Where deployed code runs.
        account: Whose rules.
        region: Whose rules.

    Limitations:
        Only rules of the default bus and their Lambda targets, which get the whole event or
        a constant. A failed invocation is not repeated and reaches no dead-letter queue.
        Permissions are not looked at.
    """

    def __init__(self, *, world: World, functions: Functions, account: str, region: str) -> None:
        self._world = world
        self._functions = functions
        self._account = account
        self._region = region

    def deliver(self) -> tuple[Delivered, ...]:
        """Deliver what has happened, and what that makes functions invoke, until all is quiet.

        Returns:
            What was invoked, in order.

        Raises:
            RuntimeError: Functions go on invoking each other.
        """
        said: list[Delivered] = []
        for each in self._invocations():
            said.append(each)
            if len(said) > MOST_INVOCATIONS:
                raise RuntimeError(f"more than {MOST_INVOCATIONS} invocations, the last: {each}")
        return tuple(said)

    def _invocations(self) -> Iterator[Delivered]:
        yield from self._queued()
        while self._world.events:
            event = self._world.events.popleft()
            for rule, arn, payload in self._targets(event):
                yield _delivered(arn, payload, self._invoke(arn, payload), rule=rule)
                yield from self._queued()

    def _queued(self) -> Iterator[Delivered]:
        while (queued := self._functions.take_queued()) is not None:
            arn, payload = queued
            yield _delivered(arn, payload, self._invoke(arn, payload))

    def _invoke(self, arn: str, payload: Json) -> Invocation:
        return self._functions.invoke(arn=arn, event=payload)

    def _targets(self, event: CloudEvent) -> Iterator[tuple[str, str, Json]]:
        bus: MotoObject = events_backends[self._account][self._region].event_buses["default"]
        for rule in list(bus.rules.values()):
            if rule.state != "ENABLED" or rule.scheduled_expression:
                continue
            if rule.event_pattern.matches_event(event):
                for target in rule.targets:
                    if ":lambda:" in target["Arn"]:
                        yield rule.name, target["Arn"], _payload(target, event)


def _payload(target: Mapping[str, Any], event: CloudEvent) -> Json:
    """Return what a target wants of an event: all of it, or a constant."""
    for unknown in ("InputPath", "InputTransformer"):
        if unknown in target:
            raise NotImplementedError(f"the local AWS has no {unknown}: {target['Arn']}")
    return json.loads(target["Input"]) if "Input" in target else dict(event)


def _delivered(arn: str, payload: Json, invocation: Invocation, *, rule: str = "") -> Delivered:
    return Delivered(
        function=arn.split(":")[6],
        event=payload,
        answer=json.loads(invocation.payload),
        failed=invocation.failed,
        rule=rule,
    )
