"""What a fleet refuses in templates, once the whole app is defined.

Templates are read as they will be written, so that overrides, raw resources and aspects count.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import Stack
from constructs import Construct

from peakfleet.control_plane import readable
from peakfleet.fleet.rendered import Rendered, Resources, templates_around

_MOST_USER_DATA_BYTES = 16_384
"""What EC2 takes, before it is encoded in base64."""
_GROUP, _TEMPLATE = "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::LaunchTemplate"
_ROLLING, _REPLACING = "AutoScalingRollingUpdate", "AutoScalingReplacingUpdate"
_NAMES = re.compile(r"[\w-]+")
_METADATA_KEY = re.compile(r"[\w+\-=.,:@]+", re.ASCII)
_RESOURCES_PER_FLEET, _SHARED_RESOURCES, _MOST_FLEETS = 21, 30, 20
_NO_METADATA_KEYS = frozenset({".", "..", "_index"})


def template_messages(fleet: Construct, stack: Stack, groups: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a fleet in the templates of its app.

    Args:
        fleet: The fleet.
        stack: Its stack.
        groups: Names of its groups, which are tokens, by pool.
    """
    names = stack.resolve([*groups.values()])
    pools = {str(name["Ref"]): pool for name, pool in zip(names, groups, strict=True)}
    own, others = templates_around(fleet, stack)
    if own.too_many:
        return [_too_many(stack, own.too_many)]
    templates = {
        name: pool
        for group, pool in pools.items()
        for name in _NAMES.findall(json.dumps(own.resources[group]))
        if own.resources.get(name, {}).get("Type") == _TEMPLATE
    }
    return [
        *_second_writers(own, others, pools),
        *_replaced(own.resources, pools),
        *_weights(own.resources, pools),
        *_tag_keys(stack, own.resources, [*pools, *templates]),
        *_user_data(own.resources, templates),
    ]


def _too_many(stack: Stack, said: str) -> str:
    """Return how to split a stack that has more resources than CloudFormation takes."""
    return (
        f"the stack {stack.node.path} has more resources than CloudFormation takes: {said}. Its "
        f"fleets have about {_RESOURCES_PER_FLEET} each with three pools, and share about "
        f"{_SHARED_RESOURCES}; put at most {_MOST_FLEETS} of them into a stack, and the others "
        f"into further stacks, which have control planes of their own"
    )


def _second_writers(
    own: Rendered, others: Sequence[Rendered], groups: Mapping[str, str]
) -> Iterator[str]:
    """Refuse what sets, or may reduce, the size of a pool's group."""
    for group, pool in groups.items():
        if "DesiredCapacity" in own.resources[group]["Properties"]:
            yield _second_writer(own, group, pool)
        names = _names_of(group, own, others)
        for template in (own, *others):
            known = {group, *names} if template is own else names
            for name, text in _writers(template).items():
                if _mentions(text, known):
                    yield _second_writer(template, name, pool)


def _second_writer(template: Rendered, name: str, pool: str) -> str:
    path = template.resources[name].get("Metadata", {}).get("aws:cdk:path", name)
    return (
        f"{path.removesuffix('/Resource')} also sets the size of the group of pool '{pool}', and "
        f"the two would undo each other's work every minute; remove it, or let it only add "
        f"capacity (disable_scale_in)"
    )


def _writers(template: Rendered) -> dict[str, str]:
    """Return what sets, or may reduce, the size of a group, as JSON by logical id."""
    if template.writers is None:
        template.writers = {
            name: json.dumps(given)
            for name, one in template.resources.items()
            if _writes(one["Type"], given := one.get("Properties", {}))
        }
    return template.writers


def _names_of(group: str, own: Rendered, others: Sequence[Rendered]) -> set[str]:
    """Return the names by which templates know a group, besides its own logical id."""
    given = own.resources[group]["Properties"].get("AutoScalingGroupName")
    names = {given} if isinstance(given, str) else set()
    while True:
        more = {
            name
            for template in (own, *others)
            for name, value in template.handed_on.items()
            if _mentions(value, {group, *names} if template is own else names)
        }
        if more <= names:
            return names
        names |= more


def _replaced(resources: Resources, groups: Mapping[str, str]) -> Iterator[str]:
    """Refuse update policies by which a deployment ends machines, or makes another group."""
    for name, pool in groups.items():
        policy = resources[name].get("UpdatePolicy", {})
        if found := sorted({_ROLLING, _REPLACING} & set(policy)):
            yield (
                f"the group of pool '{pool}' has the update policy {found[0]}, by which a "
                f"deployment ends machines that serve; remove it: new machines have what is new, "
                f"and the fleet lets go of old ones"
            )


