"""The Makefile lists itself, and each target calls a command that exists."""

import re
import subprocess

from typer.main import get_command

from ops.cli import app
from runtime.resources import CODE as ROOT


def text() -> str:
    return (ROOT / "Makefile").read_text()


def test_make_alone_lists_every_target_with_its_purpose() -> None:
    said = subprocess.run(
        ["make", "-C", ROOT, "--no-print-directory"], capture_output=True, text=True, check=True
    ).stdout
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", said, flags=re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text(), flags=re.MULTILINE)
    targets = re.findall(r"^([a-z][\w-]*):", text(), flags=re.MULTILINE)
    assert "train-days" in listed
    assert set(listed) == set(targets) == set(phony.split())


def test_every_command_of_ours_that_the_makefile_calls_exists() -> None:
    called = re.findall(r"\$\(PLAYPROOF\) ([a-z-]+)(?: ([a-z][a-z-]*))?", text())
    assert ("model", "train") in called
    for name, inner in called:
        command = get_command(app).commands[name]  # type: ignore[attr-defined]
        assert not hasattr(command, "commands") or inner in command.commands, f"{name} {inner}"


def test_no_path_in_the_makefile_is_absolute() -> None:
    assert not re.search(r"(?<![\w.])/(?:home|root|usr|work|tmp)\b", text())
    assert "$(CURDIR)" not in text()
