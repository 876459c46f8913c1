"""Commands of drift: how far today's sessions are from those that the model was trained on."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from models.registry.artefact import SHIPPED_SCORER
from runtime.command_line import AsJson, Command, WorldName, settings_for


def drift(
    world: WorldName = None,
    shown: Annotated[int, typer.Option(min=0, help="How many features to list for each window.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Measure how far features and score have moved since training: the last day and week of scored sessions.

    The job's metrics and the page Models show what was measured last.
    """
    from models.drift.champion import measure_world
    from models.drift.report import format_drift
    from models.registry.roles import FOLDER, Registry
    from runtime.monitoring.drift import record_drift

    settings = settings_for(world)
    measured_in = settings.existing_world()
    measured = measure_world(measured_in, Registry(settings.data.resolve() / FOLDER))
    if measured_in.unit.root.exists():
        record_drift(measured_in.unit, measured)
    if as_json:
        print(orjson.dumps(measured, option=orjson.OPT_INDENT_2).decode())
        return
    print("\n".join(format_drift(measured, shown)))


def reference(
    table: Annotated[list[Path], typer.Option(help="Folder of the model's training table, may be repeated.")],
    out: Annotated[Path | None, typer.Option(help="File to write; default reference.json next to the model.")] = None,
) -> None:
    """Write the reference of the model that ships: how its features and score lay in its training."""
    from models.drift.reference import REFERENCE
    from models.registry.artefact import sha256
    from models.training.reference import rebuild_reference
    from models.training.table import read_training_tables

    content = rebuild_reference(SHIPPED_SCORER, read_training_tables(table))
    path = out or SHIPPED_SCORER / REFERENCE
    path.write_bytes(content)
    print(f"{path}: {len(content):,} bytes; in models/registry/champions.py, DRIFT_REFERENCES:  {sha256(content)}")


COMMANDS = (
    Command("drift", drift, "playproof model drift --world demo"),
    Command("reference", reference, "playproof model reference --table data/train/table", is_hidden=True),
)
