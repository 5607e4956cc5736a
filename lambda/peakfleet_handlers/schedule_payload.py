"""The event: what a schedule sends, to the tick and to the learner alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from peakfleet_planner import FleetSpec, SpecError


def read_event(event: object) -> tuple[FleetSpec, int]:
    """Return the specification in an event, and its scheduled time in epoch seconds.

    Args:
        event: `{"scheduled_time": <ISO-8601>, "spec": <fleet spec>}`.

    Raises:
        SpecError: The event is not such a document; the message names the field.
    """
    document, now_epoch_seconds = read_parts(event, "spec")
    return FleetSpec.from_json(document), now_epoch_seconds


def read_parts(event: object, field: str) -> tuple[Mapping[str, Any], int]:
    """Return the document in a field of an event, and its scheduled time in epoch seconds.

    Args:
        event: `{"scheduled_time": <ISO-8601>, <field>: <document>}`.
        field: Where the document is.

    Raises:
        SpecError: The event is not such a document; the message names the field.
    """
    document, now_epoch_seconds = _fields(event, field)
    if not isinstance(document, Mapping):
        raise SpecError(f"event.{field} must be an object, got {document!r}")
    return document, now_epoch_seconds


def read_several(event: object, field: str) -> tuple[Sequence[object], int]:
    """Return the documents in a field of an event, and its scheduled time in epoch seconds.

    Args:
        event: `{"scheduled_time": <ISO-8601>, <field>: [<document>, ...]}`.
        field: Where the documents are.

    Raises:
        SpecError: The event is not such a document; the message names the field.
    """
    documents, now_epoch_seconds = _fields(event, field)
    if not isinstance(documents, list):
        raise SpecError(f"event.{field} must be a list, got {documents!r}")
    return documents, now_epoch_seconds


def _fields(event: object, field: str) -> tuple[object, int]:
    if not isinstance(event, Mapping):
        raise SpecError(f"event must be an object, got {event!r}")
    for name in ("scheduled_time", field):
        if name not in event:
            raise SpecError(f"event: missing field {name}")
    return event[field], _epoch_seconds(event["scheduled_time"])


def _epoch_seconds(text: object) -> int:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise SpecError(
            f"event.scheduled_time must be a time such as 2022-03-22T18:59:43Z, got {text!r}"
        )
    return int(time.timestamp())
