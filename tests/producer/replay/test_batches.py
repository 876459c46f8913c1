"""A source is cut into batches of 200 plays, with the activity of their time span; every row in exactly one."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events import ACTIVITY, PLAYS, ROWS_PER_BATCH
from producer.replay import batches
from producer.replay.batches import RowBatch, RowReader, cut, time_of_row
from runtime.parquet import count_rows
from runtime.world import World
from tests.producer.raw_world import START_MS, at, write_raw

TIMES = st.lists(st.integers(0, 5_000), max_size=60).map(sorted)
QUICKLY = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def readers(world: World, plays_from: int = 0, activity_from: int = 0) -> tuple[RowReader, RowReader]:
    return (
        RowReader(PLAYS, world.raw_files(PLAYS), plays_from),
        RowReader(ACTIVITY, world.raw_files(ACTIVITY), activity_from),
    )


def texts(made: list[RowBatch], topic: str) -> list[str]:
    return [text for batch in made for text in batch.rows[topic].texts]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 4 plays, read 3 rows at a time, so that few rows meet every seam."""
    monkeypatch.setattr(batches, "CHUNK_ROWS", 3)
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 4)


@QUICKLY
@given(plays=TIMES.filter(bool), activity=TIMES)
def test_every_row_is_in_one_batch_with_the_plays_of_its_time(
    plays: list[int], activity: list[int], small_chunks: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = write_raw(tmp_path_factory.mktemp("world"), at(*plays), at(*activity))
    made = list(cut(*readers(world), 5))
    assert [batch.number for batch in made] == list(range(5, 5 + len(made)))
    assert [len(batch.rows[PLAYS]) for batch in made[:-1]] == [4] * (len(made) - 1)
    for topic, count in ((PLAYS, len(plays)), (ACTIVITY, len(activity))):
        assert texts(made, topic) == RowReader(topic, world.raw_files(topic)).take(10**6).texts
        assert len(texts(made, topic)) == count
        firsts = [batch.rows[topic].first for batch in made]
        assert firsts == [sum(len(b.rows[topic]) for b in made[:i]) for i in range(len(made))]
    for before, batch in pairwise(made):
        late = batch.rows[ACTIVITY].event_ms
        assert before.clock_ms == before.rows[PLAYS].event_ms[-1]
        assert (late > before.clock_ms).all()
        assert batch is made[-1] or (late <= batch.clock_ms).all()


@QUICKLY
@given(plays=TIMES.filter(lambda times: len(times) > 8), activity=TIMES)
def test_a_cut_that_begins_at_a_batch_gives_the_same_batches_from_there_on(
    plays: list[int], activity: list[int], small_chunks: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = write_raw(tmp_path_factory.mktemp("world"), at(*plays), at(*activity), files=3)
    whole = list(cut(*readers(world), 0))
    second = whole[1]
    again = list(cut(*readers(world, second.rows[PLAYS].first, second.rows[ACTIVITY].first), 1))
    for topic in (PLAYS, ACTIVITY):
        assert [b.rows[topic].texts for b in again] == [b.rows[topic].texts for b in whole[1:]]
    assert [b.clock_ms for b in again] == [b.clock_ms for b in whole[1:]]


def test_a_batch_has_200_plays(tmp_path: Path) -> None:
    made = list(cut(*readers(write_raw(tmp_path, at(*range(450)), at(0))), 0))
    assert [len(batch.rows[PLAYS]) for batch in made] == [ROWS_PER_BATCH, ROWS_PER_BATCH, 50]


def test_a_batch_of_thin_listening_ends_before_its_first_row_is_too_far_behind_its_clock(tmp_path: Path) -> None:
    day_ms = 86_400_000
    world = write_raw(tmp_path, at(*(day * day_ms for day in range(30))), at(0))
    made = list(cut(*readers(world), 0))
    assert sum(len(batch.rows[PLAYS]) for batch in made) == 30
    assert max(batch.clock_ms - int(batch.rows[PLAYS].event_ms[0]) for batch in made) == 3 * day_ms


def test_the_clock_of_the_last_batch_has_reached_the_activity_after_the_last_play(tmp_path: Path) -> None:
    (batch,) = cut(*readers(write_raw(tmp_path, at(0, 10), at(5, 3_600_000))), 0)
    assert batch.clock_ms == START_MS + 3_600_000


def test_a_row_is_found_in_whichever_file_it_lies(tmp_path: Path) -> None:
    files = write_raw(tmp_path, at(0, 10, 20, 30, 40), at(0), files=3).raw_files(PLAYS)
    assert [time_of_row(files, row) for row in range(count_rows(files))] == [
        START_MS + ms for ms in (0, 10, 20, 30, 40)
    ]
