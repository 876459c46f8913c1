"""The store of decisions: every attempt is recorded, nothing can be changed, one of many at once wins."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from consumer_viz.dashboard.decisions.rules import Draft, InvalidDecision, VersionConflict
from consumer_viz.dashboard.decisions.store import VerdictStore
from contracts import verdicts as v
from tests.consumer_viz.dashboard.tiny_world import NOON

DRAFT = Draft("c-1", "u1", v.DECIDE, "ana", 0, "k1", v.CONFIRM, "velocity", "fast", "m@1", eur=2.5, streams=700)


@pytest.fixture
def store(tmp_path: Path) -> VerdictStore:
    ticks = iter(NOON + timedelta(seconds=n) for n in range(1000))
    return VerdictStore(tmp_path / "verdicts.sqlite", now=lambda: next(ticks))


def test_every_attempt_is_recorded_and_no_record_can_be_changed(store: VerdictStore) -> None:
    store.write(DRAFT)
    with pytest.raises(VersionConflict):
        store.write(replace(DRAFT, key="k2", analyst="ben"))
    with pytest.raises(InvalidDecision):
        store.write(replace(DRAFT, key="k3", seen_version=1, verdict="guilty"))
    assert [row[1] for row in store.attempts("c-1")] == ["ana", "ben", "ana"]
    assert [row[-1].partition(":")[0] for row in store.attempts("c-1")] == ["saved as version 1", "conflict", "refused"]
    for statement in ("delete from audit", "update audit set analyst = 'x'", "delete from decisions",
                      "update decisions set verdict = 'dismiss'"):  # fmt: skip
        with sqlite3.connect(store.path) as db, pytest.raises(sqlite3.IntegrityError, match="append only"):
            db.execute(statement)


def test_of_many_at_once_one_wins_and_the_rest_learn_who(store: VerdictStore) -> None:
    def attempt(n: int) -> str:
        try:
            return store.write(replace(DRAFT, key=f"k{n}", analyst=f"a{n}")).analyst
        except VersionConflict as conflict:
            return f"lost to {conflict.latest.analyst}"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(16)))
    [winner] = [result for result in results if not result.startswith("lost")]
    assert results.count(f"lost to {winner}") == 15
    assert len(store.all()) == 1


def test_what_is_asked_every_second_follows_a_file_that_was_put_in_its_place(
    store: VerdictStore, tmp_path: Path
) -> None:
    assert store.stamp() == 0
    copy = VerdictStore(tmp_path / "copy.sqlite")
    copy.write(DRAFT)
    copy.path.replace(store.path)
    assert (store.stamp(), len(store.all())) == (1, 1)


def test_a_decision_is_not_dated_before_the_score_that_it_decides_on(store: VerdictStore) -> None:
    ahead = "2999-01-01T00:00:00Z"
    assert store.write(replace(DRAFT, last_scored_at=ahead)).decided_at == ahead
