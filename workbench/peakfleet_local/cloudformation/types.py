"""Resource types that moto ignores, with a warning, or only half knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from botocore.exceptions import ClientError

from peakfleet_local.cloudformation.resources import (
    Clients,
    Handlers,
    Properties,
    Resource,
    ResourceType,
    call,
    unless_gone,
)
from peakfleet_local.moto import Json

SCHEDULE_NAME_LENGTH = 64
_PASSWORD = (
    "PasswordLength",
    "ExcludeCharacters",
    "ExcludeNumbers",
    "ExcludePunctuation",
    "ExcludeUppercase",
    "ExcludeLowercase",
    "IncludeSpace",
    "RequireEachIncludedType",
)
"""Of what CloudFormation generates a secret from: what the random password of the API takes."""

_RECORDED: Mapping[str, tuple[str, ...]] = {
    "AWS::DirectConnect::DirectConnectGateway": ("DirectConnectGatewayId",),
    "AWS::DirectConnect::DirectConnectGatewayAssociation": ("AssociationId",),
    "AWS::EC2::CustomerGateway": ("CustomerGatewayId",),
    "AWS::EC2::TransitGatewayVpcAttachment": ("Id",),
    "AWS::EC2::VPNConnection": ("VpnConnectionId",),
    "AWS::RDS::DBCluster": (
        "Endpoint.Address",
        "Endpoint.Port",
        "ReadEndpoint.Address",
        "DBClusterArn",
        "DBClusterResourceId",
    ),
    "AWS::RDS::DBInstance": ("DBInstanceArn", "Endpoint.Address", "Endpoint.Port"),
    "AWS::RDS::DBProxy": ("DBProxyArn", "Endpoint"),
    "AWS::RDS::DBProxyTargetGroup": ("TargetGroupArn",),
    "AWS::RDS::DBSubnetGroup": (),
    "AWS::RolesAnywhere::Profile": ("ProfileArn", "ProfileId"),
    "AWS::RolesAnywhere::TrustAnchor": ("TrustAnchorArn", "TrustAnchorId"),
}
"""Types without effect here, with the attributes that a template may ask for."""


def resource_types(clients: Clients) -> list[ResourceType]:
    """Return the types that are made here; moto 5.2.5 warns of most and makes nothing."""
    made = (
        *_auto_scaling(clients),
        *_alarms(clients),
        *_scheduler(clients),
        *_messaging(clients),
        *_functions(clients),
        _layers(clients),
        _secrets(clients),
        *_network_and_storage(clients),
        Handlers(type_name="AWS::CDK::Metadata", create=lambda name, _: Resource(name)),
        _transit_gateways(clients),
        *_only_recorded(),
    )
    return [ResourceType(handlers) for handlers in made]


def _transit_gateways(clients: Clients) -> Handlers:
    """Return what makes those of moto, to which its routes can lead; all else is recorded."""

    def create(_name: str, properties: Properties) -> Resource:
        said = str(properties.get("Description", ""))
        made = clients("ec2").create_transit_gateway(Description=said)["TransitGateway"]
        id_ = made["TransitGatewayId"]
        return Resource(id_, {"Id": id_, "TransitGatewayArn": made["TransitGatewayArn"]})

    return Handlers(
        type_name="AWS::EC2::TransitGateway",
        create=create,
        delete=lambda id_, _: clients("ec2").delete_transit_gateway(TransitGatewayId=id_),
    )


def _only_recorded() -> Iterator[Handlers]:
    """Yield the way to a company's network and the trust in its hosts: nothing here uses them."""

    def recorded(attributes: tuple[str, ...]) -> Callable[[str, Properties], Resource]:
        return lambda name, _: Resource(name, dict.fromkeys(attributes, name))

    for type_name, attributes in _RECORDED.items():
        yield Handlers(type_name=type_name, create=recorded(attributes))


