"""Champion against challenger on a small world whose right answer is known by hand."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from consumer_viz.dashboard.decisions.rules import Draft
from consumer_viz.dashboard.decisions.store import VerdictStore
from contracts import verdicts as v
from models.errors import ModelError
from models.metrics.paired import CHALLENGER, CHAMPION, DIFFERENCE, ModelOutput, compare_models
from models.reports.compare import LabelSource, compare_world
from models.reports.format_comparison import format_lines
from runtime.world import World
from tests.conftest import Playproof
from tests.models.conftest import N_ACCOUNTS

VERSION = "candidate@0badcafe"


@pytest.fixture
def shadowed(world: World) -> World:
    """The challenger misses bot u5, spares the superfans, wrongly flags a session of u30, and lacks the last session.

    The champion flags u2 (mixed, like u3 and u4) to u19, both sessions of superfan u20 and one of u21.
    """
    rows = []
    for user in range(N_ACCOUNTS):
        for number in range(2):
            would_flag = 6 <= user < 20 or (user == 30 and number == 0)
            rows.append(
                {
                    "session_key": f"u{user}|{number}", "scored_at": pd.Timestamp("2026-03-02T11:00:00Z"),
                    "score": 0.8 if would_flag else 0.2, "would_flag": would_flag, "would_filter": False,
                    "reasons": [{"feature": "plays", "value": 1.0}] if would_flag else None, "model_version": VERSION,
                }
            )  # fmt: skip
    folder = world.unit.shadow(VERSION) / "batch_id=0"
    folder.mkdir(parents=True)
    pd.DataFrame(rows[:-1]).to_parquet(folder / "part.parquet", index=False)
    (folder / "_SUCCESS").touch()
    return world


def test_agreement_and_flags_are_those_counted_by_hand(shadowed: World) -> None:
    comparison = compare_world(shadowed, VERSION)
    assert (len(comparison.pairs.rows), comparison.pairs.waiting, comparison.pairs.other) == (119, 1, 0)
    assert comparison.counts["sessions"] == {
        "champion": 39, "challenger": 29, "both": 28, "only_champion": 11, "only_challenger": 1,
    }  # fmt: skip
    assert comparison.counts["accounts"]["only_champion"] == 6
    assert comparison.counts["streams"]["challenger"] == 29 * 4
    assert comparison.agreement == pytest.approx(107 / 119)
    assert [row["session_key"] for row in comparison.alone[CHALLENGER]] == ["u30|0"]
    assert comparison.alone[CHALLENGER][0]["reasons"] == ["plays"]


def test_truth_says_who_is_right_with_intervals(shadowed: World) -> None:
    comparison = compare_world(shadowed, VERSION)
    assert (comparison.labels, comparison.labelled, comparison.positives) == (LabelSource.TRUTH, 109, 30)
    precision, recall = comparison.measures["precision"], comparison.measures["recall"]
    assert precision[CHAMPION].value == pytest.approx(30 / 33)
    assert precision[CHALLENGER].value == pytest.approx(28 / 29)
    assert recall[CHAMPION].value == 1.0
    assert recall[CHALLENGER].value == pytest.approx(28 / 30)
    assert recall[CHAMPION].low < 1, "15 accounts without an error prove little"
    assert precision[DIFFERENCE].value == pytest.approx(28 / 29 - 30 / 33)
    assert precision[DIFFERENCE].low < 0 < precision[DIFFERENCE].high
    assert comparison.families == {
        "loop30": {"sessions": 10, "champion": 10, "challenger": 8},
        "masked": {"sessions": 20, "champion": 20, "challenger": 20},
    }


def test_verdicts_say_who_is_right_where_asked_and_weigh_by_their_draw(shadowed: World) -> None:
    store = VerdictStore(shadowed.verdicts)
    for user, verdict, reason, probability in [
        ("u20", v.DISMISS, "superfan", 1.0), ("u10", v.CONFIRM, "velocity", 1.0), ("u5", v.CONFIRM, "velocity", 0.1),
    ]:  # fmt: skip
        store.write(Draft(f"c-{user}", user, v.DECIDE, "ana", 0, user, verdict, reason, draw_probability=probability))
    comparison = compare_world(shadowed, VERSION, LabelSource.VERDICTS)
    assert (comparison.labels, comparison.labelled, comparison.positives, comparison.labelled_disagreements) == (
        LabelSource.VERDICTS,
        6,
        4,
        2,
    )
    assert comparison.measures["recall"][CHALLENGER].value == pytest.approx(2 / 22)
    assert comparison.measures["precision"][CHAMPION].value == pytest.approx(22 / 24)
    assert comparison.families == {}
    text = "\n".join(format_lines(comparison, 3))
    assert "labelled by       verdicts" in text
    assert "too few to decide on" in text
    assert "of 7 accounts that only one flags, 2 have a verdict" in text


def test_where_nobody_knows_the_flags_are_compared_all_the_same(shadowed: World) -> None:
    shutil.rmtree(shadowed.root / "truth")
    comparison = compare_world(shadowed, VERSION)
    assert (comparison.labels, comparison.measures) == (LabelSource.NOBODY, {})
    assert "nobody says" in "\n".join(format_lines(comparison, 3))
    with pytest.raises(ModelError, match="no verdicts"):
        compare_world(shadowed, VERSION, LabelSource.VERDICTS)


def test_the_command_says_what_promoting_would_change(
    shadowed: World, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(shadowed.root.parent))
    code, out, _ = playproof("model", "compare", "--world", "toy", "--challenger", VERSION, "--shown", "1")
    assert code == 0
    assert "world toy: champion toy@12345678, challenger candidate@0badcafe" in out
    assert "flag 1 sessions more and 11 fewer: 1 accounts come into the queue, 6 leave it" in out
    assert "holds 15 accounts instead of 20, with 116 flagged streams instead of 156" in out
    assert "  u30|0  champion 0.100, challenger 0.800, honest: plays" in out
    assert "its highest scores first (1 of 11)" in out
    output = json.loads(playproof("model", "compare", "--world", "toy", "--challenger", VERSION, "--json")[1])
    assert output["scored_by_both"] == 119
    assert len(output["alone"]["champion"]) == 11


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "no challenger is registered"),
        (("--challenger", "other@00000000"), "other@00000000 has scored nothing in world toy yet"),
        (("--challenger", VERSION, "--labels", "dice"), "--labels dice is none of auto, truth, verdicts, nobody"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    shadowed: World,
    playproof: Playproof,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(shadowed.root.parent))
    code, _, err = playproof("model", "compare", "--world", "toy", *arguments)
    assert code == 1
    assert err.startswith(f"error: {expected}")
    assert err.count("\n") == 1


def test_a_model_compared_with_itself_differs_nowhere_and_a_better_one_is_proven_better() -> None:
    rng = np.random.default_rng(1)
    users = pd.Series([f"u{i // 2}" for i in range(600)])
    is_positive = np.arange(600) < 120
    good = is_positive + rng.normal(0, 0.1, 600)
    bad = is_positive + rng.normal(0, 1.5, 600)
    one, other = ModelOutput(bad, bad > 0.5), ModelOutput(good, good > 0.5)
    same = compare_models(users, is_positive, np.ones(600), one, one, np.random.default_rng(2))
    assert all(by[DIFFERENCE].value == 0 and not by[DIFFERENCE].is_proven for by in same.values())
    better = compare_models(users, is_positive, np.ones(600), one, other, np.random.default_rng(2))
    assert all(by[DIFFERENCE].is_proven for by in better.values())
    assert better["average precision"][CHALLENGER].value == pytest.approx(1)
