"""The commands by area: each has an example that can be typed, and none loads what another needs."""

import subprocess
import sys

import pytest
from typer.main import get_command

from ops.__main__ import app
from ops.commands import machine, runs
from producer.commands import Command, histories, worlds

ALL = (*worlds.COMMANDS, *histories.COMMANDS, *machine.COMMANDS, *runs.COMMANDS)


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)
def test_the_example_of_a_command_can_be_parsed(command: Command) -> None:
    _, _, typed = command.example.partition("python -m ops ")
    name, *arguments = typed.split()
    assert name == command.name
    click_command = get_command(app).commands[name]  # type: ignore[attr-defined]
    click_command.make_context(name, arguments)
    assert typed in click_command.epilog


def test_no_name_is_taken_twice() -> None:
    assert len({command.name for command in ALL}) == len(ALL)


def test_the_help_page_loads_neither_numpy_nor_kafka_nor_the_simulator() -> None:
    look = "import sys, ops.__main__; print({'numpy', 'kafka', 'pyarrow', 'producer.simulator'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "set()"
