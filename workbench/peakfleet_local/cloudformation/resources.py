"""How a resource type of a template is made, changed and removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from botocore import xform_name

from peakfleet_local.moto import Client, Json, MotoObject

Properties = Mapping[str, Json]


Clients = Callable[[str], Client]
"""Makes the client of a service of the local AWS."""


class PropertyError(ValueError):
    """A template property that the API does not have."""


@dataclass(slots=True)
class Resource:
    """A created resource, as moto's CloudFormation keeps it.

    Args:
        physical_resource_id: What Ref returns.
        attributes: What GetAtt returns.
        logical_resource_id: Set by moto.
        cf_resource_type: Set by moto.
    """

    physical_resource_id: str
    attributes: dict[str, Json] = field(default_factory=dict)
    logical_resource_id: str = ""
    cf_resource_type: str = ""

    def get_cfn_attribute(self, name: str) -> Json:
        """Return an attribute of the resource."""
        return self.attributes[name]

    def is_created(self) -> bool:
        """Say that nothing is left to wait for."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """How resources of one type are made.

    Args:
        type_name: Such as AWS::SQS::QueuePolicy.
        name_property: The property that names the resource. Default: it has none.
        create: Makes one from its generated name and properties.
        update: Changes one in place. Default: delete, then create.
        delete: Removes one by its physical id. Default: it goes with what it belongs to.
    """

    type_name: str
    name_property: str = ""
    create: Callable[[str, Properties], Resource]
    update: Callable[[Resource, Properties], Resource] | None = None
    delete: Callable[[str, Properties], None] | None = None


class ResourceType:
    """A resource type with the methods by which moto's CloudFormation uses its own."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def cloudformation_type(self) -> str:
        """Return the name of the type."""
        return self._handlers.type_name

    def cloudformation_name_type(self) -> str:
        """Return the property that names a resource."""
        return self._handlers.name_property

    def has_cfn_attr(self, attr: str) -> bool:  # noqa: ARG002 - moto asks before anything exists
        """Leave a wrong attribute to the moment it is read."""
        return True

    def create_from_cloudformation_json(
        self,
        resource_name: str,
        cloudformation_json: Properties,
        account_id: str,  # noqa: ARG002 - moto passes it, the local AWS has one account
        region_name: str,  # noqa: ARG002 - as above, one region
        **_kwargs: object,
    ) -> Resource:
        """Create a resource."""
        return self._handlers.create(resource_name, cloudformation_json.get("Properties", {}))

    def update_from_cloudformation_json(
        self,
        original_resource: Resource,
        new_resource_name: str,
        cloudformation_json: Properties,
        account_id: str,  # noqa: ARG002 - as above
        region_name: str,  # noqa: ARG002 - as above
    ) -> Resource:
        """Change a resource."""
        properties = cloudformation_json.get("Properties", {})
        handlers = self._handlers
        if handlers.update is not None:
            return handlers.update(original_resource, properties)
        old_id = original_resource.physical_resource_id
        if handlers.delete is not None:
            handlers.delete(old_id, properties)
        return handlers.create(old_id if handlers.name_property else new_resource_name, properties)

    def delete_from_cloudformation_json(
        self,
        resource_name: str,
        cloudformation_json: Properties,
        account_id: str,  # noqa: ARG002 - as above
        region_name: str,  # noqa: ARG002 - as above
    ) -> None:
        """Remove a resource."""
        if self._handlers.delete is not None:
            self._handlers.delete(resource_name, cloudformation_json.get("Properties", {}))


def call(client: Client, operation: str, properties: Properties) -> dict[str, Json]:
    """Call an operation with template properties, whose numbers may be strings.

    Raises:
        PropertyError: A property is not a parameter of the operation.
    """
    model = client.meta.service_model.operation_model(operation)
    answer: dict[str, Json] = getattr(client, xform_name(operation))(
        **_coerced(model.input_shape, properties, path=operation)
    )
    return answer


@contextmanager
def unless_gone(client: Client) -> Iterator[None]:
    """Ignore that what is to be deleted does not exist any more."""
    try:
        yield
    except client.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if "NotFound" not in code and "NonExistent" not in code:
            raise


def _coerced(shape: MotoObject, value: Json, *, path: str) -> Json:
    if shape.type_name == "structure":
        unknown = set(value) - set(shape.members)
        if unknown:
            raise PropertyError(f"{path} has no parameter {', '.join(sorted(unknown))}")
        return {
            name: _coerced(shape.members[name], item, path=f"{path}.{name}")
            for name, item in value.items()
        }
    if shape.type_name == "list":
        return [_coerced(shape.member, item, path=path) for item in value]
    if shape.type_name == "map":
        return {name: _coerced(shape.value, item, path=path) for name, item in value.items()}
    return _SCALARS.get(shape.type_name, _unchanged)(value)


def _unchanged(value: Json) -> Json:
    return str(value) if isinstance(value, (int, float)) else value


_SCALARS: Mapping[str, Callable[[Json], Json]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda value: str(value).lower() == "true",
}
