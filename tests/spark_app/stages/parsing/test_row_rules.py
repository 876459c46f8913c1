"""The Spark parser and `contracts.events.check_row` state the same rules: compared on rows spoiled at random."""

import json
import random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.events import ACTIVITY, FIELDS, PLAYS, check_row, format_time
from tests.spark_app.messages import NOON_MS, arrived, clock, lines_of, message, sent

MESSAGES, ROWS = 40, 12
"""Per topic."""
DAY_MS = 86_400_000
ODD_VALUES: tuple[Any, ...] = (
    None, "", " ", "0", "00000007", "40000 ", "4e4", "-1", "+5", "0x1F", "١٢٣", "123456789", "1_000", "null", "NaN",
    "x" * 64, "x" * 65, "é" * 64, "🎧" * 65, "\n", "40000\n", "40000\r\n", "40000\u0085", "\\", '"', "\ud800", "a\0",
    0, 7, 40000, -5, 2.5, 1e300, True, False, float("nan"), float("inf"), 10**20, [], [1, "a"], {}, {"a": [None]},
    "12:30", "2026-03-01", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00+0500", "2026-03-01T10:00:00,000Z",
    "2026-02-29T10:00:00.000Z", "2024-02-29T10:00:00.000Z", "2026-03-01T10:60:00.000Z", "2026-00-01T10:00:00.000Z",
    "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z", "0000-01-01T00:00:00.000Z", "1582-10-10T00:00:00.000Z",
    " 2026-03-01T10:00:00.000Z", "2026-03-01T10:00:00.000Z\n", "2026-03-01T10:00:00.000Z\u2028",
    "fwdbtn", "trackdone", "telepathy", "Trackdone", "trackdone ", "search", "heartbeat", "__heartbeat__",
)  # fmt: skip
ODD_ROWS: tuple[Any, ...] = (None, 5, -0.5, "x", "", True, [], [1], [{}], {}, {"user_id": "u1"}, float("nan"))
CLOCKS: tuple[Any, ...] = (NOON_MS, NOON_MS, NOON_MS, 0, -1, 2**63 - 1, "", "now", None)


def spoiled(rng: random.Random, topic: str) -> Any:
    """Make a row that is good, odd in one or two fields, or no row at all."""
    if rng.random() < 0.1:
        return rng.choice(ODD_ROWS)
    near = NOON_MS + rng.choice((-7 * DAY_MS, 0, 300_000)) + rng.randint(-2, 2)
    row = sent(topic, event_time=format_time(near))
    for _ in range(rng.choice((0, 1, 1, 2))):
        # the checked fields stand first: they are the ones that matter
        name = rng.choice([field.name for field in FIELDS[topic]][:8])
        if rng.random() < 0.1:
            row.pop(name, None)
        else:
            row[name] = rng.choice(ODD_VALUES)
    return row


@pytest.mark.parametrize("topic", [PLAYS, ACTIVITY])
def test_spark_rejects_the_rows_that_plain_python_rejects_for_the_same_reasons(spark: SparkSession, topic: str) -> None:
    rng = random.Random(20260301)
    clocks = [rng.choice(CLOCKS) for _ in range(MESSAGES)]
    lists = [[spoiled(rng, topic) for _ in range(ROWS)] for _ in clocks]
    messages = arrived(
        spark,
        [
            message(json.dumps(rows), topic=topic, offset=i, headers={} if ms is None else clock(ms))
            for i, (rows, ms) in enumerate(zip(lists, clocks, strict=True))
        ],
    )

    found = lines_of(messages, topic).select("offset", "position", "reason").collect()

    readable = [ms if isinstance(ms, int) else None for ms in clocks]
    expected = {
        (i, j): check_row(topic, row, readable[i]) for i, rows in enumerate(lists) for j, row in enumerate(rows)
    }
    assert len(found) == len(expected)
    differing = {
        json.dumps(lists[i][j]): (reason, expected[i, j]) for i, j, reason in found if reason != expected[i, j]
    }
    assert differing == {}
    assert len(set(expected.values())) > 8, "the rows are spoiled in too few ways to compare much"
    assert sum(reason is None for reason in expected.values()) > 40
