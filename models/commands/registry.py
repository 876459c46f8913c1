"""Commands of the registry: which model scores, which one in its shadow, how they compare and change places."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from models.errors import ModelError
from runtime.command_line import AsJson, Command, WorldName, settings_for
from runtime.settings import Settings

if TYPE_CHECKING:
    from models.registry.role_changes import WritableRegistry

FROM_NEXT_START = "from the job's next start on:  playproof down  and  playproof up"


def _registry() -> "WritableRegistry":
    from models.registry.role_changes import WritableRegistry
    from models.registry.roles import FOLDER

    return WritableRegistry(Settings().data.resolve() / FOLDER)


def _now() -> datetime:
    return datetime.now(UTC)


def roles(as_json: AsJson = False) -> None:
    """Show which model scores, which one in its shadow, and what changed when."""
    from models.registry.roles import version_of

    current = _registry().roles()
    if as_json:
        challenger = current.challenger and current.challenger.version
        versions = {"champion": version_of(current.champion), "challenger": challenger, "log": current.log}
        print(orjson.dumps(versions, option=orjson.OPT_INDENT_2).decode())
        return
    print(f"champion          {version_of(current.champion)}")
    print(f"challenger        {current.challenger.version if current.challenger else 'none'}")
    for line in current.log:
        print(f"{line['at']}  {line['step']:<9} {line['version']}")


def register(
    artefact: Annotated[Path, typer.Argument(help="Folder of the artefact.")],
    sha256: Annotated[str, typer.Option(help="SHA-256 of its manifest.json that you trust; training prints it.")],
) -> None:
    """Put a model in the shadow: it scores next to the champion and flags nothing."""
    print(f"{_registry().register(artefact, sha256, _now()).version} scores in the shadow {FROM_NEXT_START}")


def compare(
    world: WorldName = None,
    challenger: Annotated[str, typer.Option(help="Version of the challenger; default the registered one.")] = "",
    labels: Annotated[str, typer.Option(help="Where labels come from: truth, verdicts, nobody, or auto.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, all sessions included.")] = False,
    shown: Annotated[int, typer.Option(min=0, help="How many sessions that only one flags to list.")] = 5,
) -> None:
    """Compare the challenger with the champion: agreement, who is right, what promoting would change."""
    from models.reports.compare import LabelSource, compare_world
    from models.reports.format_comparison import format_lines, to_json

    if labels not in list(LabelSource):
        raise ModelError(f"--labels {labels} is none of {', '.join(LabelSource)}")
    scored = settings_for(world).existing_world()
    entry = _registry().roles().challenger
    version = challenger or (entry.version if entry else "")
    if not version:
        raise ModelError("no challenger is registered: name one that has scored here with  --challenger")
    comparison = compare_world(scored, version, LabelSource(labels))
    if as_json:
        print(orjson.dumps(to_json(comparison), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(format_lines(comparison, shown)))


def promote() -> None:
    """Make the challenger the champion, its hash checked once more."""
    print(f"{_registry().promote(_now()).version} scores and flags {FROM_NEXT_START}")


def roll_back() -> None:
    """Undo the last promotion: the champion before it scores again."""
    from models.registry.roles import version_of

    print(f"{version_of(_registry().rollback(_now()))} scores and flags {FROM_NEXT_START}")


def withdraw() -> None:
    """Take the challenger out of the shadow."""
    print(f"{_registry().withdraw(_now()).version} no longer scores in the shadow {FROM_NEXT_START}")


COMMANDS = (
    Command("roles", roles, "playproof model roles --json"),
    Command("register", register, "playproof model register data/candidate --sha256 0f3c…"),
    Command("compare", compare, "playproof model compare --world demo"),
    Command("promote", promote, "playproof model promote"),
    Command("roll-back", roll_back, "playproof model roll-back"),
    Command("withdraw", withdraw, "playproof model withdraw"),
)
