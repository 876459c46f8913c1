"""The language of rules: any text is read, or refused with its place; evaluation equals a slow reference."""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.rules import GRAINS, MAX_DEPTH, MAX_NODES, MAX_TEXT_CHARS
from models.rules import syntax
from models.rules.errors import RuleError, RuleTextError
from models.rules.evaluate import evaluate
from models.rules.names import NAMES
from models.rules.parse import Expression, parse

NAMES_USED = ("plays", "streams", "skip_rate", "hours")
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def slow_number(node: syntax.Quantity, row: Mapping[str, float | None]) -> float | None:
    """Evaluate a quantity of one row; None is unknown."""
    match node:
        case syntax.Number(value):
            return value
        case syntax.Name(name):
            return row[name]
        case syntax.Negative(operand):
            inner = slow_number(operand, row)
            return None if inner is None else -inner
        case syntax.Arithmetic(sign, left, right):
            a, b = slow_number(left, row), slow_number(right, row)
            if a is None or b is None or (sign == "/" and b == 0):
                return None
            result = {"+": a + b, "-": a - b, "*": a * b}[sign] if sign != "/" else a / b
            return result if math.isfinite(result) else None


def slow(node: syntax.Condition, row: Mapping[str, float | None]) -> bool | None:
    """Evaluate a condition of one row; None is unknown."""
    match node:
        case syntax.Comparison(sign, left, right):
            a, b = slow_number(left, row), slow_number(right, row)
            return None if a is None or b is None else COMPARE[sign](a, b)
        case syntax.Known(name):
            return row[name] is not None
        case syntax.Not(operand):
            inner = slow(operand, row)
            return None if inner is None else not inner
        case syntax.All(parts):
            values = [slow(part, row) for part in parts]
            return False if False in values else (None if None in values else True)
        case syntax.Some(parts):
            values = [slow(part, row) for part in parts]
            return True if True in values else (None if None in values else False)


numbers = st.one_of(st.integers(0, 1000), st.floats(0, 1, allow_nan=False)).map(lambda n: f"{n:.6g}")
quantities = st.recursive(
    st.one_of(numbers, st.sampled_from(("plays", "streams", "hours"))),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda q: f"-{q}"),
    ),
    max_leaves=5,
)
conditions = st.recursive(
    st.one_of(
        st.tuples(quantities, st.sampled_from(tuple(COMPARE)), quantities).map(" ".join),
        st.sampled_from(NAMES_USED).map(lambda name: f"known({name})"),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda c: f"not ({c})"),
    ),
    max_leaves=5,
)
values = st.one_of(st.none(), st.integers(0, 5).map(float), st.floats(-1e308, 1e308))
rows = st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES_USED, values)), min_size=1, max_size=5)


@settings(max_examples=60)
@given(conditions, rows)
def test_evaluation_of_all_rows_at_once_equals_the_reference_row_by_row(
    text: str, table: list[dict[str, float | None]]
) -> None:
    condition = parse(f"{text} or (known(plays) and not known(plays))", "session").condition
    columns = {n: np.array([np.nan if r[n] is None else r[n] for r in table], float) for n in NAMES_USED}
    truth = evaluate(condition, columns, len(table))
    expected = [slow(condition, row) for row in table]
    assert truth.true.tolist() == [value is True for value in expected]
    assert truth.false.tolist() == [value is False for value in expected]


SIGNS = ("(", ")", "<", ">=", "==", "+", "-", "*", "/", "**", "1", ".5", "1e9", ".", "'", '"', "[", ":", ":=", "≤", "×")
OTHERS = ("and", "or", "not", "known", "__class__", "lambda", "import", "eval", "if", "\n", "\t", "\x00", "🎵")
pieces = st.one_of(st.sampled_from((*NAMES_USED, *SIGNS, *OTHERS)), st.text(max_size=3))


def read(text: str) -> Expression | RuleTextError:
    try:
        return parse(text, "session")
    except RuleTextError as error:
        return error


