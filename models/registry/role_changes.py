"""Changes of roles: register a challenger, promote it, roll back, withdraw. Each is one rename, under a lock.

A model is verified in full before it gets a role. Where it is not the trusted one, nothing changes.
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
from models.registry.artefact import CARD, MANIFEST, MODEL_ZIP, Artefact
from models.registry.champions import CHAMPIONS
from models.registry.roles import FILE, Entry, Registry, Roles, version_of
from models.registry.verify import verify_artefact

LOCK = ".lock"
FILES = (MODEL_ZIP, MANIFEST, CARD, "reference.json")
"""The files of an artefact. Other files in its folder are not copied."""


class WritableRegistry(Registry):
    """Reads and changes the registry of one installation: `WritableRegistry(settings.data / FOLDER)`."""

    def register(self, artefact: Path, sha256: str, at: datetime) -> Entry:
        """Copy an artefact folder into the registry and make it the challenger.

        `sha256` is the trusted hash of its manifest, `at` the time for the log. Raises ModelError, and then nothing has
        changed.
        """
        if not artefact.is_dir():
            raise ModelError(f"{artefact.name} is no folder: register an artefact with its {MANIFEST}")
        with TemporaryDirectory() as into:
            verified = verify_artefact(artefact, Path(into), sha256)
            _check_scoring(verified)
        entry = Entry(verified.version, sha256)
        with self._changing() as roles:
            if sha256 == (roles.champion.sha256 if roles.champion else CHAMPIONS.get(self.shipped.name)):
                raise ModelError(f"{entry.version} is the champion already: it cannot be its own challenger")
            self._copy(artefact, entry)
            self._write(roles.after("register", entry, at, challenger=entry))
        return entry

    def promote(self, at: datetime) -> Entry:
        """Verify the challenger again and make it the champion. Raises ModelError, and then nothing has changed."""
        with self._changing() as roles:
            entry = roles.challenger
            if entry is None:
                raise ModelError("there is no challenger to promote: train one, or run  playproof model register")
            self._check(entry)
            former = (*roles.former, roles.champion)
            self._write(roles.after("promote", entry, at, champion=entry, challenger=None, former=former))
        return entry

    def rollback(self, at: datetime) -> Entry | None:
        """Undo the last promotion: the champion before it scores again, and the promoted one becomes the challenger.

        A challenger that was registered since keeps its role. Returns None for the model that ships. Raises ModelError,
        and then nothing has changed.
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
        """Take the challenger out of the shadow; its artefact stays in the registry. Raises ModelError without one."""
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
        """Read the roles under a lock; other changes wait for it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.roles()

    def _copy(self, artefact: Path, entry: Entry) -> None:
        """Copy the files of an artefact into another folder and rename it, so that no half artefact has its name."""
        target = self.folder(entry)
        if target.resolve() == artefact.resolve():
            return
        with TemporaryDirectory(dir=self.root, prefix=".new-") as folder:
            complete = Path(folder) / target.name
            shutil.copytree(artefact, complete, ignore=lambda _, names: [n for n in names if n not in FILES])
            shutil.rmtree(target, ignore_errors=True)  # it has the same hash: at worst it was damaged
            complete.rename(target)

    def _write(self, roles: Roles) -> None:
        partial = self.root / f".{FILE}.partial"
        with partial.open("w") as file:
            file.write(json.dumps(asdict(roles), indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.root / FILE)


def _check_scoring(artefact: Artefact) -> None:
    """Score one session of missing values with the trees, so that no model that cannot score gets a role.

    Raises ModelError.
    """
    if not artefact.has_direct_trees:
        raise ModelError(
            f"{artefact.version} is not a VectorAssembler with trees of XGBoost, expected an artefact of  "
            "playproof model train ; any other runs with  playproof job run --model ZIP --sha256 HASH"
        )
    try:
        (file,) = artefact.path.glob("stages/*/model/part-*")
        trees = xgb.Booster({"nthread": 1}, model_file=bytearray(file.read_bytes()))
        session = np.full((1, len(artefact.features)), np.nan, dtype=np.float32)
        (score,) = trees.predict(xgb.DMatrix(session, missing=np.nan, nthread=1))
    except (ValueError, xgb.core.XGBoostError) as error:
        message = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise ModelError(f"{artefact.version} cannot score: {message[:200]}") from None
    if not 0 <= score <= 1:
        raise ModelError(f"{artefact.version} cannot score: its score is {score}, expected a probability")
