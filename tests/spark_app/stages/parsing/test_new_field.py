"""A new nullable field in a message: producers and job may come to it in any order, and no checkpoint is lost."""

import json
from typing import Any

import pyarrow as pa
import pytest

from contracts.events import FIELDS, HEADER_CLOCK_MS, PLAYS, Field
from contracts.tables import LAKE
from ops.reconcile.row_rules import parse_messages
from runtime.event_text import parse_time
from spark_app.checks.consistency import state_of
from spark_app.stages.parsing.parse import all_rows, fields_named, good_batches
from spark_app.stages.sessions.session_rows import USED_FIELDS
from tests.spark_app.messages import PLAY

OFFLINE = Field("offline", "bool", "whether it was heard without a network, and reported later")
QUALITY = Field("quality", "code", "quality of the sound", is_checked=True, values=("low", "high"))
CLOCK_MS = parse_time(str(PLAY["event_time"])) or 0
NEW_VALUES: tuple[Any, ...] = ("true", True, None, 3, {"since": ["x"]}, "💿", "x" * 5000)


def message(rows: list[Any]) -> pa.RecordBatch:
    """Return one message as the parser gets it."""
    one = {"partition": [0], "offset": [0], "value": [json.dumps(rows).encode()], "sent_rows": [len(rows)]}
    return pa.RecordBatch.from_pydict(one | {"clock_ms": [CLOCK_MS], "limit_ms": [CLOCK_MS]})


def lines(rows: list[Any]) -> list[dict[str, Any]]:
    """Return what the archive makes of rows, in their order."""
    found = [line for batch in all_rows([message(rows)], PLAYS) for line in batch.to_pylist()]
    return sorted(found, key=lambda line: int(line["position"]))


def session_rows(rows: list[Any]) -> list[dict[str, Any]]:
    """Return what the session step gets of rows."""
    batches = good_batches([message(rows)], PLAYS, fields_named(PLAYS, USED_FIELDS[PLAYS]))
    return [row for batch in batches for row in batch.to_pylist()]


def rejected(rows: list[Any]) -> int:
    """Return how many of the rows the reconciliation says are rejected."""
    headers = [(HEADER_CLOCK_MS, str(CLOCK_MS).encode())]
    return int(parse_messages(PLAYS, [(json.dumps(rows).encode(), headers)]).rejected[0])


@pytest.mark.parametrize("value", NEW_VALUES, ids=repr)
def test_a_new_producer_changes_nothing_for_a_job_that_does_not_know_the_field(value: Any) -> None:
    new = PLAY | {"offline": value}
    assert lines([new, PLAY]) == lines([PLAY, PLAY])
    assert session_rows([new]) == session_rows([PLAY])
    assert rejected([new]) == 0


def test_a_new_job_takes_rows_of_old_and_of_new_producers(monkeypatch: pytest.MonkeyPatch) -> None:
    before, session_before, state_before = lines([PLAY]), session_rows([PLAY]), state_of(2, 5)
    monkeypatch.setitem(FIELDS, PLAYS, (*FIELDS[PLAYS], OFFLINE))
    old, new = lines([PLAY, PLAY | {"offline": "true"}])
    assert old == before[0] | {"offline": None}
    assert new["offline"] is True
    assert session_rows([PLAY | {"offline": "true"}]) == session_before
    assert state_of(2, 5) == state_before, "no checkpoint has to begin again"


def test_of_a_new_checked_field_a_missing_value_is_good_and_a_wrong_one_rejected_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(FIELDS, PLAYS, (*FIELDS[PLAYS], QUALITY))
    rows = [PLAY, PLAY | {"quality": "high"}, PLAY | {"quality": "loud"}]
    assert [line["reason"] for line in lines(rows)] == [None, None, QUALITY.rejection]
    assert rejected(rows) == 1


def test_new_columns_of_the_archive_come_at_the_end() -> None:
    """`LAKE` is made of the fields, so a file of before lacks only the last columns, which readers give as null."""
    assert [column.name for column in LAKE[PLAYS]] == [field.name for field in FIELDS[PLAYS]]
