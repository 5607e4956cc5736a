"""What makes moto fast where a tick and a replay spend their time; answers stay the same."""

from __future__ import annotations

import copy
import json
import re
import threading
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionContext, ActionResult
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoResult
from moto.ec2.models.amis import AmiBackend

from peakfleet_local.moto.patches import MotoObject, Patch, as_method, stock
from peakfleet_local.moto.serial import TABLES

_NO_INSTANCES = re.compile(r"<Instances\s*/>|<Instances>\s*</Instances>")
_stock_describe = stock(AutoScalingResponse, "describe_auto_scaling_groups")
_stock_transact = stock(DynamoDBBackend, "transact_write_items")
_stock_execute = stock(ActionResult, "execute_result")
_transaction = threading.local()
_OF_ITEMS: Final = frozenset({"BatchGetItem", "GetItem", "Query"})
"""Calls of DynamoDB that answer with items, which are JSON as they are."""
_stock_images = stock(AmiBackend, "describe_images")


def speed_patches() -> list[Patch]:
    """Return the replacements of slow parts of moto 5.2.5.

    Before each write of a transaction moto copies the whole table, item by item, to undo one
    that fails. Puts and deletes exchange whole items, so that remembering which there were is
    enough.
    """
    describe = as_method(_describe_groups)
    return [
        Patch(owner=AutoScalingResponse, name="describe_auto_scaling_groups", value=describe),
        Patch(owner=AmiBackend, name="describe_images", value=as_method(_describe_images)),
        Patch(owner=DynamoDBBackend, name="transact_write_items", value=as_method(_transact)),
        Patch(owner=DynamoResult, name="execute_result", value=as_method(_answer), adds=True),
        Patch(owner=models, name="copy", value=_Copies),
    ]


def _answer(result: MotoObject, context: ActionContext) -> MotoObject:
    """Write items as the JSON that they are; moto looks up the shape of each attribute."""
    if context.operation_model.name not in _OF_ITEMS:
        return _stock_execute(result, context)
    given = {name: value for name, value in result.result.items() if value is not None}
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(given, default=_text)


def _text(value: bytes) -> str:
    return b64encode(value).decode()


def _describe_images(backend: MotoObject, *args: MotoObject, **named: MotoObject) -> MotoObject:
    """Look one image up by its id; every launch does, and moto matches all 1300 of them."""
    filters = named.get("filters") or {}
    if not args and set(named) == {"filters"} and set(filters) == {"image-id"}:
        image = backend.amis.get(filters["image-id"])
        if image is not None:
            return [image]
    return _stock_images(backend, *args, **named)


def _describe_groups(response: MotoObject) -> ActionResult:
    """Describe groups with instances that are written here, not by moto's serializer."""
    described = _stock_describe(response).result
    groups = described["AutoScalingGroups"]
    return _WithInstances({**described, "AutoScalingGroups": [_Emptied(g) for g in groups]}, groups)


class _Emptied:
    """A group as it is, but for its instances."""

    instances = ()

    def __init__(self, group: MotoObject) -> None:
        self._group = group

    def __getattr__(self, name: str) -> MotoObject:
        return getattr(self._group, name)


class _WithInstances(ActionResult):
    """Groups whose instances are put into the answer after it is written."""

    def __init__(self, result: dict[str, Any], groups: list[MotoObject]) -> None:
        super().__init__(result)
        self._groups = groups

    def execute_result(self, context: ActionContext) -> MotoObject:
        status, headers, body = super().execute_result(context)
        text = body.decode() if isinstance(body, bytes) else str(body)
        lists = iter([f"<Instances>{''.join(_members(g))}</Instances>" for g in self._groups])
        return status, headers, _NO_INSTANCES.sub(lambda _: next(lists), text)


def _members(group: MotoObject) -> Iterator[str]:
    template = _template(group)
    for state in group.instance_states:
        weight = state.weighted_capacity
        yield (
            "<member>"
            f"<InstanceId>{state.instance_id}</InstanceId>"
            f"<InstanceType>{state.instance_type}</InstanceType>"
            f"<AvailabilityZone>{state.availability_zone}</AvailabilityZone>"
            f"<LifecycleState>{state.lifecycle_state}</LifecycleState>"
            f"<HealthStatus>{state.health_status}</HealthStatus>"
            f"{template}"
            f"<ProtectedFromScaleIn>{str(state.protected_from_scale_in).lower()}"
            "</ProtectedFromScaleIn>"
            f"{f'<WeightedCapacity>{weight}</WeightedCapacity>' if weight else ''}"
            "</member>"
        )


def _template(group: MotoObject) -> str:
    template = group.ec2_launch_template
    if template is None:
        name = group.launch_configuration_name
        return f"<LaunchConfigurationName>{name}</LaunchConfigurationName>"
    return (
        "<LaunchTemplate>"
        f"<LaunchTemplateId>{template.id}</LaunchTemplateId>"
        f"<LaunchTemplateName>{template.name}</LaunchTemplateName>"
        f"<Version>{template.default_version_number}</Version>"
        "</LaunchTemplate>"
    )


def _transact(backend: MotoObject, transact_items: Sequence[Mapping[str, MotoObject]]) -> None:
    """Write a transaction; one that changes items in place is left to moto."""
    _transaction.exchanges_only = not any("Update" in item for item in transact_items)
    try:
        with TABLES:
            _stock_transact(backend, transact_items)
    finally:
        _transaction.exchanges_only = False


class _Copies:
    """Stands for the module `copy` where moto copies tables."""

    @staticmethod
    def deepcopy(original: MotoObject) -> MotoObject:
        """Copy a table as deep as its transaction needs, and anything else deeply."""
        exchanges_only = getattr(_transaction, "exchanges_only", False)
        if isinstance(original, Table) and exchanges_only and original.stream_shard is None:
            return _remembered(original)
        return copy.deepcopy(original)


def _remembered(table: MotoObject) -> MotoObject:
    remembered = copy.copy(table)
    remembered.items = defaultdict(dict)
    for key, held in table.items.items():
        remembered.items[key] = dict(held) if isinstance(held, dict) else held
    return remembered
