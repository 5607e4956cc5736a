"""Which calls of AWS a handler can make, as its source says."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeGuard

from tests.infra.reference_app import ROOT

_PACKAGE = "peakfleet_handlers"
_LAMBDA = ROOT / "lambda"
_SERVICES = {
    "autoscaling": "autoscaling",
    "cloudwatch": "cloudwatch",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "elbv2": "elasticloadbalancing",
    "functions": "lambda",
    "s3": "s3",
    "scheduler": "scheduler",
}
"""The prefix of a service in IAM, by the name of its client in `Clients`."""
_ACTIONS = {
    "dynamodb:TransactWriteItems": ("dynamodb:PutItem", "dynamodb:UpdateItem"),
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
}
"""What IAM asks for where it is not the call's own name."""
_TABLE = (f"{_PACKAGE}.state.table", "StateTable")
Unit = tuple[str, str]
"""A module, and something that it defines."""


def actions_of(entry_point: str) -> set[str]:
    """Return the actions that the calls of a handler need.

    What is defined counts as soon as something that counts names it; of the state table's methods
    only those that are named.

    Args:
        entry_point: The handler's module, such as `peakfleet_handlers.learn`.
    """
    units = _reached(_definition(entry_point, "handler"))
    nodes = [_units(module)[name] for module, name in units - {_TABLE} if name in _units(module)]
    actions = {action for node in nodes for action in _actions(node)}
    if _TABLE in units:
        methods = {
            node.name: node
            for node in ast.walk(_units(_TABLE[0])[_TABLE[1]])
            if isinstance(node, ast.FunctionDef)
        }
        named = {node.attr for one in nodes for node in ast.walk(one) if _is_of_a_table(node)}
        for name in named & set(methods):
            actions |= _actions_of_method(methods, name)
    return actions


def _is_of_a_table(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and _last(node.value) in {"table", "own"}


def _actions_of_method(methods: Mapping[str, ast.AST], name: str) -> set[str]:
    found = set(_actions(methods[name]))
    for node in ast.walk(methods[name]):
        if isinstance(node, ast.Attribute) and _last(node.value) == "self":
            found |= _actions_of_method(methods, node.attr) if node.attr in methods else set()
    return found


def _actions(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        call = node.func if isinstance(node, ast.Call) else None
        service = _SERVICES.get(_last(node.value)) if isinstance(node, ast.Attribute) else None
        if service and isinstance(node, ast.Attribute) and node.attr != "get_paginator":
            yield from _named(service, node.attr)
        if isinstance(call, ast.Attribute) and call.attr == "get_paginator":
            assert isinstance(node, ast.Call)
            (name,) = node.args
            assert isinstance(name, ast.Constant)
            yield from _named(_SERVICES[_last(call.value)], str(name.value))


def _named(service: str, method: str) -> tuple[str, ...]:
    action = f"{service}:{''.join(part.capitalize() for part in method.split('_'))}"
    return _ACTIONS.get(action, (action,))


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _reached(first: Unit) -> set[Unit]:
    reached: set[Unit] = set()
    waiting = [first]
    while waiting:
        module, name = unit = waiting.pop()
        if unit not in reached and (node := _units(module).get(name)):
            reached.add(unit)
            waiting.extend(_names(module, node))
    return reached


def _names(module: str, node: ast.AST) -> Iterator[Unit]:
    imported = {**_imports(_tree(module)), **_imports(node)}
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            if one.id in _units(module):
                yield module, one.id
            elif one.id in imported and imported[one.id][1]:
                yield imported[one.id]
        elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            room, name = imported.get(one.value.id, ("", "-"))
            if room and not name:
                yield _definition(room, one.attr)


def _imports(tree: ast.AST) -> dict[str, Unit]:
    """Return what a module imports of the handlers; a whole module is named nothing."""
    return {
        alias.asname or alias.name: _definition(str(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE)
        for alias in node.names
    }


def _definition(module: str, name: str) -> Unit:
    """Return where a name is defined, through the faces of rooms."""
    if _file(f"{module}.{name}").exists():
        return f"{module}.{name}", ""
    if name in _units(module):
        return module, name
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE):
            given = {alias.asname or alias.name for alias in node.names}
            if name in given:
                return _definition(str(node.module), name)
    return module, name


@cache
def _units(module: str) -> Mapping[str, ast.AST]:
    units: dict[str, ast.AST] = {}
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            units[node.name] = node
        elif isinstance(node, ast.Assign):
            units |= {one.id: node for one in node.targets if isinstance(one, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            units[node.target.id] = node
    return units


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text())


def _file(module: str) -> Path:
    path = _LAMBDA.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
