"""What the documents say exists: make targets, commands and their options, settings, links, paths."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.core import TyperGroup
from typer.main import get_command

from ops.cli import app
from runtime.settings import Settings
from tests.docs.pages import PACKAGES, PAGES, RECORDS, ROOT, code, name_of

TARGETS = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@page
def test_every_make_target_named_exists(page: Path) -> None:
    named = {target for line in code(page.read_text()) for target in re.findall(r"\bmake ([a-z][\w-]*)", line)}
    assert named <= TARGETS


def check_command(typed: str, where: str) -> None:
    """Check that a command line names a command of the real program, with options that it has."""
    command, words = get_command(app), typed.split()
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, where
        command = command.commands[words.pop(0)]
    options = {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
    named = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert named <= options | {"--help"}, where


@page
def test_every_command_named_exists_with_its_options(page: Path) -> None:
    for line in code(page.read_text()):
        for typed in re.findall(r"\bplayproof ((?:[a-z][\w-]* ?)+[^#|;&`>]*)", line):
            check_command(typed, line)


def test_every_command_that_a_message_or_comment_names_exists_with_its_options() -> None:
    """A command in a text of the code has two spaces or backticks around it."""
    files = [path for package in PACKAGES for end in ("*.py", "*.html", "*.js") for path in (ROOT / package).rglob(end)]
    for path in (*files, ROOT / "Makefile", ROOT / "docker-compose.yml", ROOT / "supervisord.conf"):
        for typed in re.findall(r"(?:  |`)playproof ([a-z][\w -]*)", path.read_text()):
            check_command(typed, f"{name_of(path)}: {typed}")


def test_every_decision_is_on_its_page_in_order_and_says_what_was_measured() -> None:
    listed = re.findall(r"\]\((\d.+?)\)", (ROOT / "docs" / "decisions" / "README.md").read_text())
    assert listed == [path.name for path in RECORDS]
    for number, path in enumerate(RECORDS, 1):
        text = path.read_text()
        assert path.name.startswith(f"{number:04}-")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == [
            "Context", "Decision", "Evidence", "Consequences",
        ]  # fmt: skip


def test_every_setting_is_documented_with_its_default() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    rows = dict(re.findall(r"^\| `PLAYPROOF_(\w+)` \| (.+?) \|", page, re.MULTILINE))
    expected = {}
    for name, field in Settings.model_fields.items():
        if field.default_factory is not None:
            expected[name.upper()] = "that of this machine"
        elif isinstance(field.default, SecretStr):
            expected[name.upper()] = "(a secret)" if field.default.get_secret_value() else "(empty)"
        else:
            expected[name.upper()] = f"`{field.default}`" if field.default != "" else "(empty)"
    assert rows == expected


@page
def test_no_page_names_a_path_or_a_registry_of_one_machine(page: Path) -> None:
    assert (
        re.findall(r"/(?:home|root|work|usr|tmp)/\S*|https?://(?:repo|pypi|files|registry)\S*", page.read_text()) == []
    )


def test_ci_calls_the_command_that_the_readme_names() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "make test" in (ROOT / "README.md").read_text()
    assert re.search(r"^make test\b", script, re.MULTILINE)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_pictures_together_are_smaller_than_what_a_clone_should_carry() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "media").iterdir()) < 1_200_000


def test_every_message_of_the_troubleshooting_page_exists_in_the_code() -> None:
    files = [path for package in PACKAGES for end in ("*.py", "*.html") for path in (ROOT / package).rglob(end)]
    # a text that runs over several lines of code, as one
    source = re.sub(r'"\s*\n\s*f?"', "", "\n".join(path.read_text() for path in files))
    page = (ROOT / "docs" / "guides" / "troubleshooting.md").read_text()
    messages = re.findall(r"^\| `(.+?)` \|", page, re.MULTILINE)
    assert len(messages) > 10
    parts = [part.strip(" ;,") for message in messages for part in message.split("…")]
    assert [part for part in parts if part not in source] == []


def test_one_version_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE) == [version]
    newest = re.search(r"^## (\S+) - ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version
