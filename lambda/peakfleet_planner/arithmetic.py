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

from peakfleet_planner.errors import SpecError

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
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
        return _evaluate(_parse(expression, "metric math"), values)
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


def _evaluate(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=op, operand=operand):
            return (
                -_evaluate(operand, values)
                if isinstance(op, ast.USub)
                else _evaluate(operand, values)
            )
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_evaluate(left, values), _evaluate(right, values))
        case ast.Call(func=ast.Name(id="FILL"), args=[ast.Name(id=name), ast.Constant() as fill]):
            return values[name] if name in values else _evaluate(fill, values)
        case ast.Call(func=ast.Name(id=name), args=args):
            parts = [_evaluate(part, values) for part in args]
            return abs(parts[0]) if name == "ABS" else _FUNCTIONS[name](parts)
        case _:  # refused by `check` when the specification was made
            raise KeyError(ast.unparse(node))
