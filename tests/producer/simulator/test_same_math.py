"""A seed has the same bytes on every processor: what makes events leaves no choice of instructions to NumPy."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.simulator import same_math

SIMULATOR = Path(same_math.__file__).parent
MEASURES = {"measure", "session_log"}
"""Folders that read worlds and make none."""
CHOSEN_BY_PROCESSOR = {
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "power", "float_power", "cbrt",
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh",
}  # fmt: skip
"""Functions for which NumPy has other code by processor; square roots and squares are exact."""
numbers = st.floats(-50, 50)
positive = st.floats(1e-6, 1e6)


def is_of_one_number(exponent: ast.expr) -> bool:
    """Say whether a power is a square, or of a campaign's difficulty, which is one number of Python."""
    return ast.unparse(exponent) in ("2", "hard") or ast.unparse(exponent).endswith("difficulty")


def calls_of_numpy(source: str) -> list[str]:
    """Name by line what NumPy would compute by processor: its functions, and powers of arrays."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="np"), attr=name) if name in CHOSEN_BY_PROCESSOR:
                found.append((node.lineno, f"np.{name}"))
            case ast.BinOp(op=ast.Pow(), right=exponent) if not is_of_one_number(exponent):
                found.append((node.lineno, f"** {ast.unparse(exponent)}"))
    return [f"line {line}: {what}" for line, what in sorted(found)]


def test_what_makes_events_computes_nothing_by_processor() -> None:
    files = [
        path
        for path in sorted(SIMULATOR.rglob("*.py"))
        if path.relative_to(SIMULATOR).parts[0] not in MEASURES and path.name != Path(same_math.__file__).name
    ]
    assert len(files) > 50
    assert {path.name: found for path in files if (found := calls_of_numpy(path.read_text()))} == {}


def test_a_call_and_a_power_are_seen() -> None:
    source = "a = np.exp(b)\nc = d**0.5\ne = f**2\ng = np.sqrt(h)\n"
    assert calls_of_numpy(source) == ["line 1: np.exp", "line 2: ** 0.5"]


@given(st.lists(numbers), st.lists(positive), numbers.filter(lambda x: abs(x) < 8))
def test_results_are_those_of_the_c_library(values: list[float], bases: list[float], exponent: float) -> None:
    assert same_math.exp(np.array(values)).tolist() == [math.exp(x) for x in values]
    assert same_math.log1p(np.array(bases)).tolist() == [math.log1p(x) for x in bases]
    assert same_math.power(np.array(bases), exponent).tolist() == [math.pow(x, exponent) for x in bases]
    own = np.resize(np.array(values or [1.0]) / 10, len(bases))
    assert same_math.power(np.array(bases), own).tolist() == [math.pow(*pair) for pair in zip(bases, own, strict=True)]


@pytest.mark.parametrize(
    ("exponent", "precision"),
    [(0.5, np.float32), (np.float32(0.5), np.float32), (np.float64(0.5), np.float64), (np.ones(3), np.float64)],
)
def test_precision_is_that_of_numpy(exponent: float, precision: type) -> None:
    base = np.array([1, 4, np.nan], dtype=np.float32)
    raised = same_math.power(base, exponent)
    assert raised.dtype == (base**exponent).dtype == precision
    assert np.isnan(raised[2])
    assert same_math.exp(base).dtype == same_math.log1p(base).dtype == np.float32
    assert len(same_math.power(base[:0], 0.5)) == 0
