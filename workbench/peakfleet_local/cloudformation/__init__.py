"""CloudFormation: moto's, with the resource types it lacks and without its worst bugs.

`types` says how each missing type is made, through the API of the same local AWS (`resources`);
`custom_resources` run their functions; `corrections` mend types that moto gets wrong, `stacks`
the stacks and change sets themselves, and `deletions` delete what a template no longer has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moto.cloudformation import parsing

from peakfleet_local.cloudformation.corrections import type_patches
from peakfleet_local.cloudformation.custom_resources import CustomResources, InvokeFunction
from peakfleet_local.cloudformation.deletions import (
    Drained,
    deletion_order,
    deletion_patches,
    references,
)
from peakfleet_local.cloudformation.resources import Clients, ResourceType
from peakfleet_local.cloudformation.stacks import stack_patches
from peakfleet_local.cloudformation.types import resource_types
from peakfleet_local.moto import MotoObject, Patch, patched


@contextmanager
def installed_types(
    *, clients: Clients, invoke: InvokeFunction, drained: Drained
) -> Iterator[None]:
    """Teach moto's CloudFormation, in this process, what stacks of peakfleet need.

    Args:
        clients: Makes clients of the same moto; resources are created through its API.
        invoke: Runs a deployed function, for custom resources.
        drained: Empties a group before it is deleted.

    Raises:
        MotoVersionError: The installed moto is not the one that this package knows.

    Limitations:
        No rollback: a stack that fails stays as far as it came. Bucket policies are only
        recorded, because moto enforces them without looking at their conditions.
        Placement groups are only recorded, because moto has none.
    """
    types = {kind.cloudformation_type(): kind for kind in resource_types(clients)}
    custom = CustomResources(clients=clients, invoke=invoke)
    corrections = [*stack_patches(), *type_patches(), *deletion_patches(clients, drained=drained)]
    with patched([*_type_patches(types, custom), *corrections]):
        yield


def _type_patches(types: dict[str, ResourceType], custom: CustomResources) -> list[Patch]:
    stock_list, stock_map = parsing.get_model_list(), parsing.get_model_map()
    models: dict[str, MotoObject] = {**stock_map, **types}
    names = {name: model.cloudformation_name_type() for name, model in models.items()}
    everything = [*stock_list, *types.values()]
    return [
        Patch(owner=parsing, name="get_model_list", value=lambda: everything),
        Patch(owner=parsing, name="get_model_map", value=lambda: models),
        Patch(owner=parsing, name="get_name_type_map", value=lambda: names),
        Patch(owner=parsing, name="CustomModel", value=custom),
    ]
