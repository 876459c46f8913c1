"""What an account's weeks add up to is on its case, and an account that only its weeks suspect is in the queue."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from contracts.account_windows import ACCOUNT_WINDOWS, WINDOW_FEATURE_NAMES
from models.tables.lake_tables import replace_part
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import NOON

REASON = "regularity of gaps between starts: 96 % over 28 days; honest listeners usually 41 %"


def window(user: str, days: int, last: int = 0, **values: Any) -> dict[str, Any]:
    """A window that ends `last` days before NOON."""
    row = dict.fromkeys(WINDOW_FEATURE_NAMES, np.nan) | {
        "user_id": user, "days": days, "last_day": (NOON - pd.Timedelta(days=last)).date(), "plays": 9000,
        "log_odds": -4.0, "probability": 0.0, "is_flagged": False, "reasons": [], "model_version": "trees@1",
        "active_share": 1.0, "longest_rest_h": 2.0,
    }  # fmt: skip
    return {column.name: (row | values)[column.name] for column in ACCOUNT_WINDOWS}


def write_weeks(state: AppState, *windows: dict[str, Any]) -> None:
    table = pa.Table.from_pandas(pd.DataFrame(list(windows)), preserve_index=False)
    replace_part(state.world.from_raw("account_windows"), table)
    state.refresh()
    assert state.trouble == ""


def test_the_weeks_of_an_account_are_facts_and_reasons_of_its_case(state: AppState, ana: Browser) -> None:
    earlier = window("honest1", 28, last=7, is_flagged=True, log_odds=3.0, reasons=[REASON])
    write_weeks(state, earlier, window("honest1", 28), window("honest1", 7, active_share=4 / 7, longest_rest_h=60.0))
    assert "honest1" in [case.user_id for case in state.cases.queue("suspected", 9)]
    html = " ".join(ana.client.get(f"/cases/{case_id('honest1')}").text.split())
    assert "Regularity of gaps between starts: 96" in html.replace("\N{NO-BREAK SPACE}", " ")
    assert "28 days to 2025-03-03" in html, "the newest window"
    row = '<tr><td>{}</td><td class="num">{}</td><td class="num">{}</td></tr>'.format
    assert row("days with listening", "28 of 28", "4 of 7") in html
    assert row("longest rest", "2 h", "2.5 days") in html
    assert "regularity of gaps between starts: 96" in ana.client.get("/queue").text


def test_a_later_run_without_the_account_takes_it_out_of_the_queue(state: AppState, ana: Browser) -> None:
    write_weeks(state, window("honest1", 28, is_flagged=True, reasons=[REASON]))
    write_weeks(state, window("another", 28))
    assert "honest1" not in [case.user_id for case in state.cases.queue("suspected", 9)]
    assert "Over weeks" not in ana.client.get(f"/cases/{case_id('honest1')}").text