@settings(max_examples=200)
@given(st.lists(pieces, max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    result = read(text)
    if isinstance(result, RuleTextError):
        assert 1 <= result.line <= text.count("\n") + 1
        assert 1 <= result.column <= len(text.split("\n")[result.line - 1]) + 1
        assert result.picture().endswith("^")
    else:
        assert set(result.names) <= set(NAMES["session"])
        evaluate(result.condition, {}, 2)


@pytest.mark.parametrize(
    ("text", "line", "column", "part"),
    [
        ("share_30_35 > 0.8 and stream >= 100", 1, 23, "did you mean 'streams'?"),
        ("plays > 100\n  and skiprate > 0.5", 2, 7, "did you mean 'skip_rate'?"),
        ("skip_rate > 80", 1, 13, "write 0.8 for 80 %"),
        ("plays", 1, 1, "not a condition"),
        ("plays > 3 and", 1, 14, "missing at the end"),
        ("plays > 3 streams", 1, 11, "a sign is missing before streams"),
        ("(plays > 3", 1, 1, "not closed"),
        ("plays > 3)", 1, 10, "closes none"),
        ("plays ≥ 3 and playz > 1", 1, 15, "did you mean 'plays'?"),
        ("plays = 3", 1, 7, "write '==' for equal"),
        ("plays > 3 AND hours > 1", 1, 11, "write 'and' in small letters"),
        ("plays > 1,000", 1, 10, "no sign between thousands"),
        ("plays > (streams > 3)", 1, 10, "a condition where a number is expected"),
        ("plays(3) > 2", 1, 6, "only known(NAME)"),
        ("known(3) or plays > 1", 1, 1, "only known(NAME)"),
        ("plays.real > 1", 1, 6, "no part of a rule"),
        ("plays ** 9 ** 9 ** 9 > 1", 1, 7, "no powers"),
        ("__import__ > 1", 1, 1, "there is no '__import__'"),
        ("streams > 1e999", 1, 11, "too large"),
        ("1 < 2", 1, 1, "names at least one feature"),
        (" ", 1, 1, "needs a condition"),
        ("(" * (MAX_DEPTH + 1), 1, MAX_DEPTH + 1, "nested more than"),
        ("-" * 50 + "plays > 1", 1, MAX_DEPTH, "nested more than"),
        ("plays > 1" + " or plays > 1" * 100, 1, 859, f"more than {MAX_NODES} parts"),
        ("plays > 1" + " " * MAX_TEXT_CHARS, 1, MAX_TEXT_CHARS + 1, "at most 2,000"),
    ],
)
def test_a_wrong_text_is_refused_with_its_place_and_a_cure(text: str, line: int, column: int, part: str) -> None:
    with pytest.raises(RuleTextError) as refused:
        parse(text, "session")
    assert part in str(refused.value)
    assert (refused.value.line, refused.value.column) == (line, column)


def test_what_is_not_known_never_flags_whatever_the_comparison() -> None:
    columns = {"plays": np.array([np.nan, np.inf, 3.0]), "hours": np.array([0.0, 0.0, 0.0])}

    def hits(text: str) -> list[bool]:
        found: list[bool] = evaluate(parse(text, "session").condition, columns, 3).true.tolist()
        return found

    assert hits("plays > 1") == hits("plays < 5") == hits("plays == 3") == [False, False, True]
    assert hits("not plays > 1") == hits("plays / hours > 1") == hits("not plays / hours > 1") == [False] * 3
    assert hits("not known(plays)") == [True, True, False]
    assert hits("plays > 1 or hours == 0") == [True] * 3


def test_each_grain_has_its_names_and_another_one_is_refused() -> None:
    assert [parse("night_share > 0.5", grain).names for grain in ("session", "day")] == [("night_share",)] * 2
    assert parse("longest_wake_h > 20", "day").grain == "day"
    with pytest.raises(RuleTextError, match="there is no 'longest_wake_h'"):
        parse("longest_wake_h > 20", "session")
    with pytest.raises(RuleError, match="one of session, day, weeks"):
        parse("plays > 1", "hour")
    assert set(NAMES) == set(GRAINS)


def test_a_chain_of_comparisons_is_all_of_them() -> None:
    columns: dict[str, Any] = {"skip_rate": np.array([0.1, 0.3, 0.9])}
    assert evaluate(parse("0.2 < skip_rate <= 0.5", "session").condition, columns, 3).true.tolist() == [
        False, True, False,
    ]  # fmt: skip
