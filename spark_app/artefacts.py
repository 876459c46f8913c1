"""Verified models for one run: the champion (or a model that the user names), and the challenger."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelError
from models.registry.artefact import Artefact
from models.registry.roles import FOLDER, Registry
from models.registry.verify import verify_artefact
from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Artefacts:
    """The model that scores, and where further ones come from and are unpacked."""

    champion: Artefact
    registry: Registry
    folder: Path


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that the user names; without a path, the champion of the registry."""

    path: Path | None = None
    """Folder of an artefact, or zip of a saved PipelineModel."""
    sha256: str | None = None
    """The trusted hash of the folder's manifest, or of the zip."""
    threshold: float | None = None
    """Score from which a session is flagged; None for the model's own, or 0.5 where it has none."""


CHAMPION = ModelChoice()


@contextmanager
def open_artefacts(settings: Settings, model: ModelChoice = CHAMPION) -> Iterator[Artefacts]:
    """Verify `model`, or the registry's champion, and unpack it for as long as the context lasts. Raises ModelError."""
    registry = Registry(settings.data.resolve() / FOLDER)
    with tempfile.TemporaryDirectory(prefix="playproof-model-") as unpacked:
        folder = Path(unpacked)
        if model.path:
            champion = verify_artefact(model.path, folder, model.sha256, threshold=model.threshold)
        elif model == CHAMPION:
            champion = registry.champion(folder)
        else:
            raise ModelError("--sha256 and --threshold are of a model that you name: give it with --model")
        yield Artefacts(champion, registry, folder)
