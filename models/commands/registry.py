"""Commands of the registry: which model scores, which one in its shadow, how they compare and change places."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from models.errors import ModelError
from models.registry.artefact import MANIFEST
from models.registry.role_changes import WritableRegistry
from models.registry.roles import FOLDER, version_of
from models.reports import compare_words
from models.reports.compare import Judge, compare_world
from runtime.settings import Settings
from runtime.world import World

FROM_NEXT_START = "from the job's next start on:  make down  and  make up"


def _registry() -> WritableRegistry:
    return WritableRegistry(Settings().data.resolve() / FOLDER)


def _now() -> datetime:
    return datetime.now(UTC)


def roles() -> None:
    """Say which model scores, which one in its shadow, and what changed when.

    Example:  python -m models roles
    """
    found = _registry().roles()
    typer.echo(f"champion          {version_of(found.champion)}")
    typer.echo(f"challenger        {found.challenger.version if found.challenger else 'none'}")
    for line in found.log:
        typer.echo(f"{line['at']}  {line['step']:<9} {line['version']}")


def register(
    artefact: Annotated[Path, typer.Argument(help="Folder of the artefact.")],
    sha256: Annotated[str, typer.Option(help=f"SHA-256 of its {MANIFEST} that you trust; training prints it.")],
) -> None:
    """Put a model in the shadow: it scores beside the champion and flags nothing.

    Example:  python -m models register data/candidate --sha256 0f3c…
    """
    typer.echo(f"{_registry().register(artefact, sha256, _now()).version} scores in the shadow {FROM_NEXT_START}")


def compare(
    world: Annotated[str, typer.Option(help="World whose sessions both have scored.")] = "",
    challenger: Annotated[str, typer.Option(help="Version of the challenger; default the registered one.")] = "",
    judge: Annotated[str, typer.Option(help="Who is right: truth, verdicts, nobody, or auto.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print JSON, all sessions included.")] = False,
    shown: Annotated[int, typer.Option(min=0, help="How many sessions that only one flags to list.")] = 5,
) -> None:
    """Compare the challenger with the champion: agreement, who is right, what promoting would change.

    Example:  python -m models compare --world demo
    """
    settings = Settings()
    if judge not in list(Judge):
        raise ModelError(f"--judge {judge} is none of {', '.join(Judge)}")
    entry = _registry().roles().challenger
    version = challenger or (entry.version if entry else "")
    if not version:
        raise ModelError("no challenger is registered: name one that has scored here with  --challenger")
    place = World(settings.data.resolve() / (world or settings.world))
    found = compare_world(place, version, Judge(judge))
    if json:
        typer.echo(orjson.dumps(compare_words.as_dict(found), option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo("\n".join(compare_words.lines(found, shown)))


def promote() -> None:
    """Make the challenger the champion, its hash checked once more.

    Example:  python -m models compare --world demo && python -m models promote
    """
    typer.echo(f"{_registry().promote(_now()).version} scores and flags {FROM_NEXT_START}")


def rollback() -> None:
    """Undo the last promotion: the champion before it scores again.

    Example:  python -m models rollback
    """
    typer.echo(f"{version_of(_registry().rollback(_now()))} scores and flags {FROM_NEXT_START}")


def withdraw() -> None:
    """Take the challenger out of the shadow.

    Example:  python -m models withdraw
    """
    typer.echo(f"{_registry().withdraw(_now()).version} no longer scores in the shadow {FROM_NEXT_START}")


COMMANDS: tuple[Callable[..., Any], ...] = (roles, register, compare, promote, rollback, withdraw)
