"""The page of the five documents: each statement has a verdict with a command or a link, and its commands run."""

import re
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from ops.cli import app
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "seeds.md").read_text()
ROWS = re.findall(r"^\| (\w+)\.(\d+)(?:–\w+\.(\d+))? \| (.+?) \| ([A-Z]+) \| (.*) \|$", PAGE, re.MULTILINE)
STATEMENTS = {"0": 37, "1": 27, "2": 63, "3": 25, "4": 51, "4B": 17, "C": 11}
"""Statements by document; 4B is the shop in document 004, C the card."""
VERDICTS = ("WORKS", "BETTER", "DIFFERS", "DECLINED")
COMMANDS = sorted({text for row in ROWS for text in re.findall(r"`(playproof [^`]+)`", row[-1])})
RUN = {
    "playproof simulate --scenario small": [],
    "playproof simulate --scenario small --users 300": [],
    "playproof simulate --scenario shop": ["--users", "300"],
    "playproof simulate --scenario markov_small": [],
}
"""Commands that this test runs, with what makes them short."""
RUN_ELSEWHERE = {
    "playproof calibrate": "tests/producer/simulator/test_measures.py",
    "playproof console": "tests/ops/stack/test_lifecycle.py",
    "playproof days run --scenario user-days": "tests/ops/test_days.py",
    "playproof days study": "tests/ops/test_days.py",
    "playproof down": "tests/ops/stack/test_lifecycle.py",
    "playproof job run --model ZIP --sha256 HASH": "tests/spark_app/stages/scoring/test_own_model.py",
    "playproof job show": "tests/spark_app/test_last_predictions.py",
    "playproof lab netflix --world categories --page docs/netflix.md": "tests/models/lab/test_netflix.py",
    "playproof lab run": "tests/models/lab/test_study.py",
    "playproof lab sequences": "tests/models/lab/sequences/test_study.py",
    "playproof plot": "tests/consumer_viz/plot/test_frontends.py",
    "playproof replay": "tests/flow/test_flow.py",
    "playproof replay --interval 1": "tests/producer/replay/test_pace.py",
}
"""The test that runs what a command does, where it takes a broker, Spark or many minutes."""


def numbers() -> Iterator[tuple[str, int]]:
    """Yield the statements of the page, in its order."""
    for document, first, last, *_ in ROWS:
        yield from ((document, number) for number in range(int(first), int(last or first) + 1))


def test_every_statement_is_on_the_page_once_and_in_order() -> None:
    assert list(numbers()) == [(document, n) for document, count in STATEMENTS.items() for n in range(1, count + 1)]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}.{row[1]}" for row in ROWS])
def test_a_statement_has_a_verdict_and_a_command_a_link_or_a_reason(row: tuple[str, ...]) -> None:
    verdict, where = row[-2:]
    assert verdict in VERDICTS
    is_shown = "](" in where or "`" in where
    is_explained = len(where.split()) >= 6
    assert is_explained if verdict in ("DIFFERS", "DECLINED") else is_shown


def test_the_sums_at_the_top_are_those_of_the_rows() -> None:
    by_verdict = {
        verdict: sum(int(last or first) - int(first) + 1 for _, first, last, _, given, _ in ROWS if given == verdict)
        for verdict in VERDICTS
    }
    sums = ", ".join(f"{count} {verdict}" for verdict, count in by_verdict.items())
    assert f"Of {sum(by_verdict.values())} statements: {sums}." in PAGE


def test_every_command_of_the_page_is_run_here_or_in_a_test_that_is_named() -> None:
    assert {*RUN, *RUN_ELSEWHERE} == set(COMMANDS)
    assert [file for file in RUN_ELSEWHERE.values() if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("command", RUN)
def test_a_command_of_the_page_runs(
    command: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path_factory.mktemp("data")))
    result = CliRunner().invoke(app, [*command.split()[1:], *RUN[command]])
    assert result.exit_code == 0, result.output
