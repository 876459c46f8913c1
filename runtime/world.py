"""Where a world keeps its things: `data/<world>/`, and inside it one versioned unit per run of the pipeline.

raw/<topic>/date=D/part.parquet    what the simulator made or the importers read: typed, sorted by (event_time, id)
static/<table>/as_of=D/            immutable; `static/<table>/CURRENT` names the newest
DOMAIN                             the name of its domain (contracts.domain); music where it is absent
import.json                        an imported world: what was read, and what its source cannot tell
verdicts.sqlite                    what analysts decided (contracts.verdicts)
rules.sqlite                       rules at run time, their versions and steps (contracts.rules)
royalties.sqlite                   the royalty ledger of `playproof actions follow`, made from topic actions
truth/{plays,activity}/date=D/     rows in the order of raw; truth/users.parquet, truth/campaigns.parquet
v<N>/{broker,ledger,lake,checkpoints,offsets,progress}   one unit, of which `CURRENT` names the N
"""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from contracts.domain import DOMAINS, MUSIC, Domain
from runtime.errors import PlayproofError, naming

TOPICS_FILE = "TOPICS"
"""In a version that reads the topics of an earlier one again: which version began them. Names their Docker volume."""


class WorldError(PlayproofError):
    """A world lacks a part that a command needs; the message names it and the command that makes it."""


@dataclass(frozen=True, slots=True)
class World:
    """Paths of one world. Nothing here writes except `start_version`, `reread_version` and `set_domain`."""

    root: Path

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def domain(self) -> Domain:
        """What the world's rows are about. Raises WorldError for a domain that this version does not know."""
        try:
            name = (self.root / "DOMAIN").read_text().strip()
        except FileNotFoundError:
            return MUSIC
        if name not in DOMAINS:
            raise WorldError(f"world {self.name} is of domain {name!r}: expected one of {', '.join(DOMAINS)}")
        return DOMAINS[name]

    def set_domain(self, domain: Domain) -> None:
        """Write down what the world's rows are about."""
        (self.root / "DOMAIN").write_text(domain.name + "\n")

    def require_domain(self, domain: Domain, command: str) -> None:
        """Raise WorldError where a command cannot work on this world, as it is of another domain."""
        if self.domain != domain:
            raise WorldError(
                f"world {self.name} is a world of {self.domain.name}, and  {command}  works on {domain.name} only: "
                f"choose another one with  --world"
            )

    def raw(self, topic: str) -> Path:
        return self.root / "raw" / topic

    def truth(self, table: str) -> Path:
        return self.root / "truth" / table

    def raw_files(self, topic: str) -> list[Path]:
        """List the parquet files of a raw table in time order. Raises WorldError where there are none."""
        self._require(topic, self.domain.topics)
        files = sorted(self.raw(topic).glob("date=*/*.parquet"))
        if not files:
            raise WorldError(f"world {self.name} has no raw {topic}: run  {self._simulate}")
        return files

    def _require(self, table: str, known: tuple[str, ...]) -> None:
        if self.domain != MUSIC and table not in known:
            raise WorldError(
                f"world {self.name} is a {self.domain.name} and has no {table}: choose another world with  --world"
            )

    @property
    def _simulate(self) -> str:
        is_music = self.domain == MUSIC
        return f"playproof simulate --world {self.name}" + ("" if is_music else f" --scenario {self.domain.scenario}")

    def static(self, table: str) -> Path:
        """Return the newest immutable folder of a static table. Raises WorldError where there is none."""
        self._require(table, self.domain.static)
        folder = self.root / "static" / table
        try:
            current = folder / (folder / "CURRENT").read_text().strip()
        except FileNotFoundError:
            raise WorldError(
                f"static table {table} is missing in world {self.name} (expected static/{table}/CURRENT): "
                f"run  {self._simulate}"
            ) from None
        if not any(current.glob("*.parquet")) and not any(current.glob("*.csv")):
            raise WorldError(f"static table {table} of world {self.name} is empty: no parquet or csv in {current.name}")
        return current

    def static_dates(self, table: str) -> tuple[date, ...]:
        """List the dates of a static table's complete folders, oldest first; empty where it has none."""
        names = sorted(folder.name for folder in (self.root / "static" / table).glob("as_of=*"))
        return tuple(date.fromisoformat(name.removeprefix("as_of=")) for name in names)

    @property
    def verdicts(self) -> Path:
        """What analysts decided (SQLite): it outlives the versions, a fresh run forgets no verdict."""
        return self.root / "verdicts.sqlite"

    @property
    def rules(self) -> Path:
        """Rules at run time (SQLite): they outlive the versions too."""
        return self.root / "rules.sqlite"

    @property
    def royalties(self) -> Path:
        """The royalty ledger, which a reader of topic `actions` keeps; it may not exist."""
        return self.root / "royalties.sqlite"

    def from_raw(self, table: str) -> Path:
        """Folder of a table that a batch command computed from raw rows."""
        return self.root / table

    @property
    def import_report(self) -> Path:
        """What the importers read and rejected; a simulated world has none."""
        return self.root / "import.json"

    def read_import_report(self) -> dict[str, Any]:
        """Read `import_report`; empty where there is none. Raises WorldError where it is damaged."""
        with naming(self.import_report, WorldError):
            return dict(json.loads(self.import_report.read_bytes())) if self.import_report.exists() else {}

    @property
    def not_measurable(self) -> tuple[str, ...]:
        """Features that the source of an imported world cannot tell: they are null there, never 0."""
        report = self.read_import_report()
        with naming(self.import_report, WorldError):
            return tuple(report["not_measurable"]) if report else ()

    @property
    def version(self) -> int:
        """The current version; 1 before the first run."""
        pointer = self.root / "CURRENT"
        with naming(pointer, WorldError):
            return int(pointer.read_text()) if pointer.exists() else 1

    @property
    def unit(self) -> "Unit":
        return Unit(self.root / f"v{self.version}")

    def start_version(self) -> "Unit":
        """Begin a fresh version: a new broker log, ledger, lake and checkpoints. The old one stays on disk."""
        self.root.mkdir(parents=True, exist_ok=True)
        return self._begin(self._next_version())

    def reread_version(self) -> "Unit":
        """Begin a fresh version with the topics of the current one: its lake and checkpoints are new.

        Broker and replay must be stopped. The new version has the broker's log and the ledger as hard links, so no
        message is copied, and the old version can be removed. What is sent from now on is in the files of both, so the
        old one cannot be used any more.
        """
        before, number = self.unit, self._next_version()
        partial = self.root / ".reread"
        shutil.rmtree(partial, ignore_errors=True)  # of a crash
        partial.mkdir(parents=True)
        for folder in (before.broker, before.ledger):
            if folder.exists():
                shutil.copytree(folder, partial / folder.name, copy_function=_link)
        (partial / TOPICS_FILE).write_text(f"{before.topics_version}\n")
        partial.rename(self.root / f"v{number}")
        return self._begin(number)

    def _begin(self, version: int) -> "Unit":
        """Make a version the current one, in one rename: a crash leaves the old number or the new one."""
        partial = self.root / ".CURRENT.partial"
        partial.write_text(f"{version}\n")
        partial.replace(self.root / "CURRENT")
        return self.unit

    def _next_version(self) -> int:
        return max((int(p.name[1:]) for p in self.root.glob("v*") if p.name[1:].isdigit()), default=0) + 1