def _secrets(clients: Clients) -> Handlers:
    def secret(name: str, properties: Properties) -> Resource:
        wanted = dict(properties)
        generated = wanted.pop("GenerateSecretString", None)
        if generated is not None:
            asked = {key: value for key, value in generated.items() if key in _PASSWORD}
            made = call(clients("secretsmanager"), "GetRandomPassword", asked)["RandomPassword"]
            key = generated.get("GenerateStringKey")
            document = {**json.loads(generated.get("SecretStringTemplate", "{}")), key: made}
            wanted["SecretString"] = json.dumps(document) if key else made
        arn = call(clients("secretsmanager"), "CreateSecret", {"Name": name, **wanted})["ARN"]
        return Resource(arn, {"Id": arn})

    def delete(arn: str, _properties: Properties) -> None:
        clients("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)

    return Handlers(
        type_name="AWS::SecretsManager::Secret", name_property="Name", create=secret, delete=delete
    )


def _auto_scaling(clients: Clients) -> Iterator[Handlers]:
    def policy(name: str, properties: Properties) -> Resource:
        wanted: dict[str, Json] = {
            "PolicyName": name,
            "PolicyType": "SimpleScaling",
            **properties,
        }
        arn = call(clients("autoscaling"), "PutScalingPolicy", wanted)["PolicyARN"]
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
        # Instances of the pool stay: the same operation makes a warm pool and changes it.
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


def _alarms(clients: Clients) -> Iterator[Handlers]:
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


def _scheduler(clients: Clients) -> Iterator[Handlers]:
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


def _messaging(clients: Clients) -> Iterator[Handlers]:
    def queue_policy(name: str, properties: Properties) -> Resource:
        policy = json.dumps(properties["PolicyDocument"])
        for url in properties["Queues"]:
            clients("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return Resource(name, {"Id": name})

    def topic_policy(name: str, properties: Properties) -> Resource:
        policy = json.dumps(properties["PolicyDocument"])
        for arn in properties["Topics"]:
            clients("sns").set_topic_attributes(
                TopicArn=arn, AttributeName="Policy", AttributeValue=policy
            )
        return Resource(name, {"Id": name})

    def subscription(_name: str, properties: Properties) -> Resource:
        arn = clients("sns").subscribe(
            TopicArn=properties["TopicArn"],
            Protocol=properties["Protocol"],
            Endpoint=properties["Endpoint"],
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return Resource(arn, {"Arn": arn})

    yield Handlers(type_name="AWS::SQS::QueuePolicy", create=queue_policy)
    yield Handlers(type_name="AWS::SNS::TopicPolicy", create=topic_policy)
    yield Handlers(
        type_name="AWS::SNS::Subscription",
        create=subscription,
        delete=lambda arn, _: clients("sns").unsubscribe(SubscriptionArn=arn),
    )


def _functions(clients: Clients) -> Iterator[Handlers]:
    def create(name: str, properties: Properties) -> Resource:
        call(clients("lambda"), "PutFunctionEventInvokeConfig", properties)
        return Resource(name)

    def update(old: Resource, properties: Properties) -> Resource:
        return create(old.physical_resource_id, properties)

    def delete(_name: str, properties: Properties) -> None:
        client = clients("lambda")
        with unless_gone(client):
            client.delete_function_event_invoke_config(
                FunctionName=properties["FunctionName"], Qualifier=properties["Qualifier"]
            )

    yield Handlers(
        type_name="AWS::Lambda::EventInvokeConfig", create=create, update=update, delete=delete
    )


def _layers(clients: Clients) -> Handlers:
    """Return what moto has, but for Ref, which must be the ARN, and for changes.

    A change publishes one more version. A function that did not change itself keeps the old
    one, because moto does not change what merely refers to a resource.
    """

    def publish(name: str, properties: Properties) -> Resource:
        wanted = {"LayerName": name, **properties}
        return Resource(call(clients("lambda"), "PublishLayerVersion", wanted)["LayerVersionArn"])

    def update(old: Resource, properties: Properties) -> Resource:
        name = old.physical_resource_id.split(":")[-2]
        return publish(name, properties)

    def delete(arn: str, _properties: Properties) -> None:
        layer, _, version = arn.rpartition(":")
        clients("lambda").delete_layer_version(LayerName=layer, VersionNumber=int(version))

    return Handlers(
        type_name="AWS::Lambda::LayerVersion", create=publish, update=update, delete=delete
    )


def _network_and_storage(clients: Clients) -> Iterator[Handlers]:
    def egress(name: str, properties: Properties) -> Resource:
        try:
            clients("ec2").authorize_security_group_egress(
                GroupId=properties["GroupId"], IpPermissions=[_permission(properties)]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidPermission.Duplicate":
                raise
        return Resource(name, {"Id": name})

    yield Handlers(type_name="AWS::EC2::SecurityGroupEgress", create=egress)
    yield Handlers(
        type_name="AWS::S3::BucketPolicy",
        create=lambda _, properties: Resource(properties["Bucket"]),
    )
    yield Handlers(
        type_name="AWS::EC2::PlacementGroup",
        create=lambda name, _: Resource(name, {"GroupName": name}),
    )


def _permission(properties: Properties) -> dict[str, Json]:
    permission: dict[str, Json] = {"IpProtocol": str(properties.get("IpProtocol", "-1"))}
    if "FromPort" in properties:
        permission["FromPort"] = int(properties["FromPort"])
        permission["ToPort"] = int(properties["ToPort"])
    for source, field, key in (
        ("DestinationSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ("DestinationPrefixListId", "PrefixListIds", "PrefixListId"),
        ("CidrIp", "IpRanges", "CidrIp"),
        ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
    ):
        if source in properties:
            permission[field] = [{key: properties[source]}]
    return permission
