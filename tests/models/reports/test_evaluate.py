"""Precision and recall of a small world whose right answer is known by hand."""

import json
from collections.abc import Callable

import pandas as pd
import pytest

from models.reports.evaluate import evaluate_sessions
from runtime.world import World
from tests.conftest import Playproof
from tests.models.conftest import DAY, write


def test_precision_and_recall_are_those_counted_by_hand(world: World) -> None:
    result = evaluate_sessions(world)
    flags = result.flags
    assert (flags.sessions, flags.mixed, flags.mixed_flagged, flags.positives) == (120, 10, 6, 30)
    assert flags.prevalence == pytest.approx(30 / 110)
    assert flags.flagged == 33
    assert flags.precision.value == pytest.approx(30 / 33)
    assert flags.recall.value == 1
    assert flags.flagged_by_family == {"loop30": 10, "masked": 20}
    assert result.filtered.flagged == 24
    assert result.filtered.precision.value == 1
    assert (result.plays_outside, result.sessions_off) == (0, 0)


def test_false_alarms_are_listed_by_cohort_of_honest_accounts(world: World) -> None:
    alarms = evaluate_sessions(world).flags.false_alarms_by_cohort
    assert alarms["superfan"].value == pytest.approx(3 / 20)
    assert alarms["regular"].value == 0


def test_intervals_hold_the_value_and_are_wider_than_nothing(world: World) -> None:
    flags = evaluate_sessions(world).flags
    for share in (flags.precision, flags.recall, *flags.recall_by_family.values()):
        assert share.value is not None
        assert share.low <= share.value <= share.high
        assert share.high - share.low > 0.01


def test_the_same_seed_gives_the_same_report(world: World) -> None:
    assert evaluate_sessions(world, seed=3) == evaluate_sessions(world, seed=3)


def test_a_family_of_few_positives_prints_too_few(world: World) -> None:
    assert any(
        line.startswith("recall of loop30") and "too few (n = 10)" in line for line in evaluate_sessions(world).lines()
    )


def test_plays_in_no_session_and_sessions_with_other_counts_are_reported(world: World) -> None:
    for file in world.unit.table("sessions").glob(f"{DAY}/part-00000*"):
        sessions = pd.read_parquet(file)
        sessions.loc[0, "plays_rows"] = 3
        write(sessions[:-1], file)
    result = evaluate_sessions(world)
    assert (result.plays_outside, result.sessions_off) == (4, 1)


def test_the_command_prints_json_that_holds_the_numbers(
    world: World, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(world.root.parent))
    code, out, _ = playproof("model", "evaluate", "--world", "toy", "--json")
    numbers = json.loads(out)
    assert code == 0
    assert numbers["recall"]["value"] == 1
    assert numbers["flagged_by_family"] == {"loop30": 10, "masked": 20}
    assert numbers["recall_by_family"]["loop30"]["too_few"]


def test_the_command_prints_lines_for_a_person(
    world: World, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(world.root.parent))
    code, out, _ = playproof("model", "evaluate", "--world", "toy")
    assert code == 0
    assert "precision         0.909" in out
    assert "prevalence 27.27 %" in out


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda w: (w.truth("users.parquet")).unlink(), "no truth/users.parquet"),
        (lambda w: (w.truth("plays") / DAY / "part.parquet").unlink(), "no truth for plays"),
        (lambda w: (w.raw("plays") / DAY / "part.parquet").unlink(), "no raw plays"),
        (lambda w: (w.unit.table("sessions") / "_spark_metadata" / "0").unlink(), "no sessions are committed"),
    ],
)
def test_a_missing_part_is_one_line(
    world: World,
    playproof: Playproof,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[World], None],
    message: str,
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(world.root.parent))
    spoil(world)
    code, _, err = playproof("model", "evaluate", "--world", "toy")
    assert code == 1
    assert message in err
    assert err.count("\n") == 1


def test_truth_in_another_order_than_raw_is_refused(
    world: World, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(world.root.parent))
    path = world.truth("plays") / DAY / "part.parquet"
    write(pd.read_parquet(path)[::-1], path)
    code, _, err = playproof("model", "evaluate", "--world", "toy")
    assert code == 1
    assert "not the same rows in the same order" in err
