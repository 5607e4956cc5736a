"""The items of the state table, in DynamoDB's own attribute form.

The table has the partition key `fleet` (S), the sort key `item` (S) and the time-to-live
attribute `expires_at` (N, epoch seconds). A fleet has:

| `item` | attributes | written by |
|---|---|---|
| `HOLD` | `owner` S, `reason` S, `until` N, `expires_at` N | a human |
| `LATEST` | `tick` and `cloud_weight` N, `plan` S, and M by pool: | a tick |
| | `desired`, `before`, `growth`, `heights` | |
| `MODEL` | `learned` N, `model` B: gzip-compressed JSON, `expires_at` N | the learner |
| `DECISION#<ISO-8601 tick time>` | `tick` N, `plan` S, `expires_at` N | a tick that acts |

`tick`, `until` and `learned` are epoch seconds. `DECISION#` sorts before all that a tick reads, so
that one query from `DRAIN#` on reads everything without the history. The items of facts are in
`fact_items`.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from peakfleet_handlers.state.by_pool import capacities, read_capacities, read_steps, steps
from peakfleet_planner import DemandModel, Growth, Heights, Hold, Plan, read_model

HOLD, LATEST, MODEL, DECISION_PREFIX = "HOLD", "LATEST", "MODEL", "DECISION#"
FIRST_READ = "DRAIN#"
"""A tick reads every item from here on; what sorts before is no concern of a decision."""
DECISION_KEPT_SECONDS = 30 * 24 * 3600
MODEL_KEPT_SECONDS = 24 * 3600

Item = dict[str, Any]
"""DynamoDB's attribute form: attribute name to `{"S": ...}`, `{"N": ...}` and so on."""


def key(fleet: str, item: str) -> Item:
    """Return the key of one item of a fleet."""
    return {"fleet": {"S": fleet}, "item": {"S": item}}


def hold_item(fleet: str, hold: Hold) -> Item:
    """Return the item that freezes a fleet until its hold ends."""
    until = {"N": str(hold.until_epoch_seconds)}
    return {
        **key(fleet, HOLD),
        "owner": {"S": hold.owner},
        "reason": {"S": hold.reason},
        "until": until,
        "expires_at": until,
    }


def read_hold(item: Mapping[str, Any]) -> Hold:
    """Return the hold that an item says.

    Raises:
        KeyError, TypeError, ValueError: The item is no hold.
    """
    return Hold(
        owner=item["owner"]["S"],
        reason=item["reason"]["S"],
        until_epoch_seconds=int(item["until"]["N"]),
    )


def latest_item(
    fleet: str,
    *,
    tick: int,
    desired: Mapping[str, int],
    before: Mapping[str, int],
    growth: Mapping[str, Growth],
    heights: Mapping[str, Heights] | None = None,
    cloud_weight: int | None,
    plan: Plan,
) -> Item:
    """Return the item that remembers the last change.

    Args:
        fleet: The fleet.
        tick: Time of the tick in epoch seconds.
        desired: Desired capacity by pool.
        before: Desired capacity by pool before the change.
        growth: When each pool was asked for more, and for how many points.
        heights: How large each pool was lately, where what is let go waits. Default: not known.
        cloud_weight: Percent of the traffic that the fleet is known to get; None if unknown.
        plan: What was decided.
    """
    item: Item = {
        **key(fleet, LATEST),
        "tick": {"N": str(tick)},
        "desired": capacities(desired),
        "before": capacities(before),
        "growth": steps(growth),
        "heights": steps(heights or {}),
        "plan": {"S": _text(plan)},
    }
    return item if cloud_weight is None else {**item, "cloud_weight": {"N": str(cloud_weight)}}


