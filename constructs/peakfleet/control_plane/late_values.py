"""Values that a template gets at the end of the synth, when every fleet has been added."""

from __future__ import annotations

from collections.abc import Mapping

import jsii
from aws_cdk import IStableListProducer, IStableStringProducer, Lazy, Stack
from constructs import Construct

from peakfleet._tree import stack_of


def late_list(texts: list[str]) -> list[str]:
    """Return a list for a template that has what *texts* has at the end of the synth."""
    return Lazy.list(_Texts(texts))


def late_json(scope: Construct, texts: Mapping[str, str]) -> str:
    """Return *texts* as a JSON object for a template of *scope*, read at the end of the synth."""
    return Lazy.string(_Json(texts, stack_of(scope)))


@jsii.implements(IStableListProducer)
class _Texts:
    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def produce(self) -> list[str]:
        return self._texts


@jsii.implements(IStableStringProducer)
class _Json:
    def __init__(self, texts: Mapping[str, str], stack: Stack) -> None:
        self._texts, self._stack = texts, stack

    def produce(self) -> str:
        return self._stack.to_json_string(dict(self._texts))
