"""Custom resources, whose functions are run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol
from uuid import uuid4

from peakfleet_local.cloudformation.resources import Clients, Properties, Resource
from peakfleet_local.functions import Invocation
from peakfleet_local.moto import Json

RESTRICT_DEFAULT_GROUP = "Custom::VpcRestrictDefaultSG"
BUCKET = "cloudformation-custom-resource-responses"


class InvokeFunction(Protocol):
    """Runs a deployed function."""

    def __call__(self, *, arn: str, event: object) -> Invocation:
        """Run the function of an ARN and wait for its answer."""


class CustomResourceError(RuntimeError):
    """A custom resource whose function refused or failed."""


class CustomResources:
    """Custom resources whose functions are run at once and waited for.

    moto's own go on in a thread, so that a stack is complete before they are. As in AWS,
    the function answers by a PUT to a signed URL of S3.
    """

    def __init__(self, *, clients: Clients, invoke: InvokeFunction) -> None:
        self._clients = clients
        self._invoke = invoke

    def cloudformation_type(self) -> str:
        """Return a name that no template has."""
        return "?"

    def has_cfn_attr(self, attr: str) -> bool:  # noqa: ARG002 - any attribute may come back
        """Leave a wrong attribute to the moment it is read."""
        return True

    def create_from_cloudformation_json(
        self,
        resource_name: str,  # noqa: ARG002 - the function names the resource
        cloudformation_json: Properties,
        account_id: str,  # noqa: ARG002 - the local AWS has one account
        region_name: str,  # noqa: ARG002 - as above, one region
        **names: str,
    ) -> Resource:
        """Create a custom resource."""
        properties = cloudformation_json.get("Properties", {})
        identity = {
            "StackId": names["StackId"],
            "LogicalResourceId": names["LogicalId"],
            "ResourceType": names["ResourceType"],
        }
        return self._request("Create", properties, identity)

    def update_from_cloudformation_json(
        self,
        original_resource: Resource,
        new_resource_name: str,  # noqa: ARG002 - the function names the resource
        cloudformation_json: Properties,
        account_id: str,  # noqa: ARG002 - as above
        region_name: str,  # noqa: ARG002 - as above
    ) -> Resource:
        """Change a custom resource."""
        old: dict[str, Json] = original_resource.attributes["_Request"]
        properties = cloudformation_json.get("Properties", {})
        identity = {
            **old["identity"],
            "PhysicalResourceId": original_resource.physical_resource_id,
            "OldResourceProperties": old["properties"],
        }
        return self._request("Update", properties, identity)

    def delete_from_cloudformation_json(
        self,
        resource_name: str,
        cloudformation_json: Properties,
        account_id: str,  # noqa: ARG002 - as above
        region_name: str,  # noqa: ARG002 - as above
    ) -> None:
        """Remove a custom resource."""
        identity = {
            "StackId": "",
            "LogicalResourceId": resource_name,
            "ResourceType": cloudformation_json.get("Type", ""),
            "PhysicalResourceId": resource_name,
        }
        self._request("Delete", cloudformation_json.get("Properties", {}), identity)

    def _request(self, kind: str, properties: Properties, identity: Mapping[str, Json]) -> Resource:
        if identity["ResourceType"] == RESTRICT_DEFAULT_GROUP:
            return self._restrict_default_group(kind, properties, identity)
        s3 = self._clients("s3")
        s3.create_bucket(Bucket=BUCKET)
        key = str(uuid4())
        event = {
            **identity,
            "RequestType": kind,
            "RequestId": key,
            "ServiceToken": properties["ServiceToken"],
            "ResourceProperties": _as_text(properties),
            "ResponseURL": s3.generate_presigned_url(
                "put_object", Params={"Bucket": BUCKET, "Key": key}
            ),
        }
        invocation = self._invoke(arn=properties["ServiceToken"], event=event)
        answer = self._answer(key, invocation)
        if answer["Status"] != "SUCCESS":
            raise CustomResourceError(answer.get("Reason") or "the function gave no reason")
        request = {"identity": dict(identity), "properties": _as_text(properties)}
        attributes = {**(answer.get("Data") or {}), "_Request": request}
        return Resource(answer["PhysicalResourceId"], attributes)

    def _restrict_default_group(
        self, kind: str, properties: Properties, identity: Mapping[str, Json]
    ) -> Resource:
        """Take the rules of a VPC's default security group away, as the CDK's function does.

        That function is not Python. Where the resource is removed, the rules come back.
        """
        ec2, group = self._clients("ec2"), properties["DefaultSecurityGroupId"]
        inward = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
        outward = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
        removes = kind != "Delete"
        if removes == bool(found["IpPermissions"]):
            change = "revoke" if removes else "authorize"
            getattr(ec2, f"{change}_security_group_ingress")(GroupId=group, IpPermissions=inward)
        if removes == bool(found["IpPermissionsEgress"]):
            change = "revoke" if removes else "authorize"
            getattr(ec2, f"{change}_security_group_egress")(GroupId=group, IpPermissions=outward)
        request = {"identity": dict(identity), "properties": _as_text(properties)}
        return Resource(group, {"_Request": request})

    def _answer(self, key: str, invocation: Invocation) -> dict[str, Json]:
        s3 = self._clients("s3")
        try:
            body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            logs = " | ".join(invocation.logs[-5:])
            raise CustomResourceError(
                f"the function sent no response: {invocation.payload} {logs}"
            ) from None
        answer: dict[str, Json] = json.loads(body)
        return answer


def _as_text(value: Json) -> Json:
    """Turn numbers and booleans into text, as CloudFormation does for custom resources."""
    if isinstance(value, Mapping):
        return {name: _as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value
