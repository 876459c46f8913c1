"""The Makefile lists itself, and each target calls a command that exists."""

import re
import subprocess

from typer.main import get_command

from ops.__main__ import app
from runtime.jvm import ROOT

TARGETS = {
    "setup", "demo", "test", "lint", "up", "down", "status", "logs", "console", "produce", "notebook", "live", "doctor",
    "train", "bench", "clean",
}  # fmt: skip


def text() -> str:
    return (ROOT / "Makefile").read_text()


def test_make_alone_lists_every_target_with_its_purpose() -> None:
    said = subprocess.run(
        ["make", "-C", ROOT, "--no-print-directory"], capture_output=True, text=True, check=True
    ).stdout
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", said, flags=re.MULTILINE))
    assert set(listed) >= TARGETS


def test_every_command_of_ours_that_the_makefile_calls_exists() -> None:
    called = set(re.findall(r"-m ops (\S+)", text()))
    assert called
    assert called <= set(get_command(app).commands)  # type: ignore[attr-defined]


def test_no_path_in_the_makefile_is_absolute() -> None:
    assert not re.search(r"(?<![\w.])/(?:home|root|usr|work|tmp)\b", text())
    assert "$(CURDIR)" not in text()


def test_every_command_says_what_it_does() -> None:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert command.help, name
