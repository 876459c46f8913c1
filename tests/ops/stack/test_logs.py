"""The line of a log that tells a person most."""

from pathlib import Path

import pytest

from ops.stack.logs import MAX_CHARS, telling_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "(it said nothing)"),
        ("first\nlast\n\n", "last"),
        ("starting\nspark_app: no topic plays\n", "spark_app: no topic plays"),
        ("Traceback (most recent call last):\n  File x\nValueError: why\n+- Relation [a]\n", "ValueError: why"),
        ("java.io.IOException: disk full\n\tat kafka.log.Log\n\tat kafka.Kafka\n", "java.io.IOException: disk full"),
    ],
)
def test_the_last_line_is_taken_or_behind_it_the_one_that_names_the_trouble(
    text: str, line: str, tmp_path: Path
) -> None:
    log = tmp_path / "a.log"
    log.write_text(text)
    assert telling_line(log) == line


def test_a_log_that_is_not_there_said_nothing(tmp_path: Path) -> None:
    assert telling_line(tmp_path / "none.log") == "(it said nothing)"


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("x" * 1000)
    assert telling_line(log) == "x" * MAX_CHARS