def _weights(resources: Resources, groups: Mapping[str, str]) -> Iterator[str]:
    """Refuse weights, which another deployment would change under what runs."""
    for name, pool in groups.items():
        mixed = resources[name]["Properties"].get("MixedInstancesPolicy", {})
        overrides = mixed.get("LaunchTemplate", {}).get("Overrides", [])
        if any("WeightedCapacity" in one for one in overrides):
            yield (
                f"the group of pool '{pool}' has weights (WeightedCapacity), and the fleet counts "
                f"instances; remove them, and give the units of each type in units_per_instance"
            )


def _writes(kind: str, given: Mapping[str, Any]) -> bool:
    match kind:
        case "AWS::AutoScaling::ScalingPolicy":
            return _may_shrink(given)
        case "AWS::AutoScaling::ScheduledAction":
            return bool({"DesiredCapacity", "MaxSize"} & set(given))
        case "AWS::ECS::CapacityProvider":
            provider = given.get("AutoScalingGroupProvider", {})
            scaling = provider.get("ManagedScaling")
            return scaling is not None and scaling.get("Status") != "DISABLED"
        case "AWS::AutoScalingPlans::ScalingPlan":
            return True
        case _:
            return False


def _may_shrink(policy: Mapping[str, Any]) -> bool:
    if (tracking := policy.get("TargetTrackingConfiguration")) is not None:
        return str(tracking.get("DisableScaleIn")).lower() != "true"
    if (forecast := policy.get("PredictiveScalingConfiguration")) is not None:
        return bool(forecast.get("Mode") == "ForecastAndScale")  # it only raises the minimum
    steps = policy.get("StepAdjustments") or []
    changes = [step.get("ScalingAdjustment", 0) for step in steps]
    changes.append(policy.get("ScalingAdjustment") or 0)
    exact = policy.get("AdjustmentType") == "ExactCapacity"
    return exact or any(not isinstance(c, int | float) or c < 0 for c in changes)


def _mentions(value: object, names: Collection[str]) -> bool:
    """Return whether a value has one of these names, alone or as a part of a reference."""
    if not names:
        return False
    text = value if isinstance(value, str) else json.dumps(value)
    either = "|".join(map(re.escape, names))
    return re.search(rf"(?<![\w-])({either})(?![\w-])", text) is not None


def _tag_keys(stack: Stack, resources: Resources, names: list[str]) -> Iterator[str]:
    """Refuse tags that EC2 cannot put into an instance's metadata: no launch would succeed.

    The agent reads its group's name there. Any other way would be a circular reference in the
    template, or a permission to describe every group of the account. CloudFormation puts the
    tags of a stack on its groups.
    """
    data = [
        resources[name]["Properties"]["LaunchTemplateData"]
        for name in names
        if resources[name]["Type"] == _TEMPLATE
    ]
    if not any(
        one.get("MetadataOptions", {}).get("InstanceMetadataTags") == "enabled" for one in data
    ):
        return
    tags = [tag for name in names for tag in resources[name]["Properties"].get("Tags", [])]
    for one in data:
        for specified in one.get("TagSpecifications", []):
            if specified["ResourceType"] == "instance":
                tags += specified["Tags"]
    keys = {str(tag["Key"]) for tag in tags if tag.get("PropagateAtLaunch", True) is not False}
    outer: Stack | None = stack
    while outer is not None:
        keys |= set(outer.tags.tag_values())
        outer = outer.nested_stack_parent
    refused = sorted(
        key for key in keys if not _METADATA_KEY.fullmatch(key) or key in _NO_METADATA_KEYS
    )
    if refused:
        yield (
            f"instances with tags in their metadata cannot be launched with the tag keys "
            f"{', '.join(map(repr, refused))}: only letters, digits and + - = . , _ : @ are "
            f"allowed; rename them, exclude them with exclude_resource_types=['aws:cdk:stack', "
            f"'{_GROUP}', '{_TEMPLATE}'], or use Drain.none() and Readiness.in_service() without "
            f"an EfficiencyLedger"
        )


def _user_data(resources: Resources, templates: Mapping[str, str]) -> Iterator[str]:
    """Refuse user data that no launch template takes."""
    for name, pool in templates.items():
        data = resources[name]["Properties"]["LaunchTemplateData"]
        script = data.get("UserData", "")
        size = len(_text(script.get("Fn::Base64", script) if isinstance(script, dict) else script))
        if size > _MOST_USER_DATA_BYTES:
            yield (
                f"pool '{pool}': user data of {size} bytes is above the {_MOST_USER_DATA_BYTES} "
                f"bytes that EC2 takes; put what is long into a file that the script fetches, an "
                f"S3 asset for example"
            )


def _text(value: object) -> bytes:
    """Return user data in bytes; the parts of a script in parts are encoded within it."""
    if isinstance(value, dict) and set(value) == {"Fn::Base64"}:
        return b64encode(_text(value["Fn::Base64"]))
    if isinstance(value, dict) and set(value) == {"Fn::Join"}:
        separator, parts = value["Fn::Join"]
        return str(separator).encode().join(map(_text, parts))
    return str(readable(value)).encode()
