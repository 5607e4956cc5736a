"""The identity of a stack, asked for once: many constructs of a stack need it."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from aws_cdk import Stack


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


_KNOWN: WeakKeyDictionary[Stack, StackIdentity] = WeakKeyDictionary()
"""The CDK runs in another process, and each answer takes a call."""


def identity_of(stack: Stack) -> StackIdentity:
    """Return the identity of a stack; it is asked for once."""
    if stack not in _KNOWN:
        outermost = stack
        while (outer := outermost.nested_stack_parent) is not None:
            outermost = outer
        _KNOWN[stack] = StackIdentity(
            outermost_path=outermost.node.path,
            outermost_name=outermost.stack_name,
            partition=stack.partition,
            region=stack.region,
            account=stack.account,
        )
    return _KNOWN[stack]
