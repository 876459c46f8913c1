"""The world that `playproof bench` reads: simulated once for its parameters, replayed into fresh topics each time."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ops.errors import StackError
from producer.replay.pace import Pace
from producer.replay.replay import replay
from producer.simulator.build import build
from producer.simulator.scenario import Scenario, load_scenario
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import World

ROWS_PER_ACCOUNT_DAY = 40
"""Plays and activity of one account in one day, a little under the simulator (41.3 to 43.5 in `default`, measured)."""
RECORD = "simulated.json"
CLOCK_S = 0.01
"""Times are rounded to hundredths of a second."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast one process did something with rows. On a busy machine read the rate per CPU-second."""

    rows: int
    seconds: float
    cpu_s: float

    def as_dict(self) -> dict[str, Any]:
        seconds = {"rows_per_s": self.seconds, "rows_per_cpu_s": self.cpu_s}
        return asdict(self) | {name: round(self.rows / max(s, CLOCK_S)) for name, s in seconds.items()}


class Stopwatch:
    """Measures wall time, and this process's CPU time, from when it was created."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def speed(self, rows: int) -> Speed:
        wall, cpu = time.monotonic() - self._wall, time.process_time() - self._cpu
        return Speed(rows, round(wall, 2), round(cpu, 2))


def choose_scenario(scenario: str, rows: int, days: int, users: int | None, seed: int) -> Scenario:
    """Return a scenario whose population makes at least so many rows, unless `users` is given."""
    users_needed = -(-rows // (ROWS_PER_ACCOUNT_DAY * days))
    return load_scenario(scenario, users=users or users_needed, days=days, seed=seed)


def _parameters(scenario: Scenario) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(scenario), default=str))


def _read_record(record: Path, scenario: Scenario) -> Speed | None:
    try:
        content = json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return None
    is_same_scenario = isinstance(content, dict) and content.get("scenario") == _parameters(scenario)
    return Speed(**content["speed"]) if is_same_scenario else None


def simulate_once(world: World, scenario: Scenario, rows: int, report_progress: ReportProgress) -> Speed:
    """Simulate the world on one core, unless it exists with the same parameters. Raises StackError if too small."""
    record = world.root / RECORD
    speed = _read_record(record, scenario)
    if speed is None:
        record.unlink(missing_ok=True)
        report_progress(f"simulating {scenario.users:,} accounts, {scenario.days} days of {scenario.name}")
        watch = Stopwatch()
        built = build(scenario, world)
        speed = watch.speed(built.plays + built.activity)
        record.write_text(json.dumps({"scenario": _parameters(scenario), "speed": asdict(speed)}, indent=2) + "\n")
        rates = speed.as_dict()
        per_s, per_cpu_s = f"{rates['rows_per_s']:,} rows/s", f"{rates['rows_per_cpu_s']:,} per CPU-second"
        report_progress(f"simulated {speed.rows:,} rows: {per_s}, {per_cpu_s}")
    else:
        report_progress(f"the world exists: {speed.rows:,} rows, {scenario.users:,} accounts, {scenario.days} days")
    if speed.rows < rows:
        needed = -(-scenario.users * rows * 21 // (speed.rows * 20))
        raise StackError(f"{scenario.users:,} accounts made {speed.rows:,} rows, asked were {rows:,}: --users {needed}")
    return speed


def replay_timed(settings: Settings, world: World) -> tuple[Speed, dict[str, int]]:
    """Send the world into the topics as fast as possible; return the speed, and the rows by topic."""
    watch = Stopwatch()
    outcome = replay(world, settings.kafka(), Pace(speed=0))
    return watch.speed(sum(outcome.rows.values())), outcome.rows
