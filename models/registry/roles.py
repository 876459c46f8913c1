"""Which model scores (champion), which scores in its shadow (challenger), and which scored before.

A registry is a folder, `data/models/`: an artefact a version, `<name>-<8 digits of its hash>/`, never written to
again, and `registry.json`, which names the roles and trusts each artefact by the SHA-256 of its manifest. It is
replaced in one rename (models.registry.role_changes), so a reader sees the roles before a change or after
it. Without one the model that ships is the champion, and nothing is in the shadow.
"""

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.registry.verify import CHAMPION, Artefact, verify

FOLDER, FILE = "models", "registry.json"
SHIPPED = "the model that ships"


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered artefact: its version (name@ and the first 8 digits of its hash), and the hash that is trusted."""

    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Roles:
    """Who does what; None stands for the model that ships, as champion or among the former ones."""

    champion: Entry | None = None
    challenger: Entry | None = None
    former: tuple[Entry | None, ...] = ()
    """Champions before this one, oldest first."""
    log: tuple[dict[str, str], ...] = ()
    """Every change: at, step (register, promote, rollback, withdraw), version."""

    def after(self, step: str, entry: Entry | None, at: datetime, **changes: Any) -> "Roles":
        """Return the roles after a change, with its line in the log."""
        line = {"at": at.isoformat(timespec="seconds"), "step": step, "version": version_of(entry)}
        return replace(self, **changes, log=(*self.log, line))


def version_of(entry: Entry | None) -> str:
    """Name an entry.

    >>> version_of(None)
    'the model that ships'
    """
    return entry.version if entry else SHIPPED


class Registry:
    """The registry of one installation, to be read: `Registry(settings.data / FOLDER)`."""

    def __init__(self, root: Path, shipped: Path = CHAMPION) -> None:
        self.root = root
        self.shipped = shipped

    def roles(self) -> Roles:
        """Read who does what. Raises ModelError where the file is damaged."""
        path = self.root / FILE
        try:
            text = path.read_text()
        except FileNotFoundError:
            return Roles()
        try:
            read = json.loads(text)
            champion, challenger = (_entry(read[role]) for role in ("champion", "challenger"))
            return Roles(champion, challenger, tuple(map(_entry, read["former"])), tuple(read["log"]))
        except (ValueError, KeyError, TypeError):
            raise ModelError(
                f"{FOLDER}/{FILE} is not a registry: restore it from a copy, or delete it to go back to {SHIPPED}"
            ) from None

    def folder(self, entry: Entry | None) -> Path:
        """Return where an entry's artefact lies."""
        return self.root / entry.version.replace("@", "-") if entry else self.shipped

    def champion(self, into: Path) -> Artefact:
        """Verify the model that scores and unpack it below `into`. Raises ModelError."""
        return self.verified(self.roles().champion, into)

    def challenger(self, into: Path) -> Artefact | None:
        """Verify the model that scores in the shadow, if there is one. Raises ModelError."""
        entry = self.roles().challenger
        return self.verified(entry, into) if entry else None

    def verified(self, entry: Entry | None, into: Path) -> Artefact:
        """Verify an entry's artefact and unpack it below `into`. Raises ModelError."""
        if entry is None:
            return verify(self.shipped, into)
        return verify(self.folder(entry), into, entry.sha256)


def _entry(read: dict[str, str] | None) -> Entry | None:
    if read is None:
        return None
    if not re.fullmatch(r"\w+@[0-9a-f]{8}", read["version"], re.ASCII):  # it becomes a folder's name
        raise ValueError(read["version"])
    return Entry(read["version"], str(read["sha256"]))
