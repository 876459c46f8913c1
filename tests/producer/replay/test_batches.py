"""A source is cut into batches of 200 plays, with the activity of their time span; every row in exactly one."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events import ACTIVITY, PLAYS, ROWS_PER_BATCH
from producer.replay import batches
from producer.replay.batches import RowBatch, RowReader, cut, time_of_row
from producer.simulator.output.columns import Coded, Column, Digits, Plain
from producer.simulator.output.table_file import TableFile
from producer.simulator.output.tables import RAW_SCHEMAS
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


def test_a_row_has_its_own_address_also_where_a_file_names_one_twice(tmp_path: Path) -> None:
    """As a simulator's file did with two addresses that were the same by chance: Arrow then took others for them."""
    n, digit = 100, np.frombuffer(b"0123456789abcdef", np.uint8)
    ips = [f"10.0.0.{code // 2}" for code in range(n)]
    columns: dict[str, Column] = {}
    for field in RAW_SCHEMAS[PLAYS]:
        if pa.types.is_dictionary(field.type):
            words = ips if field.name == "ip" else ["x"]
            columns[field.name] = Coded(np.arange(n, dtype=np.int32) % len(words), pa.array(words))
        elif pa.types.is_string(field.type):
            columns[field.name] = Digits(np.tile(digit, n))
        else:
            columns[field.name] = Plain(np.zeros(n, np.int32 if field.type == pa.int32() else bool))
    columns["event_time"] = Plain(np.arange(n) + START_MS)
    with TableFile(tmp_path / "part.parquet", RAW_SCHEMAS[PLAYS]) as file:
        file.write(columns)
    with RowReader(PLAYS, [tmp_path / "part.parquet"]) as reader:
        assert [json.loads(text + "}")["ip"] for text in reader.take(n).texts] == ips
