"""Evaluate a rule over columns, all rows at once, in three-valued logic.

What is not known (NaN, or a number that is not finite) is neither true nor false: a comparison with it is unknown,
`and` is false where one part is false, `or` is true where one part is true, and what is unknown in the end does not
flag.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.rules import syntax
from runtime.arrays import Bools, Floats

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_CALCULATE: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Truth:
    """Of each row, whether a condition is true, and whether it is false; neither: unknown."""

    true: Bools
    false: Bools

    @property
    def unknown(self) -> Bools:
        return ~(self.true | self.false)


def evaluate(condition: syntax.Condition, columns: Mapping[str, Floats], rows: int) -> Truth:
    """Evaluate a condition over `rows` rows. A name that has no column is unknown in all of them. Never raises.

    >>> from models.rules.parse import parse
    >>> columns = {"plays": np.array([5.0, 20.0, np.nan])}
    >>> truth = evaluate(parse("plays > 10", "session").condition, columns, 3)
    >>> truth.true.tolist(), truth.unknown.tolist()
    ([False, True, False], [False, False, True])
    """
    with np.errstate(all="ignore"):
        return _condition(condition, columns, rows)


def _condition(node: syntax.Condition, columns: Mapping[str, Floats], rows: int) -> Truth:
    match node:
        case syntax.Comparison(sign, left, right):
            a, b = _quantity(left, columns, rows), _quantity(right, columns, rows)
            is_known = np.isfinite(a) & np.isfinite(b)
            is_true = _COMPARE[sign](a, b)
            return Truth(is_true & is_known, ~is_true & is_known)
        case syntax.Known(name):
            is_known = np.isfinite(_column(columns, name, rows))
            return Truth(is_known, ~is_known)
        case syntax.Not(operand):
            inner = _condition(operand, columns, rows)
            return Truth(inner.false, inner.true)
        case syntax.All(parts):
            truths = [_condition(part, columns, rows) for part in parts]
            return Truth(
                np.logical_and.reduce([t.true for t in truths]), np.logical_or.reduce([t.false for t in truths])
            )
        case syntax.Some(parts):
            truths = [_condition(part, columns, rows) for part in parts]
            return Truth(
                np.logical_or.reduce([t.true for t in truths]), np.logical_and.reduce([t.false for t in truths])
            )


def _quantity(node: syntax.Quantity, columns: Mapping[str, Floats], rows: int) -> Floats:
    match node:
        case syntax.Number(value):
            return np.full(rows, value)
        case syntax.Name(name):
            return _column(columns, name, rows)
        case syntax.Negative(operand):
            return -_quantity(operand, columns, rows)
        case syntax.Arithmetic(sign, left, right):
            result = _CALCULATE[sign](_quantity(left, columns, rows), _quantity(right, columns, rows))
            # a division by 0, or a result that no number holds, is not known: infinity would compare
            return np.where(np.isfinite(result), result, np.nan)


def _column(columns: Mapping[str, Floats], name: str, rows: int) -> Floats:
    return columns[name] if name in columns else np.full(rows, np.nan)
