"""Variables of the environment, as a command meets them."""

import re

import pytest

from runtime.command_line import OF_PARTS, unknown_variables
from runtime.resources import CODE
from tests.conftest import Playproof


def test_a_variable_that_is_misspelt_is_named_on_stderr(
    playproof: Playproof, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("PLAYPROOF_HASHKEY", "do-not-show")
    ended = playproof("worlds", "--json")
    expected = "PLAYPROOF_HASHKEY is no setting and changes nothing; did you mean PLAYPROOF_HASH_KEY?"
    assert ended.err.splitlines() == [expected]
    assert "PLAYPROOF" not in ended.out


def test_every_variable_that_a_part_reads_is_known() -> None:
    files = [CODE / "docker-compose.yml", CODE / "supervisord.conf", CODE / "Makefile", *CODE.glob("*/**/*.py")]
    ours = [file for file in files if not {".venv", "tests"} & set(file.relative_to(CODE).parts)]
    text = "\n".join(file.read_text() for file in ours)
    read = set(re.findall(r"(?:environ\S*|ENV_|\$\{|^\w+ = )[\[(\"]*(PLAYPROOF_[A-Z_]+)", text, re.MULTILINE))
    assert {f"PLAYPROOF_{name}" for name in ("BROKER_PORT", "SOCKET", "UNIT", "PLACE")} <= read
    assert unknown_variables(read) == []
    assert unknown_variables(f"PLAYPROOF_{name}" for name in OF_PARTS) == []
