from __future__ import annotations

from collections.abc import Callable, Iterator

from peakfleet_local.cloudformation.resources import (
    Clients,
    Handlers,
    Properties,
    Resource,
    call,
    unless_gone,
)
from peakfleet_local.moto import Json

SCHEDULE_NAME_LENGTH = 64


def auto_scaling(clients: Clients) -> Iterator[Handlers]:
    def policy(name: str, properties: Properties) -> Resource:
        wanted: dict[str, Json] = {
            "PolicyName": name,
            "PolicyType": "SimpleScaling",
            **properties,
        }
        call(clients("autoscaling"), "PutScalingPolicy", wanted)
        # moto's answer has no ARN, its description has.
        found = clients("autoscaling").describe_policies(
            AutoScalingGroupName=wanted["AutoScalingGroupName"],
            PolicyNames=[wanted["PolicyName"]],
        )
        arn = found["ScalingPolicies"][0]["PolicyARN"]
        return Resource(arn, {"Arn": arn, "PolicyName": wanted["PolicyName"]})

    def delete_policy(arn: str, properties: Properties) -> None:
        clients("autoscaling").delete_policy(
            AutoScalingGroupName=properties["AutoScalingGroupName"],
            PolicyName=arn.rpartition("policyName/")[2],
        )

    def change_policy(old: Resource, properties: Properties) -> Resource:
        return policy(old.attributes["PolicyName"], properties)

    def hook(name: str, properties: Properties) -> Resource:
        wanted = {"LifecycleHookName": name, **properties}
        call(clients("autoscaling"), "PutLifecycleHook", wanted)
        return Resource(wanted["LifecycleHookName"])

    def delete_hook(name: str, properties: Properties) -> None:
        clients("autoscaling").delete_lifecycle_hook(
            LifecycleHookName=name, AutoScalingGroupName=properties["AutoScalingGroupName"]
        )

    def warm_pool(_name: str, properties: Properties) -> Resource:
        call(clients("autoscaling"), "PutWarmPool", properties)
        return Resource(properties["AutoScalingGroupName"])

    def change_warm_pool(old: Resource, properties: Properties) -> Resource:
        # What waits stays: the same operation makes a warm pool and changes it.
        return warm_pool(old.physical_resource_id, properties)

    yield Handlers(
        type_name="AWS::AutoScaling::ScalingPolicy",
        create=policy,
        update=change_policy,
        delete=delete_policy,
    )
    yield Handlers(
        type_name="AWS::AutoScaling::LifecycleHook",
        name_property="LifecycleHookName",
        create=hook,
        delete=delete_hook,
    )
    yield Handlers(
        type_name="AWS::AutoScaling::WarmPool",
        create=warm_pool,
        update=change_warm_pool,
        delete=lambda name, _: clients("autoscaling").delete_warm_pool(AutoScalingGroupName=name),
    )


def alarms(clients: Clients) -> Iterator[Handlers]:
    def alarm(name: str, properties: Properties) -> Resource:
        return _alarm(clients, "PutMetricAlarm", {"AlarmName": name, **properties})

    def composite(name: str, properties: Properties) -> Resource:
        wanted = {"AlarmName": name, **properties}
        return _alarm(clients, "PutCompositeAlarm", wanted)

    def delete(name: str, _properties: Properties) -> None:
        clients("cloudwatch").delete_alarms(AlarmNames=[name])

    for type_name, create in (
        ("AWS::CloudWatch::Alarm", alarm),
        ("AWS::CloudWatch::CompositeAlarm", composite),
    ):
        yield Handlers(
            type_name=type_name,
            name_property="AlarmName",
            create=create,
            update=_rename(create),
            delete=delete,
        )


def _alarm(clients: Clients, operation: str, wanted: dict[str, Json]) -> Resource:
    client = clients("cloudwatch")
    call(client, operation, wanted)
    found = client.describe_alarms(
        AlarmNames=[wanted["AlarmName"]], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    described = [*found["MetricAlarms"], *found["CompositeAlarms"]][0]
    return Resource(wanted["AlarmName"], {"Arn": described["AlarmArn"]})


def scheduler(clients: Clients) -> Iterator[Handlers]:
    def create(name: str, properties: Properties) -> Resource:
        wanted = {"Name": name[-SCHEDULE_NAME_LENGTH:].lstrip("-"), **properties}
        arn = call(clients("scheduler"), "CreateSchedule", wanted)["ScheduleArn"]
        return Resource(wanted["Name"], {"Arn": arn})

    def update(old: Resource, properties: Properties) -> Resource:
        wanted = {"Name": old.physical_resource_id, **properties}
        call(clients("scheduler"), "UpdateSchedule", wanted)
        return Resource(wanted["Name"], old.attributes)

    def delete(name: str, properties: Properties) -> None:
        group = {"GroupName": properties["GroupName"]} if "GroupName" in properties else {}
        client = clients("scheduler")
        with unless_gone(client):
            client.delete_schedule(Name=name, **group)

    def create_group(name: str, properties: Properties) -> Resource:
        wanted = {"Name": name[-SCHEDULE_NAME_LENGTH:].lstrip("-"), **properties}
        arn = call(clients("scheduler"), "CreateScheduleGroup", wanted)["ScheduleGroupArn"]
        return Resource(wanted["Name"], {"Arn": arn})

    yield Handlers(
        type_name="AWS::Scheduler::Schedule",
        name_property="Name",
        create=create,
        update=update,
        delete=delete,
    )
    yield Handlers(
        type_name="AWS::Scheduler::ScheduleGroup",
        name_property="Name",
        create=create_group,
        delete=lambda name, _: clients("scheduler").delete_schedule_group(Name=name),
    )


def _rename(
    create: Callable[[str, Properties], Resource],
) -> Callable[[Resource, Properties], Resource]:
    """Return an update that puts the resource again under the name it has."""
    return lambda old, properties: create(old.physical_resource_id, properties)
