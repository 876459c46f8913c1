"""The syntax tree of a rule: the only kinds of node that there are.

A condition is true, false or unknown. A number may be unknown (NaN).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """The value of a feature."""

    name: str


@dataclass(frozen=True, slots=True)
class Negative:
    operand: "Quantity"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: Literal["+", "-", "*", "/"]
    left: "Quantity"
    right: "Quantity"


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: Literal["<", "<=", ">", ">=", "==", "!="]
    left: "Quantity"
    right: "Quantity"


@dataclass(frozen=True, slots=True)
class Known:
    """Whether a feature has a value: never unknown itself."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """True where all parts are: `and`."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """True where one part is: `or`."""

    parts: tuple["Condition", ...]


Quantity = Number | Name | Negative | Arithmetic
Condition = Comparison | Known | Not | All | Some


def names_in(node: Quantity | Condition) -> tuple[str, ...]:
    """Return the features that a tree names, each once, in the order of the text.

    >>> names_in(All((Known("b"), Comparison(">", Name("a"), Name("b")))))
    ('b', 'a')
    """
    return tuple(dict.fromkeys(_names(node)))


def _names(node: Quantity | Condition) -> Iterator[str]:
    match node:
        case Name(name) | Known(name):
            yield name
        case Negative(operand) | Not(operand):
            yield from _names(operand)
        case Arithmetic(_, left, right) | Comparison(_, left, right):
            yield from _names(left)
            yield from _names(right)
        case All(parts) | Some(parts):
            for part in parts:
                yield from _names(part)
