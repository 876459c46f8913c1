"""Options of the commands that score: which model, how it is trusted, and from which score it flags."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    Path | None,
    typer.Option(help="Zip of a saved PipelineModel, or folder of an artefact; default the champion."),
]
TrustedHash = Annotated[
    str | None, typer.Option("--sha256", help="SHA-256 of the zip, or of the folder's manifest.json: what you trust.")
]
Threshold = Annotated[
    float | None, typer.Option(help="Flag from this score on; default the model's own, .5 for a zip.")
]
