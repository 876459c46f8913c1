"""The datasheet written with every world: what it is, how labels come about, with what settings, and checksums."""

import hashlib
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pyarrow

from contracts.labels import FAMILIES, HARD_NEGATIVES
from producer.simulator.plan import Plan
from producer.simulator.scenario import Scenario
from runtime.world import World

NAME = "DATASHEET.md"
_CHUNK = 1 << 20


def sha256(path: Path) -> str:
    """Hash a file without holding it."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


def write_datasheet(
    plan: Plan, world: World, plays: int, activity: int, delivered: list[int], sums: dict[str, str]
) -> None:
    """Write the datasheet of a world that is complete otherwise; `sums` are the checksums known already."""
    scenario = plan.scenario
    settings = "\n".join(f"| {key} | {value} |" for key, value in _flat(_as_set(scenario)))
    files = [path for part in ("raw", "static", "truth") for path in (world.root / part).rglob("*") if path.is_file()]
    names = {path.relative_to(world.root).as_posix(): path for path in files}
    listed = "\n".join(f"{sums.get(name) or sha256(path)}  {name}" for name, path in sorted(names.items()))
    (world.root / NAME).write_text(
        f"""# Datasheet: {scenario.name}, {scenario.users:,} accounts, {scenario.days} days, seed {scenario.seed}

Simulated listening on a music-streaming service, with bots in it. No person is behind any row. Made by
`playproof simulate --scenario {scenario.name} --users {scenario.users} --days {scenario.days} \
--seed {scenario.seed} --profile {scenario.profile} --prevalence {scenario.prevalence} \
--difficulty {scenario.difficulty}` (Python packages numpy {np.__version__}, pyarrow {pyarrow.__version__}, \
playproof {_own_version()}); the same command gives the same bytes.

{plays:,} plays and {activity:,} activity rows. `raw/` is what a service would see, `static/` what it knows of tracks
and accounts before the first day, `truth/` what only the simulator knows.

## How the labels are made
A label is the identity of the generator, never a rule over the data: each row in `truth/` names the family whose code
made it, or honest. A row is `is_paid` if the operator is paid for it: a stream of at least 30 s of a target (for
content_ripper: of a copy). Camouflage plays and made-up skips are the family's, and not paid. The own listening of a
hijacked or masked account is honest, and is in separate client sessions.

## Bots
{_campaigns(plan, delivered)}

## Hard negatives
{_negatives(plan)}

## Settings
| setting | value |
|---|---|
{settings}

## SHA-256
```
{listed}
```
"""
    )


def _own_version() -> str:
    try:
        return version("playproof")
    except PackageNotFoundError:
        return "from source"


def _as_set(scenario: Scenario) -> dict[str, object]:
    """Return the settings of a scenario, dials as they are set; those that it leaves alone are not listed."""
    settings: dict[str, object] = asdict(scenario)
    dials = scenario.listeners or {}
    settings["listeners"] = {dial.name: f"{dial.distribution} {dial.parameters}" for dial in dials.values()}
    return {key: value for key, value in settings.items() if value or key not in ("weekend_boost", "listeners")}


def _flat(table: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for key, value in table.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else [(prefix + key, value)]
    return rows


def _campaigns(plan: Plan, delivered: list[int]) -> str:
    lines = ["| family | what it does | campaigns | accounts | paid streams |", "|---|---|---|---|---|"]
    for name in plan.scenario.families:
        own = [c for c in plan.campaigns if c.family == name]
        accounts, streams = sum(len(c.accounts) for c in own), sum(delivered[c.index] for c in own)
        lines.append(f"| {name} | {FAMILIES[name].meaning} | {len(own)} | {accounts} | {streams:,} |")
    return "\n".join(lines)


def _negatives(plan: Plan) -> str:
    lines = ["| cohort | who | accounts |", "|---|---|---|"]
    for name, share in plan.scenario.negatives.items():
        lines.append(f"| {name} | {HARD_NEGATIVES[name]} | {round(share * plan.scenario.users)} |")
    return "\n".join(lines)
