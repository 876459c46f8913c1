"""`python -m ops <command>`: all that surrounds the Spark job. The environment is read here, once."""

import signal
import sys

import typer

from ops.commands import machine, runs
from producer.commands import histories, worlds
from runtime.errors import PlayproofError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
for command in (*worlds.COMMANDS, *histories.COMMANDS, *machine.COMMANDS, *runs.COMMANDS):
    app.command(command.name, epilog=f"Example:  {command.example}")(command.run)


def main() -> None:
    """Run a command; an error of a known kind is one line, not a traceback."""
    try:
        app()
    except PlayproofError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