def _link(source: str, target: str) -> None:
    """Link a file, or copy it where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def world_names(data: Path) -> list[str]:
    """List the names of the worlds in a data folder: those that have events, static tables or a run."""
    folders = {path.parent for part in ("raw", "static", "CURRENT") for path in data.glob(f"*/{part}")}
    return sorted(folder.name for folder in folders)


@dataclass(frozen=True, slots=True)
class Unit:
    """One version of a world: everything that only makes sense together."""

    root: Path

    @property
    def topics_version(self) -> int:
        """The version that the topics were begun in: another one where this version reads them again."""
        file = self.root / TOPICS_FILE
        with naming(file, WorldError):
            return int(file.read_text() if file.exists() else self.root.name[1:])

    @property
    def broker(self) -> Path:
        return self.root / "broker"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def offsets(self) -> Path:
        """Copies of every micro-batch's offset file: Spark forgets the old ones, the reconciliation needs all."""
        return self.root / "offsets"

    @property
    def progress(self) -> Path:
        """What the job records about its micro-batches (`runtime.monitoring.progress`)."""
        return self.root / "progress"

    def table(self, name: str) -> Path:
        return self.lake / name

    def shadow(self, model_version: str) -> Path:
        """Table of one challenger's predictions: each challenger has its own, with its own checkpoint."""
        return self.table("shadow") / model_version.replace("@", "-")
