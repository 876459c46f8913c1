"""Does any one column give the bots away, and how well can they be told apart at all? `playproof leakscan`."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from contracts.events import ACTIVITY, PLAYS
from producer.errors import ProducerError
from producer.simulator.build import build
from producer.simulator.measure import leaks, units
from producer.simulator.measure.ceiling import ceilings
from producer.simulator.scenario import Scenario
from runtime.world import World


class LeakError(ProducerError):
    """A column tells a family from honest accounts all by itself."""


def leakscan(folder: Path, scenario: Scenario, say: Callable[[str], None]) -> None:
    """Simulate a scenario, scan raw columns, ids, order and features; write `results.json`.

    Raises LeakError, after all is written, where a column gives a family away.
    """
    world = World(folder / "world")
    build(scenario, world)
    rows = units.read_rows(world)
    sessions = units.sessions_of(rows)
    pairs = leaks.feature_pairs(sessions, "session") + leaks.feature_pairs(units.days_of(rows), "user-day")
    pairs += leaks.raw_pairs(world, PLAYS) + leaks.raw_pairs(world, ACTIVITY) + leaks.account_pairs(world)
    best = ceilings(sessions)
    shutil.rmtree(world.root)

    pairs.sort(key=lambda pair: -pair.auc)
    tested = [pair for pair in pairs if pair.family not in leaks.EXEMPT]
    leaking = [pair for pair in tested if pair.is_leak]
    say(f"{len(pairs)} pairs of a column and a family; the worst of each family:")
    for family in dict.fromkeys(pair.family for pair in pairs):
        worst = next(pair for pair in pairs if pair.family == family)
        note = "  (exempt)" if family in leaks.EXEMPT else ""
        say(f"  {family:15s} {worst.auc:.3f}  {worst.column} of a {worst.unit}, {worst.positives} positives{note}")
    say("ceiling: a large model with every label, on accounts it has not seen, by session:")
    for ceiling in best:
        say(
            f"  {ceiling.family:15s} AUC {ceiling.auc:.3f}, recall {ceiling.recall_at_0_1_percent:.2f} at 0.1 % "
            f"false alarms, {ceiling.sessions} sessions"
        )
    results = {
        "worst_auc": round(tested[0].auc, 4) if tested else None,
        "exempt": list(leaks.EXEMPT),
        "pairs": [asdict(pair) | {"auc": round(pair.auc, 4)} for pair in pairs],
        "ceilings": [asdict(ceiling) for ceiling in best],
        "world": asdict(scenario) | {"starts_on": scenario.starts_on.isoformat()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    say(f"worst pair {results['worst_auc']} (allowed {leaks.WORST_ALLOWED}); all in {folder / 'results.json'}")
    if leaking:
        raise LeakError(f"{len(leaking)} columns give a family away, first {leaking[0].column} ({leaking[0].family})")
