"""Which model scores (champion), which scores in its shadow (challenger), and which scored before.

A registry is a folder, `data/models/`: an artefact a version, `<name>-<8 digits of its hash>/`, never written to
again, and `registry.json`, which names the roles and trusts each artefact by the SHA-256 of its manifest. It is
replaced in one rename, so a reader sees the roles before a change or after it. Without one the model that ships is the
champion, and nothing is in the shadow. Taking up a role and being loaded both verify the artefact (models.registry).
"""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models.champions import CHAMPIONS
from models.errors import ModelError
from models.registry import CARD, CHAMPION, MANIFEST, MODEL_ZIP, Artefact, verify

FOLDER, FILE, LOCK = "models", "registry.json", ".lock"
SHIPPED = "the model that ships"
FILES = (MODEL_ZIP, MANIFEST, CARD)
"""Of an artefact; what else lies beside them stays there."""


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
    """The registry of one installation: `Registry(settings.data / FOLDER)`."""

    def __init__(self, root: Path, shipped: Path = CHAMPION) -> None:
        self.root = root
        self._shipped = shipped

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
        return self.root / entry.version.replace("@", "-") if entry else self._shipped

    def champion(self, into: Path) -> Artefact:
        """Verify the model that scores and unpack it below `into`. Raises ModelError."""
        return self._verified(self.roles().champion, into)

    def challenger(self, into: Path) -> Artefact | None:
        """Verify the model that scores in the shadow, if there is one. Raises ModelError."""
        entry = self.roles().challenger
        return self._verified(entry, into) if entry else None

    def register(self, artefact: Path, sha256: str, at: datetime) -> Entry:
        """Copy an artefact into the registry and make it the challenger. Raises ModelError; nothing changes then."""
        if not artefact.is_dir():
            raise ModelError(f"{artefact.name} is no folder: register an artefact with its {MANIFEST}")
        with TemporaryDirectory() as into:
            entry = Entry(verify(artefact, Path(into), sha256).version, sha256)
        with self._changing() as roles:
            if sha256 == (roles.champion.sha256 if roles.champion else CHAMPIONS.get(self._shipped.name)):
                raise ModelError(f"{entry.version} is the champion already: it cannot be its own challenger")
            self._copy(artefact, entry)
            self._write(roles.after("register", entry, at, challenger=entry))
        return entry

    def promote(self, at: datetime) -> Entry:
        """Make the challenger the champion, after verifying it anew. Raises ModelError; nothing changes then."""
        with self._changing() as roles:
            entry = roles.challenger
            if entry is None:
                raise ModelError("there is no challenger to promote: train one, or run  python -m models register")
            self._check(entry)
            former = (*roles.former, roles.champion)
            self._write(roles.after("promote", entry, at, champion=entry, challenger=None, former=former))
        return entry

    def rollback(self, at: datetime) -> Entry | None:
        """Undo the last promotion: the champion before scores again, the promoted one goes back into the shadow.

        It stays out of the shadow where another challenger was registered since. Raises ModelError; nothing changes
        then.
        """
        with self._changing() as roles:
            if not roles.former:
                raise ModelError(f"no promotion to roll back: {version_of(roles.champion)} is the first champion")
            entry = roles.former[-1]
            self._check(entry)
            challenger = roles.challenger or roles.champion
            after = roles.after("rollback", entry, at, champion=entry, challenger=challenger, former=roles.former[:-1])
            self._write(after)
        return entry

    def withdraw(self, at: datetime) -> Entry:
        """Take the challenger out of the shadow; its artefact stays. Raises ModelError where there is none."""
        with self._changing() as roles:
            if roles.challenger is None:
                raise ModelError("there is no challenger to withdraw")
            self._write(roles.after("withdraw", roles.challenger, at, challenger=None))
        return roles.challenger

    def _verified(self, entry: Entry | None, into: Path) -> Artefact:
        if entry is None:
            return verify(self._shipped, into)
        return verify(self.folder(entry), into, entry.sha256)

    def _check(self, entry: Entry | None) -> None:
        with TemporaryDirectory() as into:
            self._verified(entry, Path(into))

    @contextmanager
    def _changing(self) -> Iterator[Roles]:
        """Read the roles under a lock that other changes wait for."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.roles()

    def _copy(self, artefact: Path, entry: Entry) -> None:
        """Copy what the job needs, and the card, so that no half artefact ever stands under its name."""
        to = self.folder(entry)
        if to.resolve() == artefact.resolve():
            return
        with TemporaryDirectory(dir=self.root, prefix=".new-") as folder:
            whole = Path(folder) / to.name
            shutil.copytree(artefact, whole, ignore=lambda _, names: [n for n in names if n not in FILES])
            shutil.rmtree(to, ignore_errors=True)  # the same hash: at worst damaged, and now mended
            whole.rename(to)

    def _write(self, roles: Roles) -> None:
        partial = self.root / f".{FILE}.partial"
        with partial.open("w") as file:
            file.write(json.dumps(asdict(roles), indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.root / FILE)


def _entry(read: dict[str, str] | None) -> Entry | None:
    if read is None:
        return None
    if not re.fullmatch(r"\w+@[0-9a-f]{8}", read["version"], re.ASCII):  # it becomes a folder's name
        raise ValueError(read["version"])
    return Entry(read["version"], str(read["sha256"]))
