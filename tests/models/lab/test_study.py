"""The lab from a table to its files: results, figures, page; and the notebook that reads them."""

from pathlib import Path

import orjson
import pandas as pd
import pytest

from models.errors import ModelError
from models.lab.candidates import CANDIDATES
from models.lab.candidates.supervised import ablations
from models.lab.report.page import publish
from models.lab.report.tables import render_tables
from models.lab.run import StudySize, run_lab
from models.lab.study import study
from tests.models.lab.example_table import example_days

CHOSEN = tuple(CANDIDATES[name] for name in ("plays_per_day", "rules", "knn", "logistic", "markov_llr"))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    worlds = {"here": example_days(people=40), "there": example_days(seed=2, people=40)}
    size = StudySize(parts=2, draws=10, history=0, candidates=CHOSEN, ablated=ablations()[:2])
    run_lab(worlds, folder, lambda step: None, seed=1, size=size)
    return folder


def test_results_have_every_technique_seen_and_left_out_with_intervals(out: Path) -> None:
    said = orjson.loads((out / "results.json").read_bytes())
    assert said["command"].startswith("playproof lab run --world here --other there")
    assert set(said["techniques"]) == {c.name for c in CHOSEN} | {"fusion_stack", "fusion_trees"}
    for technique in said["techniques"].values():
        for view in ("seen", "left_out"):
            for measure in ("ap", "recall_at_fpr_0001"):
                entry = technique[view][measure]
                assert 0 <= entry["low"] <= entry["value"] + 1e-9
                assert entry["value"] <= entry["high"] + 1e-9
                assert entry["high"] <= 1
    for name in ("plays_per_day", "rules", "knn"):  # they learn from no bot
        assert said["techniques"][name]["seen"]["ap"] == said["techniques"][name]["left_out"]["ap"]
    assert set(said["fusion"]["gain"]["seen"]) == {c.name for c in CHOSEN}
    assert said["winner"]["technique"] in said["techniques"]
    assert -1 <= said["other_worlds"]["there"]["tau"] <= 1


def test_hard_negatives_stand_on_their_own_lines_and_thin_ones_say_so(out: Path) -> None:
    table = pd.read_parquet(out / "results.parquet")
    lines = table[(table["world"] == "here") & (table["view"] == "seen") & (table["measure"] == "false_alarm_rate")]
    superfans = lines[lines["scope"] == "superfan"]
    assert (superfans["n"] < 30).all()
    assert superfans["value"].isna().all()
    assert "too few" in render_tables(orjson.loads((out / "results.json").read_bytes()))


def test_figures_are_made_and_the_page_keeps_what_stands_around_the_tables(out: Path, tmp_path: Path) -> None:
    assert {p.stem for p in (out / "figures").glob("*.png")} >= {
        "ranking",
        "families",
        "cohorts",
        "prevalence",
        "fusion",
    }
    page = tmp_path / "lab.md"
    page.write_text("# Lab\nbefore\n<!-- lab:begin -->\nstale line\n<!-- lab:end -->\nafter\n")
    publish(out, page)
    text = page.read_text()
    assert text.startswith("# Lab\nbefore\n")
    assert text.endswith("<!-- lab:end -->\nafter\n")
    assert "stale line" not in text
    assert "`logistic`" in text


def test_a_table_too_short_for_a_fold_is_refused_with_the_days_it_takes() -> None:
    with pytest.raises(ModelError, match="a fold takes 21"):
        study(example_days(people=5, bots_of_a_family=1, days=15), lambda step: None, seed=1, history=0)
