"""The lab as a whole: worlds in; results.parquet, results.json, figures and the page's tables out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
from scipy.stats import kendalltau

from models.lab.candidates import CANDIDATES, Candidate
from models.lab.candidates.supervised import ablations
from models.lab.days import UserDays
from models.lab.measures import RESAMPLES, interval
from models.lab.progress import ReportProgress
from models.lab.protocol import HISTORY_DAYS
from models.lab.report.figures import write_figures
from models.lab.report.results import Json, ranked, summary, tau_between
from models.lab.shift import SHIFTED, shifted
from models.lab.study import SEEN, StudyResults, study
from models.lab.table import build_lab_table
from models.lab.totals import AP, RECALL
from runtime.world import World


@dataclass(frozen=True, slots=True)
class StudySize:
    """How much of the study to do."""

    parts: int = 2
    """Parts the accounts are dealt into; each is tested by the others."""
    draws: int = RESAMPLES
    history: int = HISTORY_DAYS
    candidates: tuple[Candidate, ...] = tuple(CANDIDATES.values())
    ablated: tuple[Candidate, ...] = ablations()


def run_worlds(worlds: list[World], out: Path, report_progress: ReportProgress, *, seed: int, size: StudySize) -> Json:
    """Read the tables of worlds and run the lab over them, the first the main one. Raises WorldError."""
    tables = {}
    for lab_world in worlds:
        report_progress(f"reading world {lab_world.name}")
        tables[lab_world.name] = build_lab_table(lab_world, lab_world.root / "table", seed, size.history)
    return run_lab(tables, out, report_progress, seed=seed, size=size)


def run_lab(
    tables: dict[str, UserDays], out: Path, report_progress: ReportProgress, *, seed: int, size: StudySize
) -> Json:
    """Study the first table whole, and the others for how far its ranking holds. Writes into `out`."""
    (name, days), *others = tables.items()
    for candidate in size.candidates:
        if candidate.max_rows is not None:
            report_progress(f"{candidate.name} is trained on at most {candidate.max_rows:,} rows")
    first = study(
        days, report_progress, seed=seed, parts=size.parts, history=size.history, draws=size.draws,
        candidates=size.candidates, ablated=size.ablated,
    )  # fmt: skip
    command = f"playproof lab run --world {name}" + "".join(f" --other {other}" for other, _ in others)
    command += f" --parts {size.parts} --draws {size.draws} --seed {seed}"
    summarised: Json = {"seed": seed, "command": command, "world": name, **summary(first)}
    summaries = {name: first}
    summarised["other_worlds"] = {}
    for other, there in others:
        report_progress(f"world {other}: its own ranking")
        own = study(
            there, report_progress, seed=seed, parts=size.parts, history=size.history, draws=size.draws,
            candidates=size.candidates, is_whole=False,
        )  # fmt: skip
        report_progress(f"world {other}: trained in {name}")
        moved = shifted(days, there, seed=seed, history=size.history, draws=size.draws, candidates=size.candidates)
        summarised["other_worlds"][other] = _other(first, own, moved)
        summaries[other], summaries[f"{name} to {other}"] = own, moved
    out.mkdir(parents=True, exist_ok=True)
    tidy = pd.concat([pd.DataFrame(results.rows).assign(world=of) for of, results in summaries.items()])
    for column in ("value", "low", "high"):
        tidy[column] = tidy[column].astype(float)
    tidy.to_parquet(out / "results.parquet", index=False)
    (out / "results.json").write_bytes(
        orjson.dumps(summarised, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
    )
    write_figures(summarised, out / "figures")
    return summarised


def _other(here: StudyResults, own: StudyResults, moved: StudyResults) -> Json:
    names = ranked(here)
    there = [moved.macro[SHIFTED, name, AP][0] for name in names]
    of_here = [here.macro[SEEN, name, AP][0] for name in names]
    return {
        "tau": tau_between(here, own),
        "tau_shifted": _tau(of_here, there),
        "own": {name: {m: interval(own.macro[SEEN, name, m]) for m in (AP, RECALL)} for name in names},
        "shifted": {name: {m: interval(moved.macro[SHIFTED, name, m]) for m in (AP, RECALL)} for name in names},
    }


def _tau(first: list[np.float64], second: list[np.float64]) -> float:
    return float(kendalltau(first, second).statistic)
