"""Stacks and change sets: exports, parameters, errors that name the resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException, ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, cloudformation_backends
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult

from peakfleet_local.moto import MotoObject, Patch, as_method, stock

_UNKNOWN_ATTRIBUTE = (
    AttributeError,
    KeyError,
    NotImplementedError,
    UnformattedGetAttTemplateException,
)
_stock_apply = stock(ChangeSet, "apply")
_stock_parse_ssm_parameter = stock(ResourceMap, "parse_ssm_parameter")
_stock_clean_json = stock(parsing, "clean_json")
_stock_create = stock(parsing, "parse_and_create_resource")
_stock_update = stock(parsing, "parse_and_update_resource")


def stack_patches() -> list[Patch]:
    """Return the corrections of stacks and change sets of moto 5.2.5."""
    api, backend = CloudFormationResponse, CloudFormationBackend
    return [
        Patch(owner=ChangeSet, name="apply", value=as_method(_apply)),
        Patch(owner=api, name="describe_change_set", value=_describe_change_set),
        Patch(owner=api, name="execute_change_set", value=_execute_change_set),
        Patch(owner=api, name="delete_change_set", value=_delete_change_set),
        Patch(owner=api, name="update_termination_protection", value=_protect, adds=True),
        Patch(owner=backend, name="_resolve_update_parameters", value=as_method(_parameters)),
        Patch(owner=ResourceMap, name="parse_ssm_parameter", value=as_method(_ssm_parameter)),
        Patch(owner=parsing, name="clean_json", value=_clean_json),
        Patch(owner=parsing, name="parse_and_create_resource", value=_create_resource),
        Patch(owner=parsing, name="parse_and_update_resource", value=_update_resource),
    ]


def _apply(change_set: MotoObject) -> None:
    """Execute a change set with the exports of other stacks, and show outputs and exports."""
    stack = change_set.stack
    backend = cloudformation_backends[stack.account_id][stack.region_name]
    change_set.parameters = {k: v for k, v in (change_set.parameters or {}).items() if v}
    stack.resource_map.cross_stack_resources = backend.exports
    _stock_apply(change_set)
    stack.parameters = change_set.parameters
    stack.template = change_set.template
    stack._parse_template()  # noqa: SLF001 - moto does the same in UpdateStack
    stack.description = stack.template_dict.get("Description")
    stack.output_map = stack._create_output_map()  # noqa: SLF001 - as above
    for export in stack.exports:
        backend.exports[export.name] = export


def _change_set_arn(response: MotoObject) -> str | None:
    """Find a change set by ARN, or by its name within its stack.

    moto forgets the stack, so that the change set of one stack is taken for another's.
    """
    name = response._get_param("ChangeSetName")  # noqa: SLF001 - moto's own way
    stack = response._get_param("StackName")  # noqa: SLF001 - as above
    for arn, change_set in response.cloudformation_backend.change_sets.items():
        named = change_set.change_set_name == name
        if arn == name or (named and stack in {change_set.stack_name, change_set.stack_id}):
            return str(arn)
    return None


def _describe_change_set(response: MotoObject) -> ActionResult:
    return ActionResult(response.cloudformation_backend.change_sets[_existing(response)])


def _execute_change_set(response: MotoObject) -> EmptyResult:
    response.cloudformation_backend.execute_change_set(_existing(response))
    return EmptyResult()


def _delete_change_set(response: MotoObject) -> EmptyResult:
    """Delete a change set; one that does not exist is no error, as in AWS."""
    arn = _change_set_arn(response)
    if arn is not None:
        del response.cloudformation_backend.change_sets[arn]
    return EmptyResult()


def _protect(response: MotoObject) -> ActionResult:
    """Keep whether a stack refuses to be deleted; moto deletes it all the same."""
    stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))  # noqa: SLF001 - moto's own way
    wanted = response._get_param("EnableTerminationProtection")  # noqa: SLF001 - as above
    stack.enable_termination_protection = str(wanted).lower() == "true"
    return ActionResult({"StackId": stack.stack_id})


def _existing(response: MotoObject) -> str:
    """Return the ARN of a change set, or say that there is none by the code the CLI awaits."""
    arn = _change_set_arn(response)
    if arn is None:
        name = response._get_param("ChangeSetName")  # noqa: SLF001 - moto's own way
        missing = ValidationError(name)
        missing.code = "ChangeSetNotFound"
        missing.message = f"ChangeSet [{name}] does not exist"
        raise missing
    return arn


def _parameters(
    _backend: MotoObject, instance: MotoObject, incoming_params: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Resolve UsePreviousValue also of parameters that were never given, only defaulted."""
    given = {p["ParameterKey"]: p["ParameterValue"] for p in incoming_params if _has_value(p)}
    kept = {
        p["ParameterKey"]: instance.parameters[p["ParameterKey"]]
        for p in incoming_params
        if p.get("UsePreviousValue") and p["ParameterKey"] in instance.parameters
    }
    return {**given, **kept}


