"""What a schedule sends: the specification of a fleet, as JSON that the tick reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import jsii
from aws_cdk import IResolvable, IStableAnyProducer, Lazy

from peakfleet_planner import FleetSpec, SpecError
from peakfleet_planner.gang import GangSpec

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""EventBridge Scheduler puts the time of the tick here, for example 2022-03-22T18:59:43Z."""
MOST_BYTES = 256 * 1024
"""The most that EventBridge Scheduler sends to a target."""
_RESOLVED_BYTES = 255  # the longest name of an Auto Scaling group; queue names and ARNs are shorter
_LATE = re.compile(r"\$\{Token\[[^\]]*\]\}")
"""How what only the deployment knows stands in a text."""


def spec_document(spec: Callable[[], FleetSpec | GangSpec]) -> IResolvable:
    """Return a specification in JSON form for a template.

    It is read once, at the end of the synth: signals may still be added.

    Args:
        spec: Returns the specification as of now.
    """
    return Lazy.any(_Document(spec))


@jsii.implements(IStableAnyProducer)
class _Document:
    def __init__(self, spec: Callable[[], FleetSpec | GangSpec]) -> None:
        self._spec = spec

    def produce(self) -> dict[str, Any]:
        """Return it; the CDK calls this."""
        try:
            return self._spec().to_json()
        except SpecError:
            return {}  # the CDK resolves first and validates then, and that says what is wrong


def payload(spec: object, *, field: str = "spec") -> dict[str, object]:
    """Return what the schedule sends; *spec* is a specification in JSON form, or its token."""
    return {"scheduled_time": SCHEDULED_TIME, field: spec}


def payload_bytes(sent: object) -> int:
    """Return about how many bytes a schedule sends, once the deployment has put in all names."""
    return len(_LATE.sub("x" * _RESOLVED_BYTES, json.dumps(sent)))


def check_size(spec: FleetSpec) -> None:
    """Refuse a specification that the schedule cannot send."""
    size = payload_bytes(payload(spec.to_json()))
    if size > MOST_BYTES:
        raise SpecError(
            f"its specification of about {size} bytes is above the {MOST_BYTES} bytes that a "
            f"schedule sends; split the fleet, it has {len(spec.signals)} signals and "
            f"{len(spec.pools)} pools"
        )


def readable(value: object, *, stand_in: str | None = None) -> Any:  # noqa: ANN401  JSON data
    """Return resolved template data with every intrinsic function replaced by plain text.

    Args:
        value: Data as `Stack.resolve` or a template has it.
        stand_in: What replaces a reference. Default: its logical id and attribute.
    """
    if isinstance(value, list):
        return [readable(item, stand_in=stand_in) for item in value]
    if not isinstance(value, dict):
        return value
    text = _intrinsic(value, stand_in)
    if text is not None:
        return text
    return {key: readable(item, stand_in=stand_in) for key, item in value.items()}


def _intrinsic(value: dict[str, Any], stand_in: str | None) -> str | None:
    """Return what stands for an intrinsic function; None if *value* is plain data."""
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            return stand_in or name
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return stand_in or f"{name}.{attribute}"
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(readable(part, stand_in=stand_in)) for part in parts)
        case {"Fn::ImportValue": name}:
            return stand_in or str(readable(name))
        case _:
            return None
