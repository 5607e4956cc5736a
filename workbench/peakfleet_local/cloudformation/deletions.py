"""Resources that a template no longer has, and stacks that are deleted.

moto deletes in any order, with references that nobody resolved, and before it makes what is
new. CloudFormation deletes last, and what refers to a resource before the resource.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import ResourceMap

from peakfleet_local.cloudformation.resources import Clients, Properties, Resource
from peakfleet_local.moto import MotoObject, Patch, as_method, stock

_GONE = re.compile(r"NotFound|NoSuch|NonExistent|not exist|not found|INVALID_", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9]+)")
_stock_update = stock(ResourceMap, "update")
_stock_delete_resource = stock(ResourceMap, "_delete_resource")
_GROUP = "AWS::AutoScaling::AutoScalingGroup"
Drained = Callable[[str], None]
"""Empties a group, by its name, and returns once it is empty."""
Delete = Callable[[Clients, str, Properties], object]
"""Deletes a resource by its physical id and its properties."""
DELETES: Mapping[str, Delete] = {
    "AWS::EC2::EIP": lambda clients, name, _: clients("ec2").release_address(PublicIp=name),
    "AWS::EC2::InternetGateway": lambda clients, name, _: clients("ec2").delete_internet_gateway(
        InternetGatewayId=name
    ),
    "AWS::EC2::NatGateway": lambda clients, name, _: clients("ec2").delete_nat_gateway(
        NatGatewayId=name
    ),
    "AWS::EC2::RouteTable": lambda clients, name, _: clients("ec2").delete_route_table(
        RouteTableId=name
    ),
    "AWS::EC2::SubnetRouteTableAssociation": lambda clients, name, _: clients(
        "ec2"
    ).disassociate_route_table(AssociationId=name),
    "AWS::EC2::VPCEndpoint": lambda clients, name, _: clients("ec2").delete_vpc_endpoints(
        VpcEndpointIds=[name]
    ),
    "AWS::EC2::VPCGatewayAttachment": lambda clients, _, wanted: clients(
        "ec2"
    ).detach_internet_gateway(InternetGatewayId=wanted["InternetGatewayId"], VpcId=wanted["VpcId"]),
}
"""Types that moto makes and never deletes."""


def deletion_patches(clients: Clients, *, drained: Drained) -> list[Patch]:
    """Return what stands in moto's place.

    Args:
        clients: Delete what moto has no deletion of.
        drained: Empties a group before it is deleted.
    """
    deletions = _Deletions(clients, drained)
    return [
        Patch(owner=ResourceMap, name="update", value=as_method(deletions.update)),
        Patch(owner=ResourceMap, name="delete", value=as_method(deletions.delete)),
        Patch(owner=ResourceMap, name="_delete_resource", value=as_method(deletions.replace)),
    ]


def deletion_order(resources: Mapping[str, Any]) -> Iterator[str]:
    """Yield logical ids so that whatever refers to a resource comes before it.

    >>> list(deletion_order({"A": {}, "B": {"P": {"Ref": "A"}}, "C": {"DependsOn": "B"}}))
    ['C', 'B', 'A']

    Args:
        resources: The resources of a template.
    """
    left = {name: references(resource) & resources.keys() for name, resource in resources.items()}
    while left:
        needed = set().union(*(found - {name} for name, found in left.items()))
        # A circle is broken at the resource that was written last.
        name = next((name for name in reversed(left) if name not in needed), list(left)[-1])
        del left[name]
        yield name


def references(resource: Any) -> set[str]:  # noqa: ANN401 - any part of a template
    """Return the logical ids that a part of a template refers to."""
    if isinstance(resource, list):
        return set().union(*map(references, resource))
    if not isinstance(resource, Mapping):
        return set()
    found: set[str] = set()
    for key, value in resource.items():
        if key == "Ref":
            found.add(value)
        elif key == "Fn::GetAtt":
            found.add(value[0] if isinstance(value, list) else value.partition(".")[0])
        elif key == "DependsOn":
            found |= {value} if isinstance(value, str) else set(value)
        else:
            if key == "Fn::Sub":
                found |= set(_VARIABLE.findall(json.dumps(value)))
            found |= references(value)
    return found


class _Deletions:
    def __init__(self, clients: Clients, drained: Drained) -> None:
        self._clients = clients
        self._drained = drained
        self._updating = False

    def update(
        self,
        resource_map: MotoObject,
        template: Mapping[str, Any],
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Make and change what a template says, then delete what it no longer has."""
        old = dict(resource_map._resource_json_map)  # noqa: SLF001 - moto has no other way
        removed = resource_map.build_resource_diff(template, parameters)["Remove"]
        gone = self._resolved(resource_map, {name: old[name] for name in old if name in removed})
        self._updating = True
        try:
            _stock_update(resource_map, template, parameters)
        finally:
            self._updating = False
        self._delete(resource_map, gone)

    def delete(self, resource_map: MotoObject) -> None:
        """Delete every resource of a stack."""
        resources = resource_map._resource_json_map  # noqa: SLF001 - as above
        self._delete(resource_map, self._resolved(resource_map, resources))

    def replace(
        self, resource_map: MotoObject, parsed: MotoObject, resource: Mapping[str, Any]
    ) -> None:
        """Leave to the end what an update removes."""
        if not self._updating:
            _stock_delete_resource(resource_map, parsed, resource)

    def _resolved(
        self, resource_map: MotoObject, resources: Mapping[str, Any]
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return resources in the order of their deletion, while references can be resolved."""
        return [
            (name, dict(parsing.clean_json(resources[name], resource_map)))
            for name in deletion_order(resources)
            if resources[name].get("DeletionPolicy") != "Retain"
        ]

    def _delete(
        self, resource_map: MotoObject, resources: Sequence[tuple[str, dict[str, Any]]]
    ) -> None:
        made = resource_map._parsed_resources  # noqa: SLF001 - as above
        for name, resource in resources:
            parsed = made.get(name)
            if parsed is None or isinstance(parsed, str):
                continue
            try:
                self._delete_one(resource_map, parsed, resource)
            except Exception as error:
                if not _GONE.search(f"{type(error).__name__} {error}"):
                    text = f"{name} ({resource['Type']}): {type(error).__name__}: {error}"
                    raise ValidationError(message=text) from error
            made.pop(name, None)

    def _delete_one(
        self, resource_map: MotoObject, parsed: MotoObject, resource: Mapping[str, Any]
    ) -> None:
        if resource["Type"] == _GROUP:
            self._drained(parsed.physical_resource_id)
        delete = DELETES.get(resource["Type"])
        if delete is not None and not isinstance(parsed, Resource):
            delete(self._clients, parsed.physical_resource_id, resource.get("Properties", {}))
        else:
            _stock_delete_resource(resource_map, parsed, resource)
