from __future__ import annotations

import json

from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.awslambda.models import LambdaFunction
from moto.cloudwatch.models import cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import EmptyResult
from moto.kms.models import Key
from moto.ssm.models import Parameter

from peakfleet_local.cloudformation.resources import Properties
from peakfleet_local.groups import complete_group
from peakfleet_local.moto import MotoObject, Patch, as_method, stock

_CREATE = "create_from_cloudformation_json"
_stock_create_function = stock(LambdaFunction, _CREATE)
_stock_create_group = stock(FakeAutoScalingGroup, _CREATE)
_stock_create_key = stock(Key, _CREATE)
_stock_create_parameter = stock(Parameter, _CREATE)


def type_patches() -> list[Patch]:
    """Return the corrections of single resource types of moto 5.2.5."""
    return [
        Patch(
            owner=FakeAutoScalingGroup,
            name="update_from_cloudformation_json",
            value=staticmethod(_update_group),
        ),
        Patch(
            owner=FakeAutoScalingGroup,
            name=_CREATE,
            value=classmethod(as_method(_create_group)),
        ),
        Patch(
            owner=CloudWatchResponse,
            name="put_composite_alarm",
            value=_put_composite_alarm,
            adds=True,
        ),
        Patch(owner=LambdaFunction, name=_CREATE, value=classmethod(as_method(_create_function))),
        Patch(owner=Key, name=_CREATE, value=classmethod(as_method(_create_key))),
        Patch(owner=Parameter, name=_CREATE, value=classmethod(as_method(_create_parameter))),
    ]


def _create_function(
    cls: MotoObject,
    resource_name: str,
    cloudformation_json: Properties,
    account_id: str,
    region_name: str,
    **kwargs: object,
) -> MotoObject:
    """Log to the group that the template names, with its layers; moto looks at neither."""
    function = _stock_create_function(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    )
    properties = cloudformation_json["Properties"]
    function.logs_group_name = properties.get("LoggingConfig", {}).get(
        "LogGroup", function.logs_group_name
    )
    function.architectures = properties.get("Architectures", function.architectures)
    function.update_configuration({"Layers": properties.get("Layers", [])})
    return function


def _create_key(
    cls: MotoObject,
    resource_name: str,
    cloudformation_json: Properties,
    account_id: str,
    region_name: str,
    **kwargs: object,
) -> MotoObject:
    """Pass policy and tags as the key's API has them; moto passes the template's form."""
    wanted = cloudformation_json["Properties"]
    properties = {
        **wanted,
        "KeyPolicy": json.dumps(wanted["KeyPolicy"]),
        "Tags": [{"TagKey": t["Key"], "TagValue": t["Value"]} for t in wanted.get("Tags", [])],
    }
    document = {**cloudformation_json, "Properties": properties}
    return _stock_create_key(cls, resource_name, document, account_id, region_name, **kwargs)


def _create_parameter(
    cls: MotoObject,
    resource_name: str,
    cloudformation_json: Properties,
    account_id: str,
    region_name: str,
    **kwargs: object,
) -> MotoObject:
    """Give a parameter without a name the generated one; moto fails."""
    properties = {"Name": resource_name, **cloudformation_json["Properties"]}
    document = {**cloudformation_json, "Properties": properties}
    return _stock_create_parameter(cls, resource_name, document, account_id, region_name, **kwargs)


def _create_group(
    cls: MotoObject,
    resource_name: str,
    cloudformation_json: Properties,
    account_id: str,
    region_name: str,
    **kwargs: object,
) -> MotoObject:
    """Give a group the hooks and the lifecycle policy of its template; moto drops them."""
    group = _stock_create_group(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    )
    backend = autoscaling_backends[account_id][region_name]
    complete_group(backend, group.name, cloudformation_json["Properties"])
    return group


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
