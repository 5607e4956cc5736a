"""Where a construct is: asked for once, as the CDK runs in another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import Stack
from constructs import IConstruct, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class StackIdentity:
    """Names of a stack; nothing of it changes once the stack is defined.

    Args:
        outermost_path: Construct path of the stack that it is nested in, however deep, or its own.
        outermost_name: Name of that stack.
        partition: Its partition, maybe a token, as the following.
        region: Its region.
        account: Its account.
    """

    outermost_path: str
    outermost_name: str
    partition: str
    region: str
    account: str

    def group_arn(self, name: str) -> str:
        """Return the ARN of an Auto Scaling group; only AWS knows the id in the middle.

        Args:
            name: Its name, maybe a token; `*` for every group.
        """
        place = f"{self.partition}:autoscaling:{self.region}:{self.account}"
        return f"arn:{place}:autoScalingGroup:*:autoScalingGroupName/{name}"


_IDENTITIES: WeakKeyDictionary[Stack, StackIdentity] = WeakKeyDictionary()
_CONTEXTS: WeakKeyDictionary[IConstruct, Mapping[str, Any]] = WeakKeyDictionary()
_NODES: WeakKeyDictionary[IConstruct, Node] = WeakKeyDictionary()
_PATHS: WeakKeyDictionary[IConstruct, str] = WeakKeyDictionary()
_ROOTS: WeakKeyDictionary[IConstruct, IConstruct] = WeakKeyDictionary()
_STACKS: WeakKeyDictionary[IConstruct, Stack] = WeakKeyDictionary()


def node_of(construct: IConstruct) -> Node:
    """Return the node of a construct."""
    if construct not in _NODES:
        _NODES[construct] = construct.node
    return _NODES[construct]


def context_of(construct: IConstruct, key: str) -> Any:  # noqa: ANN401  JSON data
    """Return a context value; the CDK refuses to change those of what has children."""
    if construct not in _CONTEXTS:
        _CONTEXTS[construct] = node_of(construct).get_all_context()
    return _CONTEXTS[construct].get(key)


def path_of(construct: IConstruct) -> str:
    """Return the path of a construct."""
    if construct not in _PATHS:
        _PATHS[construct] = node_of(construct).path
    return _PATHS[construct]


def root_of(construct: IConstruct) -> IConstruct:
    """Return the app of a construct, which is in a stack."""
    stack = stack_of(construct)
    if stack not in _ROOTS:
        root = node_of(stack).root
        if root is stack:  # kept, it would be for ever
            return root
        _ROOTS[stack] = root
    return _ROOTS[stack]


def stack_of(construct: IConstruct) -> Stack:
    """Return the stack of a construct."""
    if isinstance(construct, Stack):
        return construct
    if construct not in _STACKS:
        _STACKS[construct] = Stack.of(construct)
    return _STACKS[construct]


def identity_of(stack: Stack) -> StackIdentity:
    """Return the identity of a stack; it is asked for once."""
    if stack not in _IDENTITIES:
        outermost = stack
        while (outer := outermost.nested_stack_parent) is not None:
            outermost = outer
        _IDENTITIES[stack] = StackIdentity(
            outermost_path=path_of(outermost),
            outermost_name=outermost.stack_name,
            partition=stack.partition,
            region=stack.region,
            account=stack.account,
        )
    return _IDENTITIES[stack]
