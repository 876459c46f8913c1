"""After a run to the end of the topics: what each query has done of them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from contracts.events import ACTIVITY, PLAYS
from runtime.world import Unit
from spark_app.checks.all_read import check_all_read
from spark_app.errors import JobError


def note_batch(unit: Unit, number: int, plays: Mapping[int, int], activity: int, *, is_committed: bool = True) -> None:
    """Write what Spark has of a micro-batch of query sessions in its checkpoint."""
    ends = [{PLAYS: {str(p): offset for p, offset in plays.items()}}, {ACTIVITY: {"0": activity}}]
    for log, lines in (("offsets", ['{"batchWatermarkMs":0}', *map(json.dumps, ends)]), ("commits", ["{}"])):
        folder = unit.checkpoints / "sessions" / log
        folder.mkdir(parents=True, exist_ok=True)
        if log == "offsets" or is_committed:
            (folder / str(number)).write_text("\n".join(["v1", *lines]))


def test_a_query_that_did_what_was_there_and_what_came_meanwhile_passes(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    note_batch(unit, 0, {0: 2, 1: 0}, activity=5)
    note_batch(unit, 1, {0: 4, 1: 3}, activity=9)
    check_all_read(unit, ["sessions"], {PLAYS: 7, ACTIVITY: 8})


def test_a_query_that_ended_before_it_is_named_with_how_far_it_came(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    note_batch(unit, 0, {0: 4, 1: 2}, activity=9)
    with pytest.raises(JobError, match=r"^query sessions ended after 6 of the 7 messages of plays .* start the job"):
        check_all_read(unit, ["sessions"], {PLAYS: 7, ACTIVITY: 9})


def test_a_micro_batch_that_was_planned_and_not_done_does_not_count(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    note_batch(unit, 0, {0: 4}, activity=9)
    note_batch(unit, 1, {0: 7}, activity=9, is_committed=False)
    with pytest.raises(JobError, match="after 4 of the 7 messages of plays"):
        check_all_read(unit, ["sessions"], {PLAYS: 7, ACTIVITY: 9})


def test_without_a_micro_batch_only_empty_topics_are_done(tmp_path: Path) -> None:
    check_all_read(Unit(tmp_path), ["sessions"], {PLAYS: 0, ACTIVITY: 0})
    with pytest.raises(JobError, match="after 0 of the 1 messages of activity"):
        check_all_read(Unit(tmp_path), ["sessions"], {PLAYS: 0, ACTIVITY: 1})
