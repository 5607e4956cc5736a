from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionContext, ActionResult
from moto.ec2.models.amis import AmiBackend

from peakfleet_local.moto.backends import MotoObject, Patch, as_method, stock

_NO_INSTANCES = re.compile(r"<Instances\s*/>|<Instances>\s*</Instances>")
_stock_describe = stock(AutoScalingResponse, "describe_auto_scaling_groups")
_stock_images = stock(AmiBackend, "describe_images")


def speed_patches() -> list[Patch]:
    """Return what makes moto 5.2.5 fast where a tick spends its time; answers stay the same."""
    describe = as_method(_describe_groups)
    images = as_method(_describe_images)
    return [
        Patch(owner=AutoScalingResponse, name="describe_auto_scaling_groups", value=describe),
        Patch(owner=AmiBackend, name="describe_images", value=images),
    ]


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
