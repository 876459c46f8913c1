"""The worlds of a data folder in a few words each: what they hold, and what of them runs."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ops.stack.lifecycle import supervisor_of
from runtime.world import World, world_names

COLUMNS = ("world", "version", "rows of", "made by", "days", "runs")
RUNNING = "RUNNING"


@dataclass(frozen=True, slots=True)
class WorldOverview:
    """One world: `days` of raw rows, and the names of its programs that run."""

    name: str
    version: int
    domain: str
    made_by: str
    days: int
    running: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def cells(self, chosen: str) -> tuple[str, ...]:
        """Return the cells under COLUMNS; a star marks the world that commands work on."""
        star = " *" if self.name == chosen else ""
        runs = ", ".join(self.running) or "–"
        return f"{self.name}{star}", f"{self.version}", self.domain, self.made_by, f"{self.days:,}", runs


def world_overview(data: Path) -> list[WorldOverview]:
    """Return the worlds of a data folder by name."""
    return [_overview(World(data.resolve() / name)) for name in world_names(data)]


def _overview(world: World) -> WorldOverview:
    running = tuple(p.name for p in supervisor_of(world).processes() if p.state == RUNNING)
    days = {path.name for path in world.raw(world.domain.master).glob("date=*")}
    made_by = "import" if world.import_report.exists() else "simulation" if world.truth("").is_dir() else "–"
    return WorldOverview(world.name, world.version, world.domain.name, made_by, len(days), running)
