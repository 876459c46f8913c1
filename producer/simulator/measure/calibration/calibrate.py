"""Hold simulated honest listening against published numbers, line by line: `playproof calibrate`."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from producer.errors import ProducerError
from producer.simulator.build import build
from producer.simulator.measure.calibration.acceptance import Line, lines
from producer.simulator.measure.calibration.page import draw_page
from producer.simulator.measure.calibration.people import compare_people, heavy_line, histories, people_lines
from producer.simulator.measure.listened import honest_plays
from producer.simulator.measure.units import read_plays
from producer.simulator.scenario import load_scenario
from runtime.world import World

FIELD = "field"
"""Name of a profile, and of the scenario whose hard negatives go with it."""


class CalibrationError(ProducerError):
    """A line of the acceptance list is not met."""


def calibrate(
    folder: Path,
    scenario: str,
    profiles: list[str],
    seeds: list[int],
    users: int,
    days: int,
    say: Callable[[str], None],
) -> None:
    """Simulate a world for each profile and seed and measure it; write `results.json` and a page for each profile.

    Worlds have no bots. Profile `field` has the hard negatives of the scenario of its name, and is also held against
    real people; `people.json` lists the features in which one lies outside. Raises CalibrationError, after all is
    written, where a line is not met.
    """
    results: list[dict[str, object]] = []
    outside: list[dict[str, object]] = []
    for profile in profiles:
        runs: list[list[Line]] = []
        for seed in seeds:
            world = World(folder / "world")
            chosen = FIELD if profile == FIELD else scenario
            build(load_scenario(chosen, profile=profile, users=users, days=days, seed=seed, prevalence=0.0), world)
            plays = honest_plays(world)
            runs.append(lines(plays, profile))
            if profile == FIELD:
                of_unit = histories(read_plays(world))
                comparisons = compare_people(of_unit)
                runs[-1] += [*people_lines(comparisons), heavy_line(of_unit)]
                outside += [asdict(c) | {"seed": seed} for c in comparisons if not c.is_inside]
            shutil.rmtree(world.root)
            for line in runs[-1]:
                results.append(_as_result(line, profile, seed))
                verdict = "pass" if line.is_met else "FAIL"
                say(f"{profile:8s} seed {seed}  {verdict}  {line.line:36s} {line.measured:9.3f}  target {line.target}")
            if seed == seeds[-1]:
                draw_page(folder / f"{profile}.png", profile, plays, runs)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "people.json").write_text(json.dumps(outside, indent=1) + "\n")
    missed = [result for result in results if not result["pass"]]
    say(f"{len(results) - len(missed)} of {len(results)} lines pass; pages and results.json in {folder}")
    if missed:
        raise CalibrationError(f"{len(missed)} lines are not met, first {missed[0]['line']} ({missed[0]['profile']})")


def _as_result(line: Line, profile: str, seed: int) -> dict[str, object]:
    found = asdict(line)
    kept = {"line": found["line"], "target": found["target"], "measured": round(line.measured, 4), "pass": line.is_met}
    return kept | {"profile": profile, "seed": seed}
