from __future__ import annotations

import json
from collections.abc import Iterator

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
from peakfleet_local.cloudformation.scaling_types import alarms, auto_scaling, scheduler
from peakfleet_local.moto import Json


def resource_types(clients: Clients) -> list[ResourceType]:
    """Return the types that moto 5.2.5 ignores, with a warning, or only half knows."""
    made = (
        *auto_scaling(clients),
        *alarms(clients),
        *scheduler(clients),
        *_messaging(clients),
        *_functions(clients),
        _layers(clients),
        *_network_and_storage(clients),
        Handlers(type_name="AWS::CDK::Metadata", create=lambda name, _: Resource(name)),
    )
    return [ResourceType(handlers) for handlers in made]


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
