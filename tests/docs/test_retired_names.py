"""Names that the glossary retired do not come back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import PACKAGES, ROOT, name_of

LINES = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| .+ \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
RETIRED = {name for line in LINES for name in re.findall(r"`(\w+)`", line)}


def names_given(source: str) -> Iterator[str]:
    """Yield the names that a module gives: classes, functions, arguments, variables."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def retired_in(path: Path) -> set[str]:
    return {name for name in names_given(path.read_text()) if name.lstrip("_") in RETIRED}


def test_no_retired_name_is_given_again() -> None:
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    assert {name_of(path): found for path in files if (found := retired_in(path))} == {}


def test_every_way_to_give_a_name_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "old.py"
    file.write_text("class Hub: ...\ndef leave(fronts): _least_days = 1\n")
    assert retired_in(file) == {"Hub", "leave", "fronts", "_least_days"}
