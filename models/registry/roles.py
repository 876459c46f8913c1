"""Which model scores (champion), which one scores in its shadow (challenger), and which ones scored before.

A registry is the folder `data/models/`. It has one folder per artefact, `<name>-<8 digits of its hash>/`, which never
changes once it is written, and `registry.json`: the roles, and the SHA-256 of the manifest of each artefact.
`registry.json` is replaced in one rename (models.registry.role_changes), so a reader sees the roles before a change or
after it. Without a registry the model that ships is the champion, and there is no challenger.
"""

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.registry.artefact import SHIPPED_SCORER, Artefact
from models.registry.verify import verify_artefact

FOLDER, FILE = "models", "registry.json"
SHIPPED_VERSION = "the model that ships"


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered artefact: its version (name@ and the first 8 digits of its hash), and its trusted hash."""

    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of the models. As champion, and among the former champions, None is the model that ships."""

    champion: Entry | None = None
    challenger: Entry | None = None
    former: tuple[Entry | None, ...] = ()
    """Champions before this one, oldest first."""
    log: tuple[dict[str, str], ...] = ()
    """Every change: at, step (register, promote, rollback, withdraw), version."""

    def after(self, step: str, entry: Entry | None, at: datetime, **changes: Any) -> "Roles":
        """Return the roles with `changes` made, and a line about `step` added to the log."""
        line = {"at": at.isoformat(timespec="seconds"), "step": step, "version": version_of(entry)}
        return replace(self, **changes, log=(*self.log, line))


def version_of(entry: Entry | None) -> str:
    """Return the version of an entry; None is the model that ships.

    >>> version_of(None)
    'the model that ships'
    """
    return entry.version if entry else SHIPPED_VERSION


class Registry:
    """Reads the registry of one installation: `Registry(settings.data / FOLDER)`."""

    def __init__(self, root: Path, shipped: Path = SHIPPED_SCORER) -> None:
        self.root = root
        self.shipped = shipped

    def roles(self) -> Roles:
        """Read the roles. Raises ModelError where the file is damaged."""
        path = self.root / FILE
        try:
            text = path.read_text()
        except FileNotFoundError:
            return Roles()
        try:
            fields = json.loads(text)
            champion, challenger = (_parse_entry(fields[role]) for role in ("champion", "challenger"))
            return Roles(champion, challenger, tuple(map(_parse_entry, fields["former"])), tuple(fields["log"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ModelError(
                f"{FOLDER}/{FILE} is not a registry: "
                f"restore it from a copy, or delete it to go back to {SHIPPED_VERSION}"
            ) from None

    def folder(self, entry: Entry | None) -> Path:
        """Return the folder of an entry's artefact."""
        return self.root / entry.version.replace("@", "-") if entry else self.shipped

    def champion(self, into: Path) -> Artefact:
        """Verify the model that scores and unpack it below `into`. Raises ModelError."""
        return self.verified(self.roles().champion, into)

    def challenger(self, into: Path) -> Artefact | None:
        """Verify the challenger and unpack it below `into`; None where there is none. Raises ModelError."""
        entry = self.roles().challenger
        return self.verified(entry, into) if entry else None

    def verified(self, entry: Entry | None, into: Path) -> Artefact:
        """Verify an entry's artefact and unpack it below `into`. Raises ModelError."""
        if entry is None:
            return verify_artefact(self.shipped, into)
        return verify_artefact(self.folder(entry), into, entry.sha256)


def _parse_entry(fields: dict[str, str] | None) -> Entry | None:
    if fields is None:
        return None
    if not re.fullmatch(r"\w+@[0-9a-f]{8}", fields["version"], re.ASCII):  # it becomes a folder's name
        raise ValueError(fields["version"])
    return Entry(fields["version"], str(fields["sha256"]))
