"""The one line of a log that is shown."""

from pathlib import Path

import pytest

from ops.stack.logs import MAX_CHARS, most_relevant_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "(its log is empty)"),
        ("first\nlast\n\n", "last"),
        ("starting\nspark_app: no topic plays\n", "spark_app: no topic plays"),
        ("Traceback (most recent call last):\n  File x\nValueError: why\n+- Relation [a]\n", "ValueError: why"),
        ("java.io.IOException: disk full\n\tat kafka.log.Log\n\tat kafka.Kafka\n", "java.io.IOException: disk full"),
    ],
)
def test_the_last_line_is_taken_or_the_last_one_that_names_the_error(text: str, line: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(text)
    assert most_relevant_line(log) == line


def test_a_log_that_is_missing_counts_as_empty(tmp_path: Path) -> None:
    assert most_relevant_line(tmp_path / "none.log") == "(its log is empty)"


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("x" * 1000)
    assert most_relevant_line(log) == "x" * MAX_CHARS
