"""Resource types that moto knows and gets wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.awslambda.models import LambdaFunction
from moto.cloudwatch.models import cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import EmptyResult
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer, FakeTargetGroup, elbv2_backends
from moto.kms.models import Key
from moto.ssm.models import Parameter

from peakfleet_local.cloudformation.resources import Properties
from peakfleet_local.groups import complete_group
from peakfleet_local.moto import MotoObject, Patch, as_method, stock

ZONE_OF_BALANCERS = "Z35SXDOTRQ7X7K"
_CREATE = "create_from_cloudformation_json"


def type_patches() -> list[Patch]:
    """Return the corrections of single resource types of moto 5.2.5."""
    group, balancer = FakeAutoScalingGroup, FakeLoadBalancer
    replaced: tuple[tuple[object, str, object], ...] = (
        (group, "update_from_cloudformation_json", staticmethod(_update_group)),
        (balancer, _CREATE, staticmethod(_create_balancer)),
        (balancer, "get_cfn_attribute", as_method(_balancer_attribute)),
        (ELBv2Backend, "convert_and_validate_properties", as_method(_default_actions)),
    )
    added: tuple[tuple[object, str, object], ...] = (
        (CloudWatchResponse, "put_composite_alarm", _put_composite_alarm),
        (FakeTargetGroup, "get_cfn_attribute", as_method(_target_group_attribute)),
    )
    return [
        _creating(group, finish=_finish_group),
        _creating(LambdaFunction, finish=_finish_function),
        _creating(FakeTargetGroup, finish=_register_targets),
        _creating(Key, prepare=_key_properties),
        _creating(Parameter, prepare=_parameter_properties),
        *(Patch(owner=o, name=n, value=v) for o, n, v in replaced),
        *(Patch(owner=o, name=n, value=v, adds=True) for o, n, v in added),
    ]


def _creating(
    model: type,
    *,
    prepare: Callable[[str, Properties], Properties] = lambda _, properties: properties,
    finish: Callable[[MotoObject, Properties], None] = lambda _, __: None,
) -> Patch:
    """Return the creation of a resource from a template with what moto forgets.

    Args:
        model: moto's class of the resource.
        prepare: Makes properties that moto understands, from its generated name and those of
            the template. Default: they stay.
        finish: Gives the created resource what moto dropped. Default: nothing.
    """
    create = stock(model, _CREATE)

    def created(
        cls: MotoObject, name: str, document: Mapping[str, Properties], *place: str, **more: object
    ) -> MotoObject:
        properties = document.get("Properties", {})
        prepared = {**document, "Properties": prepare(name, properties)}
        resource = create(cls, name, prepared, *place, **more)
        finish(resource, properties)
        return resource

    return Patch(owner=model, name=_CREATE, value=classmethod(as_method(created)))


def _finish_function(function: MotoObject, properties: Properties) -> None:
    """Log to the group that the template names, with its layers; moto looks at neither."""
    function.logs_group_name = properties.get("LoggingConfig", {}).get(
        "LogGroup", function.logs_group_name
    )
    function.architectures = properties.get("Architectures", function.architectures)
    function.update_configuration({"Layers": properties.get("Layers", [])})


def _finish_group(group: MotoObject, properties: Properties) -> None:
    """Give a group the hooks and the lifecycle policy of its template; moto drops them."""
    complete_group(group.autoscaling_backend, group.name, properties)


def _key_properties(_name: str, properties: Properties) -> Properties:
    """Pass policy and tags as the key's API has them; moto passes the template's form."""
    return {
        **properties,
        "KeyPolicy": json.dumps(properties["KeyPolicy"]),
        "Tags": [{"TagKey": t["Key"], "TagValue": t["Value"]} for t in properties.get("Tags", [])],
    }


def _parameter_properties(name: str, properties: Properties) -> Properties:
    """Give a parameter without a name the generated one; moto fails."""
    return {"Name": name, **properties}


def _update_group(
    original_resource: MotoObject,
    new_resource_name: str,  # noqa: ARG001 - moto passes it, the group keeps its name
    cloudformation_json: Properties,
    account_id: str,
    region_name: str,
) -> MotoObject:
    """Change a group in place; moto deletes it and makes another, without its instances."""
    wanted = cloudformation_json["Properties"]
    backend: MotoObject = autoscaling_backends[account_id][region_name]
    hooks = {hook["LifecycleHookName"] for hook in wanted.get("LifecycleHookSpecificationList", ())}
    for name in getattr(original_resource, "template_hooks", set()) - hooks:
        backend.delete_lifecycle_hook(original_resource.name, name)
    complete_group(backend, original_resource.name, wanted)
    return backend.update_auto_scaling_group(
        name=original_resource.name,
        availability_zones=wanted.get("AvailabilityZones", []),
        desired_capacity=_whole(wanted.get("DesiredCapacity")),
        max_size=_whole(wanted.get("MaxSize")),
        min_size=_whole(wanted.get("MinSize")),
        launch_config_name=wanted.get("LaunchConfigurationName"),
        launch_template=wanted.get("LaunchTemplate", {}),
        vpc_zone_identifier=",".join(wanted.get("VPCZoneIdentifier", [])) or None,
        health_check_period=_whole(wanted.get("HealthCheckGracePeriod")),
        health_check_type=wanted.get("HealthCheckType"),
        mixed_instances_policy=wanted.get("MixedInstancesPolicy"),
    )


def _put_composite_alarm(response: MotoObject) -> EmptyResult:
    """Keep a composite alarm, which moto's model knows and its API does not."""
    wanted = response._get_params()  # noqa: SLF001 - moto's own way
    backend: MotoObject = cloudwatch_backends[response.current_account][response.region]
    backend.put_metric_alarm(
        name=wanted["AlarmName"],
        rule=wanted["AlarmRule"],
        description=wanted.get("AlarmDescription"),
        alarm_actions=wanted.get("AlarmActions", []),
        ok_actions=wanted.get("OKActions", []),
        insufficient_data_actions=wanted.get("InsufficientDataActions", []),
        actions_enabled=wanted.get("ActionsEnabled"),
        tags=wanted.get("Tags", []),
        namespace=None,
        metric_name=None,
        comparison_operator=None,
        evaluation_periods=None,
        period=None,
        threshold=None,
        statistic=None,
        dimensions=[],
    )
    return EmptyResult()


