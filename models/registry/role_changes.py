"""Changes of roles: register a challenger, promote it, roll back, withdraw; each in one rename, under a lock.

A model is verified in full before it takes up a role; nothing changes where it is not what was trusted.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xgboost as xgb

from models.errors import ModelError
from models.registry.champions import CHAMPIONS
from models.registry.roles import FILE, Entry, Registry, Roles, version_of
from models.registry.verify import CARD, MANIFEST, MODEL_ZIP, Artefact, verify

LOCK = ".lock"
FILES = (MODEL_ZIP, MANIFEST, CARD)
"""Of an artefact; what else lies beside them stays there."""


class Keeper(Registry):
    """The registry of one installation, to be changed: `Keeper(settings.data / FOLDER)`."""

    def register(self, artefact: Path, sha256: str, at: datetime) -> Entry:
        """Copy an artefact into the registry and make it the challenger. Raises ModelError; nothing changes then."""
        if not artefact.is_dir():
            raise ModelError(f"{artefact.name} is no folder: register an artefact with its {MANIFEST}")
        with TemporaryDirectory() as into:
            verified = verify(artefact, Path(into), sha256)
            _try_trees(verified)
        entry = Entry(verified.version, sha256)
        with self._changing() as roles:
            if sha256 == (roles.champion.sha256 if roles.champion else CHAMPIONS.get(self.shipped.name)):
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

    def _check(self, entry: Entry | None) -> None:
        with TemporaryDirectory() as into:
            self.verified(entry, Path(into))

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


def _try_trees(artefact: Artefact) -> None:
    """Ask the trees about one session, so that what cannot score is never promoted. Raises ModelError."""
    try:
        (file,) = artefact.path.glob("stages/*/model/part-*")
        trees = xgb.Booster({"nthread": 1}, model_file=bytearray(file.read_bytes()))
        unknown = np.full((1, len(artefact.features)), np.nan, dtype=np.float32)
        (score,) = trees.predict(xgb.DMatrix(unknown, missing=np.nan, nthread=1))
    except (ValueError, xgb.core.XGBoostError) as error:
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise ModelError(f"{artefact.version} cannot score: {said[:200]}") from None
    if not 0 <= score <= 1:
        raise ModelError(f"{artefact.version} cannot score: it says {score}, expected a probability")
