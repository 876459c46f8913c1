"""The command line: every command has a help page and an example, errors are one line, exit codes are as documented."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ops import cli
from ops.panels import PANELS, Group
from runtime.command_line import MAX_SEED, Command
from runtime.errors import PlayproofError
from runtime.resources import CODE
from tests.conftest import Playproof
from tests.flow.stage import WITHIN_S

ROOT_COMMAND: Any = get_command(cli.app)


def all_commands() -> dict[str, Command]:
    """Return what a user types -> its command."""
    entries = [entry for panel in PANELS.values() for entry in panel]
    alone = {entry.name: entry for entry in entries if isinstance(entry, Command)}
    return alone | {f"{g.name} {c.name}": c for g in entries if isinstance(g, Group) for c in g.commands}


COMMANDS = all_commands()
each_command = pytest.mark.parametrize("typed", COMMANDS)


def click_command(typed: str) -> Any:
    command = ROOT_COMMAND
    for word in typed.split():
        command = command.commands[word]
    return command


def in_a_process(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `playproof` from another folder."""
    return subprocess.run(
        [sys.executable, "-m", "ops", *arguments],
        cwd=cwd, env=os.environ | {"PYTHONPATH": str(CODE)} | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@each_command
def test_a_seed_is_one_that_every_generator_takes(typed: str) -> None:
    for option in click_command(typed).params:
        if option.name == "seed":
            assert (option.min, option.max) == (0, MAX_SEED)


@each_command
def test_the_help_page_of_a_command_has_a_purpose_and_an_example(typed: str, playproof: Playproof) -> None:
    ended = playproof(*typed.split(), "--help")
    assert ended.exit_code == 0
    assert f"Usage: playproof {typed}" in ended.out
    assert re.match(r"[A-Z][^\n]+[.?]$", click_command(typed).help.split("\n\n")[0].replace("\n", " "))
    assert "Example:" in ended.out


@each_command
def test_the_example_of_a_command_can_be_parsed(typed: str) -> None:
    program, *words = shlex.split(COMMANDS[typed].example)
    assert program == "playproof"
    assert words[: len(typed.split())] == typed.split()
    click_command(typed).make_context(typed, words[len(typed.split()) :])


def test_every_option_is_explained() -> None:
    silent = [
        f"{typed} {parameter.name}"
        for typed in COMMANDS
        for parameter in click_command(typed).params
        if parameter.name != "help" and not parameter.help
    ]
    assert silent == []


def test_the_help_page_lists_every_command_under_a_heading_in_the_order_of_the_panels(playproof: Playproof) -> None:
    page = playproof().out
    assert playproof("--help").out == page
    rows = re.findall(r"^│ ([a-z][a-z-]*) ", page, re.MULTILINE)
    assert rows == [
        entry.name for panel in PANELS.values() for entry in panel if not getattr(entry, "is_hidden", False)
    ]
    assert all(heading in page for heading in PANELS)


def test_a_group_without_a_command_lists_its_commands(playproof: Playproof) -> None:
    ended = playproof("model")
    assert ended.exit_code == 0
    assert "promote" in ended.out


def test_help_and_status_without_a_broker_load_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    heavy = "{'numpy', 'kafka', 'pyarrow', 'pyspark'}"
    (tmp_path / "main").mkdir()
    for arguments in (["--help"], ["status"]):
        done = subprocess.run(
            [sys.executable, "-c", f"import sys, ops.cli; ops.cli.run({arguments}); print({heavy} & set(sys.modules))"],
            env=os.environ | {"PLAYPROOF_DATA": str(tmp_path)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "set()", arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["statsu"], "error: no such command 'statsu'; did you mean  status  ?: see  playproof --help"),
        (["model", "trian"], "error: no such command 'trian'; did you mean  train  ?: see  playproof model --help"),
        (["audit-tables"], "error: no such command 'audit-tables': see  playproof --help"),
        (["status", "--wrold", "x"], "error: no such option: --wrold"),
        (["simulate", "--users", "many"], "error: invalid value for '--users'"),
        (["model", "register"], "error: missing argument"),
    ],
)
def test_wrong_usage_is_one_line_with_the_page_that_helps(
    arguments: list[str], message: str, playproof: Playproof
) -> None:
    ended = playproof(*arguments)
    assert ended.exit_code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith(message)
    assert "--help" in line


def test_a_command_of_a_group_typed_without_it_is_suggested_with_it(playproof: Playproof) -> None:
    assert "did you mean  days train  or  model train  ?" in playproof("train").err


