"""Alerts in the stream: the step raises them, a task writes them once, and sessions are what they are without."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import xgboost
from pyspark.sql import SparkSession

from runtime.monitoring.progress import read_micro_batch
from runtime.world import Unit
from spark_app.pipeline import build_sessions, prepare_scoring
from spark_app.queries.alerts import AlertPublisher
from spark_app.queries.sessions import write
from spark_app.stages.alerts.account_lookup import HISTORIES, USERS, user_rows, write_rows
from spark_app.stages.alerts.raise_alerts import AlertRaiser
from spark_app.stages.alerts.send_accounts import send_accounts
from spark_app.stages.scoring.score import SessionScorer
from tests.flow.lake import alerts_of, rows_of
from tests.spark_app.arrivals import arrive, read_stream
from tests.spark_app.typed import TypedRow, heartbeats, pack, play, tracks, users

MINUTE = 60.0


def of_plays(threshold: float) -> SessionScorer:
    """Return trees that suspect sessions of 8 plays or more on a paid plan."""
    plays = np.array([(n, paid) for n in range(1, 21) for paid in (0, 1, np.nan)], dtype=np.float32)
    parameters = {"objective": "binary:logistic", "max_depth": 2, "eta": 1, "nthread": 1, "min_child_weight": 0}
    trees = xgboost.train(parameters, xgboost.DMatrix(plays, (plays[:, 0] >= 8) & (plays[:, 1] == 1)), 3)
    return SessionScorer(bytes(trees.save_raw("ubj")), ("plays", "is_paid_plan"), threshold, threshold, "tiny@1")


def account_files(folder: Path) -> tuple[Path, Path]:
    """Write what the workers find accounts in: `quick` has a paid plan, others are unknown."""
    known = pa.table({"user_id": ["quick"], "signed_up_on": [None], "plan": ["premium"], "timezone": [None]})
    of_test, histories = folder / f"users-{folder.name}.arrow", folder / f"histories-{folder.name}.arrow"
    write_rows([user_rows(known)], USERS, of_test)
    write_rows([], HISTORIES, histories)
    return of_test, histories


def test_an_alert_comes_while_the_session_runs_and_is_withdrawn_where_it_closes_without_a_flag(
    spark: SparkSession, tmp_path: Path
) -> None:
    quick: list[TypedRow] = [play(MINUTE * n, user="quick") for n in range(12)]
    slow: list[TypedRow] = [play(MINUTE * n, user="slow") for n in range(5)]
    batches = [[*quick[:10], *slow, *heartbeats(10 * MINUTE)], [quick[10], *heartbeats(11 * MINUTE)],
               [quick[11], *heartbeats(12 * MINUTE)],
               heartbeats(600 * MINUTE)]  # fmt: skip
    for number, rows in enumerate(batches, start=1):
        arrive(tmp_path, number, rows)
    unit = Unit(tmp_path / "unit")
    typed_plays, typed_activity = read_stream(spark, tmp_path)
    plays, activity = pack(typed_plays, typed_activity, tracks(spark))
    raiser = AlertRaiser(of_plays(0.5), (), send_accounts(spark, *account_files(tmp_path)))
    sessions = build_sessions(plays, activity, users(spark), None, raiser)
    scored = prepare_scoring(sessions, (), of_plays(0.99), AlertPublisher(unit.table("alerts")))
    query = write(scored, unit).trigger(availableNow=True).start()
    query.awaitTermination()

    found = {row["user_id"]: row for row in rows_of(unit, "sessions")}
    assert {user: (row["plays"], row["is_flagged"]) for user, row in found.items()} == {
        "quick": (12.0, False),
        "slow": (5.0, False),
    }
    alerts = alerts_of(unit)
    key = found["quick"]["session_key"]
    assert set(alerts) == {(key, False), (key, True)}
    raised, withdrawn = alerts[key, False], alerts[key, True]
    assert (raised["rows"], raised["streams"], withdrawn["rows"]) == (8, 8, 12)
    assert {reason["feature"] for reason in raised["reasons"]} == {"plays", "is_paid_plan"}
    assert withdrawn["score"] == found["quick"]["score"] < 0.99
    progress = [read_micro_batch(json.loads(one.json)) for one in query.recentProgress]
    assert sum(batch.alerts for batch in progress) == 1
