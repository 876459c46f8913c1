"""The audit reads a shop's messages as the job does, whatever is in them."""

import json
from collections.abc import Set as AbstractSet
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import HEADER_ROWS
from contracts.shop import BROWSING
from ops.errors import ReconciliationError
from ops.reconcile import shop_rows
from ops.reconcile.shop_rows import WHOLE_MESSAGE, Place, ShopRows, rows_by_position
from ops.reconcile.topic_rows import Span
from runtime.checkpoint import OffsetLog
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.security import KafkaSecurity

KAFKA = KafkaConnection("nowhere:1", KafkaSecurity.parse(""))
NOTHING_READ = OffsetLog(np.empty(0, np.int64), {})
NAMES = st.sampled_from(["ts", "session_id", "transaction_id"]) | st.text(max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=3)


def read(
    *values: bytes | None,
    header: bytes | None = None,
    rejected: AbstractSet[Place] = frozenset(),
    progress: OffsetLog = NOTHING_READ,
    first: int = 0,
) -> ShopRows:
    """Read a topic of one partition with these values, which begins at offset `first`."""
    headers = [(HEADER_ROWS, header)]
    records = [SimpleNamespace(value=value, headers=headers, offset=first + i) for i, value in enumerate(values)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop_rows, "all_partitions", lambda kafka, topic: [Span(topic, 0, first, first + len(values))])
        patch.setattr(shop_rows, "record_chunks", lambda kafka, spans: iter([(0, records)]))
        return shop_rows.read_topic(KAFKA, BROWSING, rejected, progress)


@given(st.none() | st.binary() | (VALUES | ROWS).map(lambda value: json.dumps(value).encode()))
def test_whatever_a_message_has_its_rows_are_counted_and_none_is_too_large_for_a_column(value: bytes | None) -> None:
    rows = read(value)
    assert len(rows.places) == len(rows.keys) == len(np.array(rows.ts, np.int64)) == rows.count
    assert len(rows.micro_batches(BROWSING, NOTHING_READ)) == rows.count


@pytest.mark.parametrize(
    ("value", "positions"),
    [
        (None, [WHOLE_MESSAGE]),
        (b"", [WHOLE_MESSAGE]),
        (b"{", [WHOLE_MESSAGE]),
        (b"null", [WHOLE_MESSAGE]),
        (b"[" * 10_000, [WHOLE_MESSAGE]),
        (b'[1,{"ts":1}]', [WHOLE_MESSAGE]),
        (b'[[{"ts":1}]]', [WHOLE_MESSAGE]),
        (b"[]", []),
        (b"[ ]", []),
        (b'{"ts":1}', [0]),
        (b"[null]", [0]),
        (b'[{"a":[1]},{}]', [0, 1]),
        (b'[{"ts":1}] [{"ts":2}]', [0]),
        (b'[{"a":"\xff"}]', [0]),
    ],
)  # fmt: skip
def test_a_message_has_the_rows_that_the_job_reads_in_it(value: bytes | None, positions: list[int]) -> None:
    assert [*rows_by_position(value)] == positions


@pytest.mark.parametrize(("value", "rejected"), [(b"[{'a':1}]", {0}), (b'[{"a":1},{}]', {WHOLE_MESSAGE})])
def test_what_the_job_has_rejected_counts_as_it_has_counted_it(value: bytes, rejected: set[int]) -> None:
    assert {*rows_by_position(value, rejected)} == rejected
    assert {*rows_by_position(value)} != rejected


def test_of_a_row_that_the_job_rejected_the_content_is_known() -> None:
    rows = read(b'[{"a":"1","ts":1},{"a":"2","ts":1}]', rejected={(0, 0, 1)})
    assert (rows.contents.total(), rows.rejected.total()) == (2, 1)
    assert rows.rejected[shop_rows.content({"a": "2"})] == 1


@pytest.mark.parametrize("ts", ["10" * 15, "2147483648", "1.5", "true", '"1"', "[1]", "null"])
def test_what_the_job_takes_for_no_time_is_none(ts: str) -> None:
    assert read(b'[{"ts":%b}]' % ts.encode()).ts == [0]


@pytest.mark.parametrize("header", [b"+5", b"-5", b"2147483647", b"5 ", b"5\n", b"0", b"", None])
def test_a_header_of_another_form_counts_for_one_row(header: bytes | None) -> None:
    assert read(b"{", header=header).weights == [1]
    assert read(b"{", header=b"5").weights == [5]


def test_messages_that_kafka_has_removed_are_not_called_lost() -> None:
    progress = OffsetLog(np.array([0]), {(BROWSING, 0): np.array([1])})
    assert read(b"[{}]", progress=progress, first=1).count == 1
    expected = r"^partition 0 of topic browsing begins at offset 2, and the job began before 1: .* up --reread$"
    with pytest.raises(ReconciliationError, match=expected):
        read(b"[{}]", progress=progress, first=2)