def _whole(value: object) -> int | None:
    return None if value is None else int(str(value))


def _create_balancer(
    resource_name: str,
    cloudformation_json: Properties,
    account_id: str,
    region_name: str,
    **_kwargs: object,
) -> MotoObject:
    """Make the kind of balancer that was asked for; moto makes an application one."""
    wanted = cloudformation_json["Properties"]
    balancer = elbv2_backends[account_id][region_name].create_load_balancer(
        resource_name,
        wanted.get("SecurityGroups", []),
        wanted.get("Subnets", []),
        subnet_mappings=wanted.get("SubnetMappings"),
        scheme=wanted.get("Scheme", "internet-facing"),
        loadbalancer_type=wanted.get("Type", "application"),
        tags=wanted.get("Tags", []),
    )
    for attribute in wanted.get("LoadBalancerAttributes", []):
        balancer.attrs[attribute["Key"]] = str(attribute["Value"])
    return balancer


def _balancer_attribute(balancer: MotoObject, attribute_name: str) -> object:
    """Return any attribute; moto leaves out the full name, which metrics need."""
    return {
        "Arn": balancer.arn,
        "DNSName": balancer.dns_name,
        "LoadBalancerName": balancer.name,
        "LoadBalancerArn": balancer.arn,
        "LoadBalancerFullName": balancer.arn.partition("loadbalancer/")[2],
        "CanonicalHostedZoneID": ZONE_OF_BALANCERS,
        "SecurityGroups": balancer.security_groups,
    }[attribute_name]


def _register_targets(group: MotoObject, properties: Properties) -> None:
    """Register the targets of the template, which are healthy from then on; moto forgets them."""
    targets = [
        {**target, **({"Port": int(target["Port"])} if "Port" in target else {})}
        for target in properties.get("Targets", ())
    ]
    group.register(targets)


def _target_group_attribute(group: MotoObject, attribute_name: str) -> object:
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "TargetGroupFullName": group.arn.rpartition(":")[2],
        "LoadBalancerArns": list(group.load_balancer_arns),
    }[attribute_name]


def _default_actions(_backend: MotoObject, properties: Properties) -> list[Properties]:
    """Keep forward actions that name several weighted groups; moto expects one."""
    return [
        {"Type": "forward", "TargetGroupArn": action["TargetGroupArn"]}
        if action["Type"] == "forward" and "TargetGroupArn" in action
        else action
        for action in properties["DefaultActions"]
    ]
