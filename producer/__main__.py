"""`python -m producer <command>`: everything around the Spark job. Settings are read from the environment here, once."""

import sys
from typing import Annotated

import typer

from contracts.jvm import JvmError
from contracts.settings import Settings
from contracts.world import WorldError
from producer.errors import ProducerError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

World = Annotated[str | None, typer.Option("--world", help="The world to work on; default PLAYPROOF_WORLD, or main.")]


def settings_for(world: str | None) -> Settings:
    """Return the settings of the environment, with the world of the command line if one was given."""
    settings = Settings()
    return settings.model_copy(update={"world": world}) if world else settings


@app.command("setup-jars")
def setup_jars() -> None:
    """Fetch Java where there is none, and the jars of ivy.xml, each checked against jars.sha256."""
    from producer import jars, jre

    jre.ensure_java()
    fetched = jars.fetch()
    print(f"jars: {fetched} fetched and checked" if fetched else "jars: all there, checked")


@app.command()
def broker(world: World = None) -> None:
    """Run the embedded broker of a world in the foreground; Ctrl-C or SIGTERM stops it."""
    from producer.broker import LOG_NAME, become

    settings = settings_for(world)
    folder = settings.the_world().unit.broker
    print(f"broker at {settings.broker}, its log in {folder / LOG_NAME}; Ctrl-C stops it", flush=True)
    become(folder, settings.broker)


@app.command()
def topics() -> None:
    """Create the topics that are missing, with their explicit settings."""
    from producer.topics import create

    made = create(Settings().broker)
    print(f"topics made: {', '.join(made)}" if made else "topics: all there")


def main() -> None:
    """Run a command; an error of a known kind is one line, not a traceback."""
    try:
        app()
    except (ProducerError, WorldError, JvmError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
