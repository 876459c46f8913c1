"""Verified models for one run: the champion (or a model that the user names), and the challenger."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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


@contextmanager
def open_artefacts(settings: Settings, model: Path | None = None) -> Iterator[Artefacts]:
    """Verify `model`, or the registry's champion, and unpack it for as long as the context lasts. Raises ModelError."""
    registry = Registry(settings.data.resolve() / FOLDER)
    with tempfile.TemporaryDirectory(prefix="playproof-model-") as unpacked:
        folder = Path(unpacked)
        champion = verify_artefact(model, folder) if model else registry.champion(folder)
        yield Artefacts(champion, registry, folder)
