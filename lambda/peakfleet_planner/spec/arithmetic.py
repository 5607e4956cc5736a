"""Arithmetic over several metrics, evaluated here instead of by CloudWatch.

CloudWatch's own metric math costs extra requests, has no answer in an emulator and
hides a missing operand. This subset (`+ - * /`, brackets, numbers, `MIN`, `MAX`,
`ABS`, `FILL`) has CloudWatch's meaning: a timestamp without one of its operands has
no value, unless `FILL(m1, 0)` says what to put there.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache

from peakfleet_planner.codec import SpecError

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
Compiled = Callable[[Mapping[str, float]], float]

_FUNCTIONS: Mapping[str, Callable[..., float]] = {"MIN": min, "MAX": max, "ABS": abs}
_ALLOWED = "numbers, metric ids, + - * /, brackets, MIN(), MAX(), ABS() and FILL(id, number)"


def check(expression: str, ids: frozenset[str], owner: str) -> None:
    """Refuse an expression that is no arithmetic over *ids*.

    Raises:
        SpecError: The expression cannot be parsed, or names something else.
    """
    used: set[str] = set()
    _check_node(_parse(expression, owner), ids, used, f"{owner}: expression {expression!r}")
    if unused := sorted(ids - used):
        raise SpecError(f"{owner}: expression {expression!r} does not use {', '.join(unused)}")


def evaluate(expression: str, values: Mapping[str, float]) -> float | None:
    """Return the value of *expression*, or None where it has none.

    >>> evaluate("(m1 + FILL(m2, 0)) / 60", {"m1": 120.0})
    2.0
    >>> evaluate("m1 / m2", {"m1": 120.0}) is None
    True
    """
    try:
        return _compiled(expression)(values)
    except (KeyError, ZeroDivisionError, OverflowError):
        return None


@cache
def _parse(expression: str, owner: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise SpecError(f"{owner}: expression {expression!r} cannot be read: {error}") from error


def _check_node(node: ast.expr, ids: frozenset[str], used: set[str], owner: str) -> None:
    match node:
        case ast.Constant(value=value) if isinstance(value, int | float) and value is not True:
            return
        case ast.Name(id=name) if name in ids:
            used.add(name)
        case ast.Name(id=name):
            raise SpecError(f"{owner} names {name!r}; its metrics are {', '.join(sorted(ids))}")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check_node(operand, ids, used, owner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _check_node(left, ids, used, owner)
            _check_node(right, ids, used, owner)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if _fits(name, args):
            for part in args:
                _check_node(part, ids, used, owner)
        case _:
            raise SpecError(f"{owner} has {ast.unparse(node)!r}; allowed are {_ALLOWED}")


def _fits(function: str, args: list[ast.expr]) -> bool:
    match function, args:
        case ("FILL", [ast.Name(), ast.Constant()]) | ("ABS", [_]) | ("MIN" | "MAX", [_, *_]):
            return True
        case _:
            return False


@cache
def _compiled(expression: str) -> Compiled:
    return _compile(_parse(expression, "metric math"))


def _compile(node: ast.expr) -> Compiled:
    """Return a function of the metric values: a tick evaluates it for every minute it reads."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return lambda _: float(value)
        case ast.Name(id=name):
            return operator.itemgetter(name)
        case ast.UnaryOp(op=op, operand=operand):
            inner = _compile(operand)
            return (lambda values: -inner(values)) if isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right):
            apply, one, other = _OPERATORS[type(op)], _compile(left), _compile(right)
            return lambda values: apply(one(values), other(values))
        case ast.Call(func=ast.Name(id="FILL"), args=[ast.Name(id=name), ast.Constant() as fill]):
            instead = _compile(fill)
            return lambda values: values[name] if name in values else instead(values)
        case ast.Call(func=ast.Name(id=name), args=args):
            parts, function = [_compile(part) for part in args], _FUNCTIONS[name]
            return lambda values: function(*(part(values) for part in parts))
        case _:  # refused by `check` when the specification was made
            raise KeyError(ast.unparse(node))
