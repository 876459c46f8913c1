"""Read the text of a rule into its syntax tree, or say at which place it is wrong.

Two gates: the words and signs of the text are checked first, so that Python's parser sees only known ones; then each
node of Python's tree must be of an allowed kind. Nothing is ever compiled or evaluated as Python.
"""

import ast
from dataclasses import dataclass
from functools import lru_cache

from contracts.rules import MAX_DEPTH, MAX_NODES
from models.rules import syntax
from models.rules.errors import RuleTextError
from models.rules.names import names_of
from models.rules.words import WORDS, RuleText

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_SHARES = ("share", "score")
"""Units of values from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A rule's text that was read. `names`: the features that it names, in the order of the text."""

    text: str
    grain: str
    condition: syntax.Condition
    names: tuple[str, ...]


@lru_cache(maxsize=512)
def parse(text: str, grain: str) -> Expression:
    """Read a rule over what `grain` names (contracts.rules.GRAINS). Raises RuleTextError with the place.

    >>> parse("share_30_35 > 0.8 and streams >= 100", "session").names
    ('share_30_35', 'streams')
    >>> parse("skip_rat > 0.5", "session")
    Traceback (most recent call last):
    models.rules.errors.RuleTextError: line 1, column 1: there is no 'skip_rat': did you mean 'skip_rate'?
    """
    condition = _Reader(text, grain).read()
    return Expression(text, grain, condition, syntax.names_in(condition))


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, grain: str) -> None:
        self._known = names_of(grain)
        self._text = RuleText.of(text)
        self._nodes = 0

    def read(self) -> syntax.Condition:
        self._text.check(self._known)
        # in brackets, so that a rule may have several lines
        source = f"({self._text.source}\n)"
        self._lines = [0, *(at + 1 for at, char in enumerate(source) if char == "\n")]
        try:
            tree = ast.parse(source, mode="eval").body
        except SyntaxError as error:
            raise self._syntax_error(self._place(error.lineno or 1, max((error.offset or 1) - 1, 0))) from None
        except (RecursionError, MemoryError, ValueError):
            raise self._text.error("the rule is nested too deep", 0) from None
        condition = self._condition(tree, 1)
        if not syntax.names_in(condition):
            raise self._text.error("a rule names at least one feature: this is the same for everybody", 0)
        return condition

    def _syntax_error(self, at: int) -> RuleTextError:
        if not self._text.source[at:].strip():
            return self._text.error("something is missing at the end", at)
        return self._text.error("this does not fit here: is a sign, a number or a name missing before it?", at)

    def _condition(self, node: ast.expr, depth: int) -> syntax.Condition:
        self._count(node, depth)
        match node:
            case ast.BoolOp(op, values):
                parts = tuple(self._condition(value, depth + 1) for value in values)
                return syntax.All(parts) if isinstance(op, ast.And) else syntax.Some(parts)
            case ast.UnaryOp(ast.Not(), operand):
                return syntax.Not(self._condition(operand, depth + 1))
            case ast.Compare(left, ops, comparators):
                return self._comparison(node, [left, *comparators], ops, depth)
            case ast.Call(ast.Name("known"), [ast.Name(name) as argument], []):
                if name in WORDS:
                    raise self._error("known() takes the name of a feature", argument)
                return syntax.Known(name)
            case ast.Call(function):
                raise self._error("only known(NAME) has brackets after its name", function)
        raise self._error("this is a number, not a condition: compare it, such as plays > 100", node)

    def _comparison(
        self, node: ast.expr, operands: list[ast.expr], ops: list[ast.cmpop], depth: int
    ) -> syntax.Condition:
        values = [self._quantity(operand, depth + 1) for operand in operands]
        parts: list[syntax.Condition] = []
        for n, op in enumerate(ops):
            sign = _COMPARISONS.get(type(op))
            if sign is None:
                raise self._error("a rule compares by < <= > >= == !=", operands[n])
            self._check_share(values[n], values[n + 1], operands[n + 1])
            self._check_share(values[n + 1], values[n], operands[n])
            parts.append(syntax.Comparison(sign, values[n], values[n + 1]))  # type: ignore[arg-type]
        return parts[0] if len(parts) == 1 else syntax.All(tuple(parts))

    def _check_share(self, value: syntax.Quantity, limit: syntax.Quantity, at: ast.expr) -> None:
        """Raise RuleTextError where a share is compared with a number that no share reaches."""
        if isinstance(value, syntax.Name) and self._known[value.name].unit in _SHARES and _number(limit) is not None:
            number = _number(limit) or 0.0
            if not 0 <= number <= 1:
                advice = f"write {number / 100:g} for {number:g} %" if 1 < number <= 100 else "no share is outside"
                raise self._error(f"{value.name} is from 0 to 1: {advice}", at)

    def _quantity(self, node: ast.expr, depth: int) -> syntax.Quantity:
        self._count(node, depth)
        match node:
            case ast.Constant(int() | float() as value) if not isinstance(value, bool):
                return syntax.Number(float(value))
            case ast.Name(name) if name in self._known:
                return syntax.Name(name)
            case ast.UnaryOp(ast.USub(), operand):
                return syntax.Negative(self._quantity(operand, depth + 1))
            case ast.UnaryOp(ast.UAdd(), operand):
                return self._quantity(operand, depth + 1)
            case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC:
                sign = _ARITHMETIC[type(op)]
                operands = self._quantity(left, depth + 1), self._quantity(right, depth + 1)
                return syntax.Arithmetic(sign, *operands)  # type: ignore[arg-type]
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp() | ast.Call(ast.Name("known")):
                raise self._error("this is a condition where a number is expected", node)
        raise self._error("a number or the name of a feature is expected here", node)

    def _count(self, node: ast.expr, depth: int) -> None:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise self._error(f"the rule is nested more than {MAX_DEPTH} deep", node)
        if self._nodes > MAX_NODES:
            raise self._error(f"the rule has more than {MAX_NODES} parts", node)

    def _place(self, line: int, column: int) -> int:
        """Return the place in the translated text of a line and column that Python names; a bracket is before it."""
        return self._lines[min(line, len(self._lines)) - 1] + column - 1

    def _error(self, message: str, node: ast.expr) -> RuleTextError:
        return self._text.error(message, self._place(node.lineno, node.col_offset))


def _number(value: syntax.Quantity) -> float | None:
    """Return the number that a quantity is, with its sign; None where it is none."""
    match value:
        case syntax.Number(number):
            return number
        case syntax.Negative(syntax.Number(number)):
            return -number
    return None
