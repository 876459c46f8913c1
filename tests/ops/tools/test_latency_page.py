"""The figures of `playproof latency` get into the page, between its marks and nowhere else."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.errors import StackError
from ops.tools.latency_page import MARKS, fill
from runtime.resources import CODE

ROW = {
    "sessions": 1234, "share_alerted": 0.5, "share_alerted_ever": 0.75, "median_delay_min": None,
    "median_paid_streams_before": 4.6, "at_close": {"median_delay_min": 90.2, "median_paid_streams_before": 30.0},
}  # fmt: skip
DELAYS = {"rows": 9, "p50_s": 1.5, "p95_s": 2.5, "p99_s": 3.0}
RATE = {"asked_rows_per_s": 900, "rows_per_s": 700, "is_reached": False, "job_cores": 0.8, "other_cores": 0.1}
RESULTS: dict[str, Any] = {
    "date": "2026-11-27T05:00:00+00:00",
    "parameters": {"users": 10, "days": 3, "seed": 7, "seconds": 60.0, "flood_rows": 10_000},
    "machine": {"cores": 2, "memory_gb": 23.0},
    "highest_rows_per_s": 1800,
    "by_rate": {"half": RATE | {"alerts": None, "sessions": DELAYS}, "nine_tenths": None},
    "alerts": {
        "false_per_1000_honest_sessions": 0.5, "false_per_1000_interval": [0.2, 0.9], "honest_sessions": 5000,
        "withdrawn_sessions": 7, "alerted_sessions": 70, "model_version": "session_alerts@0",
        "by_family": {"farm": ROW}, "all_families": ROW,
    },
}  # fmt: skip


def test_the_tables_are_written_between_the_marks_and_the_rest_of_the_page_stays() -> None:
    page = (CODE / "docs" / "latency.md").read_text()
    filled = fill(page, RESULTS)
    assert "| half | 700 | 0.80 | alerts | – | – | – | – |" in filled
    assert "|  |  |  | sessions | 9 | 1.5 | 2.5 | 3.0 |" in filled
    assert "- half: 900 rows/s were asked for, 700 sent" in filled
    assert "| farm | 1,234 | 50 % | 75 % | – | 5 | 90 | 30 |" in filled
    for mark in MARKS:
        ends = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
        page, filled = (text.partition(ends[0])[0] + text.partition(ends[1])[2] for text in (page, filled))
    assert filled == page


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    page = "".join(f"<!-- {mark}:begin -->\n<!-- {mark}:end -->\n" for mark in MARKS)
    assert "farm" in fill(page, json.loads(json.dumps(RESULTS)))
    with pytest.raises(StackError, match="latency --alerts"):
        fill(page, {name: value for name, value in RESULTS.items() if name != "alerts"})
    with pytest.raises(StackError, match="no <!-- families:begin -->"):
        fill(page.partition("<!-- families")[0], RESULTS)