def confirmation(
    fleet: str, *, tick: int, plan: Plan, desired: Mapping[str, int], cloud_weight: int | None
) -> tuple[Item, Item]:
    """Return the update of the last change, unless a later tick has made one, and its record.

    Args:
        fleet: The fleet.
        tick: Time of the tick in epoch seconds.
        plan: What was done.
        desired: Desired capacity by pool.
        cloud_weight: Percent of the traffic that the fleet is known to get; None if unknown.
    """
    names = {"#desired": "desired", "#plan": "plan", "#tick": "tick"}
    values = {
        ":desired": capacities(desired),
        ":plan": {"S": _text(plan)},
        ":tick": {"N": str(tick)},
    }
    change = "SET #desired = :desired, #plan = :plan"
    if cloud_weight is not None:
        change += ", #weight = :weight"
        names["#weight"] = "cloud_weight"
        values[":weight"] = {"N": str(cloud_weight)}
    update: Item = {
        "Key": key(fleet, LATEST),
        "UpdateExpression": change,
        "ConditionExpression": "#tick = :tick",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    return update, decision_item(fleet, tick=tick, plan=plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The last change.

    Args:
        desired: Desired capacity by pool after it.
        before: And before it.
        growth: When each pool was asked for more, and for how many points, oldest first.
        heights: How large each pool was lately, where what is let go waits.
        cloud_weight: Percent of the traffic that the fleet gets; None if it is unknown.
    """

    desired: Mapping[str, int]
    before: Mapping[str, int]
    growth: Mapping[str, Growth]
    heights: Mapping[str, Heights]
    cloud_weight: int | None


NOTHING_YET = Latest(desired={}, before={}, growth={}, heights={}, cloud_weight=None)


def read_latest(item: Mapping[str, Any]) -> Latest:
    """Return the last change as an item remembers it.

    Raises:
        KeyError, TypeError, ValueError: The item is no record of a change.
    """
    weight = item.get("cloud_weight")
    return Latest(
        desired=read_capacities(item["desired"]),
        before=read_capacities(item.get("before", {"M": {}})),
        growth=read_steps(item.get("growth", {"M": {}})),
        heights=read_steps(item.get("heights", {"M": {}})),
        cloud_weight=None if weight is None else int(weight["N"]),
    )


def decision_item(fleet: str, *, tick: int, plan: Plan) -> Item:
    """Return the record of one decision; DynamoDB deletes it after 30 days.

    Args:
        fleet: The fleet.
        tick: Time of the tick in epoch seconds.
        plan: What was decided.
    """
    time = datetime.fromtimestamp(tick, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        **key(fleet, DECISION_PREFIX + time),
        "tick": {"N": str(tick)},
        "plan": {"S": _text(plan)},
        "expires_at": {"N": str(tick + DECISION_KEPT_SECONDS)},
    }


def model_item(fleet: str, model: DemandModel) -> Item:
    """Return the item that keeps what was learned; DynamoDB deletes it after a day."""
    learned = model.learned_at_epoch_seconds
    text = json.dumps(model.to_json(), separators=(",", ":"), allow_nan=False)
    return {
        **key(fleet, MODEL),
        "learned": {"N": str(learned)},
        "model": {"B": gzip.compress(text.encode(), mtime=0)},
        "expires_at": {"N": str(learned + MODEL_KEPT_SECONDS)},
    }


def read_model_item(item: Mapping[str, Any]) -> DemandModel | None:
    """Return the model that an item keeps; None if it is of another version of this code.

    The same bytes give the same object, so that a tick neither unpacks a model again nor loses
    what foresight remembers of it.

    Raises:
        KeyError, TypeError, ValueError: The item keeps no model.
    """
    return _unpacked(bytes(item["model"]["B"]))


@lru_cache(maxsize=4)
def _unpacked(packed: bytes) -> DemandModel | None:
    try:
        document = json.loads(gzip.decompress(packed))
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"damaged: {error}") from error
    if document["version"] != DemandModel.document_version:
        return None
    model = read_model(document)
    if model is None:
        raise ValueError("it describes no model of this version")
    return model


def _text(plan: Plan) -> str:
    return json.dumps(plan.to_json(), separators=(",", ":"))
