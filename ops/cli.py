"""The command line `playproof`: how the commands of `ops.panels` are started, and how they end.

Exit codes: 0 done, 1 it did not work (one line on stderr says why), 2 wrong usage, 130 Ctrl-C, 143 SIGTERM. Commands
that run until they are stopped (job run, replay, plot, desk) end with 0 when Ctrl-C or SIGTERM stops them.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import wraps
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

from ops.panels import PANELS
from ops.version import version
from runtime.command_line import Command, unknown_variables
from runtime.command_line import log as log_progress
from runtime.errors import PlayproofError
from runtime.jvm import read_names_as_utf8
from runtime.resources import CHECKOUT
from runtime.settings import Settings

NAME = "playproof"
OUR_PACKAGES = ("contracts", "runtime", "producer", "spark_app", "models", "consumer_viz", "ops")

log = logging.getLogger(__name__)


class SuggestingGroup(TyperGroup):
    """Answers a command that does not exist with those that the user may have meant, in other groups too."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first argument names; raise a usage error, with suggestions, if there is none."""
        try:
            return super().resolve_command(ctx, args)
        except TyperException as error:
            if meant := self._suggestions(args[0]):
                error.message = f"{error.message.rstrip('.')}; did you mean  {'  or  '.join(meant)}  ?"
            raise

    def _suggestions(self, typed: str) -> list[str]:
        paths: dict[str, list[str]] = {}
        for name, command in self.commands.items():
            paths.setdefault(name, []).append(name)
            for inner in getattr(command, "commands", {}):
                paths.setdefault(inner, []).append(f"{name} {inner}")
        return [path for close in get_close_matches(typed, paths, n=2, cutoff=0.7) for path in paths[close]]


class TopGroup(SuggestingGroup):
    """Lists commands and groups in the order of PANELS; typer alone would put all groups last."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of commands and groups in the order of the help page."""
        return [entry.name for entries in PANELS.values() for entry in entries]


def _help_if_bare(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"{NAME} {version()}")
        raise typer.Exit


def _start(
    ctx: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find fake listening on a music-streaming service while it happens."""
    if ctx.invoked_subcommand is None:
        _help_if_bare(ctx)
        return
    configure_logging(Settings().log_level)
    for line in unknown_variables(os.environ):
        log_progress(line)


def build_app() -> typer.Typer:
    """Put all commands into one application."""
    app = typer.Typer(
        cls=TopGroup,
        invoke_without_command=True,
        suggest_commands=False,
        pretty_exceptions_enable=False,
        callback=_start,
        epilog="playproof COMMAND --help  explains a command; settings: docs/reference/settings.md",
    )
    for heading, entries in PANELS.items():
        for entry in entries:
            if isinstance(entry, Command):
                _add(app, entry, heading)
                continue
            group = typer.Typer(
                cls=SuggestingGroup, invoke_without_command=True, suggest_commands=False,
                callback=_help_if_bare, help=entry.help,
            )  # fmt: skip
            for command in entry.commands:
                _add(group, command)
            app.add_typer(group, name=entry.name, rich_help_panel=heading)
    return app


def _add(app: typer.Typer, command: Command, heading: str | None = None) -> None:
    register: Callable[..., Any] = app.command(
        command.name,
        epilog=f"Example:  {command.example}",
        rich_help_panel=heading,
        hidden=command.is_hidden,
        no_args_is_help=False,
    )
    register(_after_jvm(command.run) if command.needs_jvm else command.run)


def _after_jvm(run: Callable[..., None]) -> Callable[..., None]:
    """Return a command, its options unchanged, that first makes sure of Java and the jars."""

    @wraps(run)
    def run_after_jvm(**options: Any) -> None:
        from ops.setup.ready import ensure_jvm

        ensure_jvm(log_progress, with_storage=bool(Settings().storage))
        run(**options)

    return run_after_jvm


def configure_logging(level: str) -> None:
    """Let our own loggers write to stderr from this level on; other libraries warn as before."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    for package in OUR_PACKAGES:
        logger = logging.getLogger(package)
        logger.setLevel(level)
        logger.handlers = [handler]


app = build_app()


def run(arguments: Sequence[str]) -> int:
    """Run a command in this process and return its exit code; what went wrong is one line on stderr."""
    try:
        code = app(list(arguments), prog_name=NAME, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except TyperException as error:
        return _fail(_usage(error), error.exit_code)
    except PlayproofError as error:
        log.debug("where it came from", exc_info=error)
        return _fail(str(error), 1)
    except OSError as error:
        log.debug("where it came from", exc_info=error)
        return _fail(": ".join(filter(None, [str(error.filename or ""), error.strerror or str(error)])), 1)
    except (KeyboardInterrupt, Abort):
        return 128 + signal.SIGINT


def _usage(error: TyperException) -> str:
    """Return what is wrong with a command line, and where its help is."""
    message = error.format_message().rstrip(".")
    ctx = getattr(error, "ctx", None)
    page = ctx.command_path if ctx is not None else NAME
    return f"{message[:1].lower()}{message[1:]}: see  {page} --help"


def _fail(message: str, code: int) -> int:
    print("error: " + " ".join(line.strip() for line in message.splitlines()), file=sys.stderr)
    return code


def _keep_imports_ours() -> None:
    """Let processes that we start import our `models`, not a package of that name in the folder where a user works."""
    os.environ["PYTHONSAFEPATH"] = "1"
    if CHECKOUT:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))


def main() -> NoReturn:
    """Run the command of the process's arguments; SIGTERM ends it like an exit, so that what it started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # worlds hold addresses and verdicts of people: nothing that we write is for other users of the machine
    os.umask(os.umask(0) | 0o007)
    _keep_imports_ours()
    read_names_as_utf8()
    sys.exit(run(sys.argv[1:]))