def _has_value(parameter: Mapping[str, Any]) -> bool:
    return "ParameterValue" in parameter


def _ssm_parameter(resource_map: MotoObject, value: str, value_type: str) -> str:
    """Look up a parameter's path; a previous value is already what was found there."""
    try:
        found: str = _stock_parse_ssm_parameter(resource_map, value, value_type)
    except AttributeError:
        return value
    return found


def _clean_json(resource_json: MotoObject, resources_map: MotoObject) -> MotoObject:
    """Resolve intrinsic functions, but refuse an attribute that moto cannot tell.

    moto warns and leaves the property out, so that a metric would lose a dimension.
    """
    if isinstance(resource_json, dict) and "Fn::GetStackOutput" in resource_json:
        wanted = _stock_clean_json(resource_json["Fn::GetStackOutput"], resources_map)
        return _stack_output(wanted, resources_map)
    if isinstance(resource_json, dict) and "Fn::GetAtt" in resource_json:
        logical_id, attribute = resource_json["Fn::GetAtt"]
        resource = resources_map.get(logical_id)
        try:
            if resource is not None:
                resource.get_cfn_attribute(attribute)
        except _UNKNOWN_ATTRIBUTE as error:
            raise ValidationError(
                message=f"the local AWS does not know {logical_id}.{attribute}: {error}"
            ) from error
    return _stock_clean_json(resource_json, resources_map)


def _stack_output(wanted: Mapping[str, str], resources_map: MotoObject) -> str:
    """Return an output of another stack, to which nothing binds it."""
    account, own_region = resources_map["AWS::AccountId"], resources_map["AWS::Region"]
    backend = cloudformation_backends[account][wanted.get("Region") or own_region]
    name = wanted["StackName"].rpartition(":stack/")[2].partition("/")[0]
    for stack in backend.stacks.values():
        for output in (stack.outputs or ()) if stack.name == name else ():
            if output["OutputKey"] == wanted["OutputName"]:
                return str(output["OutputValue"])
    raise ValidationError(
        message=f"Output {wanted['OutputName']} of stack {wanted['StackName']} does not exist"
    )


def _create_resource(
    logical_id: str, resource_json: Mapping[str, Any], *rest: MotoObject, **named: MotoObject
) -> MotoObject:
    """Create a resource, and name it when that fails; moto answers 500 and hides which."""
    try:
        return _stock_create(logical_id, resource_json, *rest, **named)
    except ValidationError:
        raise
    except Exception as error:
        raise _failed(logical_id, resource_json, error) from error


def _update_resource(
    logical_id: str,
    resource_json: Mapping[str, Any],
    resources_map: MotoObject,
    **named: MotoObject,
) -> MotoObject:
    """Update a resource; one whose type moto cannot update stays, where moto loses it."""
    try:
        updated = _stock_update(logical_id, resource_json, resources_map, **named)
    except ValidationError:
        raise
    except Exception as error:
        raise _failed(logical_id, resource_json, error) from error
    return resources_map[logical_id] if updated is None else updated


def _failed(logical_id: str, resource_json: Mapping[str, Any], error: Exception) -> Exception:
    text = f"{logical_id} ({resource_json['Type']}): {type(error).__name__}: {error}"
    return ValidationError(message=text)