def test_the_version_is_that_of_pyproject(tmp_path: Path) -> None:
    (number,) = re.findall(r'^version = "(.+)"$', (CODE / "pyproject.toml").read_text(), re.MULTILINE)
    assert in_a_process("--version", cwd=tmp_path).stdout == f"playproof {number}\n"


def test_it_works_from_another_folder_and_writes_its_data_there(tmp_path: Path) -> None:
    size = ("--users", "20", "--days", "1", "--prevalence", "0")
    done = in_a_process("simulate", "--world", "w", *size, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "w" / "static" / "tracks").is_dir()


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"], ["down"], ["logs"], ["replay"], ["reconcile"], ["desk"], ["job", "run"], ["days", "run"],
        ["model", "evaluate"], ["lab", "run"], ["days", "build"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_world_that_does_not_exist_is_named_with_those_that_do_and_is_not_created(
    arguments: list[str], playproof: Playproof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    for name in ("main", "demo"):
        (tmp_path / name / "raw").mkdir(parents=True)
    assert playproof(*arguments, "--world", "nope").error == (
        "error: there is no world nope; there are: demo, main: run  playproof simulate --world nope"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo", "main"]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "two words", "/etc"])
def test_a_world_outside_the_data_folder_is_refused(name: str, playproof: Playproof) -> None:
    assert playproof("simulate", "--world", name).error.startswith(
        f"error: --world or PLAYPROOF_WORLD: {name!r} is no name of a world"
    )


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("DASH_PORT", "abc", "PLAYPROOF_DASH_PORT: 'abc' is no port (1–65535)"),
        ("DASH_PORT", "70000", "PLAYPROOF_DASH_PORT: '70000' is no port (1–65535)"),
        ("METRICS_PORT", "80", "PLAYPROOF_METRICS_PORT: '80' is no port with three free ones above it (1024–65532)"),
        ("METRICS_ADDRESS", "pod", "PLAYPROOF_METRICS_ADDRESS: 'pod' is no IP address, as 127.0.0.1 or 0.0.0.0"),
        ("DOCKER", "perhaps", "PLAYPROOF_DOCKER: 'perhaps' is neither 1 nor 0"),
        (
            "BROKER",
            "foo",
            "PLAYPROOF_BROKER: 'foo' is no address, as 127.0.0.1:19092 (host:port, or several)",
        ),
        ("TIME_ZONE", "Mars/Olympus", "PLAYPROOF_TIME_ZONE: 'Mars/Olympus' is no time zone, such as Europe/Berlin"),
        ("LOG_LEVEL", "loud", "PLAYPROOF_LOG_LEVEL: 'loud' is none of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(
    variable: str, value: str, message: str, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PLAYPROOF_{variable}", value)
    assert playproof("status").error == f"error: {message}"
    assert playproof("--help").exit_code == 0


def test_an_error_of_many_lines_becomes_one_and_a_system_error_names_its_file(
    playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(error: Exception) -> str:
        def status(*_: object) -> None:
            raise error

        monkeypatch.setattr("ops.stack.lifecycle.status", status)
        monkeypatch.setattr("runtime.settings.Settings.existing_world", lambda self: None)
        return playproof("status").error

    assert fails(PlayproofError("this\n  is\n why")) == "error: this is why"
    assert fails(PermissionError(13, "Permission denied", "data/w")) == "error: data/w: Permission denied"


def test_the_log_level_is_used_debug_adds_where_an_error_came_from(tmp_path: Path) -> None:
    quiet, loud = (in_a_process("status", cwd=tmp_path, PLAYPROOF_LOG_LEVEL=level) for level in ("info", "debug"))
    assert len(quiet.stderr.splitlines()) == 1
    assert "Traceback" in loud.stderr
    assert loud.stderr.splitlines()[-1] == quiet.stderr.splitlines()[0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_with_its_exit_code_and_without_a_traceback(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    script = (
        "import os, signal, sys, ops.cli, ops.doctor\n"
        f"ops.doctor.examine = lambda settings: os.kill(os.getpid(), {int(number)}) or signal.pause()\n"
        "sys.argv = ['playproof', 'doctor']\n"
        "ops.cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=WITHIN_S)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_completion_offers_commands() -> None:
    environment = os.environ | {
        "_PLAYPROOF_COMPLETE": "complete_bash", "COMP_WORDS": "playproof mod", "COMP_CWORD": "1"
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "ops"], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["model"]
