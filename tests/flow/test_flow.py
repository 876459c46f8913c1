"""The whole flow: simulator, broker, topics, replay, job, tables, reports, plot; what they say agrees."""

import struct
from datetime import timedelta

import pytest

from contracts.events import ACTIVITY, PLAYS
from contracts.topics import ALERTS, FRAUD_COUNTS, SCORES, TOPICS
from runtime.parquet import count_rows
from spark_app.stages.sessions.session_rows import SESSION_GAP_MS
from tests.flow.conftest import Live
from tests.flow.lake import alerts_of, messages, newest_version, rows_of

SESSION_GAP = timedelta(milliseconds=SESSION_GAP_MS)


def test_every_row_that_was_sent_is_in_a_session_once(live: Live) -> None:
    audit = live.stage.audit()
    assert audit["faults"] == []
    assert (audit["missing"], audit["duplicated"], audit["wrong"]) == (0, 0, 0)
    for topic in (PLAYS, ACTIVITY):
        generated = count_rows(live.stage.world.raw_files(topic))
        nowhere_else = dict.fromkeys(("late", "duplicate", "rejected", "open", "lost"), 0)
        assert audit["topics"][topic] == {"sent": generated, "in_sessions": generated, **nowhere_else}


@pytest.mark.parametrize(("topic", "key"), [(PLAYS, "play_id"), (ACTIVITY, "event_id")])
def test_the_archive_has_every_row_once_and_nothing_rejected(live: Live, topic: str, key: str) -> None:
    unit = live.stage.world.unit
    archived = [row[key] for row in rows_of(unit, topic)]
    assert len(archived) == len(set(archived)) == count_rows(live.stage.world.raw_files(topic))
    assert rows_of(unit, "rejected") == []


def test_some_sessions_are_flagged_with_reasons_and_most_are_not(live: Live) -> None:
    sessions = rows_of(live.stage.world.unit, "sessions")
    flagged = [row for row in sessions if row["is_flagged"]]
    assert 0 < len(flagged) < len(sessions) / 2
    assert all(0 <= row["score"] <= 1 for row in sessions)
    assert all(row["reasons"] for row in flagged)
    assert {bool(row["prediction"]) == row["is_flagged"] for row in sessions} == {True}


def test_the_reports_add_up_to_the_sessions(live: Live) -> None:
    unit = live.stage.world.unit
    sessions = rows_of(unit, "sessions")
    genuine = [row for row in sessions if not row["is_flagged"]]

    totals = max(rows_of(unit, "genuine_totals"), key=lambda row: row["batch_id"])
    assert totals["sessions"] == len(genuine)
    for column in ("plays", "streams"):
        assert totals[column] == sum(row[column] for row in genuine)
    assert totals["hours"] == pytest.approx(sum(row["hours"] for row in genuine))

    # a session is in the windows of 2 minutes, begun every 10 s, that hold its scored_at
    windows = newest_version(rows_of(unit, "fraud_counts"), "window_start")
    for window in windows:
        inside = [row for row in sessions if window["window_start"] <= row["scored_at"] < window["window_end"]]
        flagged = [row for row in inside if row["is_flagged"]]
        assert (window["sessions"], window["flagged"]) == (len(inside), len(flagged))
        assert window["flagged_streams"] == sum(row["streams"] for row in flagged)
    assert sum(window["flagged"] for window in windows) > 0


def test_the_top_tracks_are_those_of_the_genuine_sessions_in_order_and_by_name(live: Live) -> None:
    unit = live.stage.world.unit
    streams: dict[str, int] = {}
    for row in rows_of(unit, "sessions"):
        for track in row["track_counts"] if not row["is_flagged"] else ():
            streams[track["track_id"]] = streams.get(track["track_id"], 0) + track["streams"]
    best = sorted(streams.items(), key=lambda item: (-item[1], item[0]))[:20]
    top = newest_version(rows_of(unit, "top_tracks"), "rank")
    assert [(row["rank"], row["track_id"], row["streams"]) for row in top] == [
        (place, track_id, count) for place, (track_id, count) in enumerate(best, start=1)
    ]
    assert all(row["title"] and row["artist"] for row in top)


def test_the_topic_of_scores_says_what_the_table_says(live: Live) -> None:
    sessions = {row["session_key"]: row for row in rows_of(live.stage.world.unit, "sessions")}
    sent = {value["session_key"]: value for _, _, value in messages(live.stage.address, SCORES)}
    assert sent.keys() == sessions.keys()
    for key, value in sent.items():
        assert set(value) <= set(TOPICS[SCORES].row_fields)
        assert (value["score"], value["is_flagged"]) == (sessions[key]["score"], sessions[key]["is_flagged"])


def test_alerts_come_while_sessions_run_and_are_withdrawn_where_the_final_score_does_not_bear_them_out(
    live: Live,
) -> None:
    sessions = {row["session_key"]: row for row in rows_of(live.stage.world.unit, "sessions")}
    alerts = alerts_of(live.stage.world.unit)
    raised = {key: row for (key, withdrawn), row in alerts.items() if not withdrawn}
    assert 0 < len(raised) < len(sessions) / 2
    for key, row in raised.items():
        assert row["user_id"] == sessions[key]["user_id"]
        assert row["looked_at"] < sessions[key]["ended_at"] + SESSION_GAP
        assert (row["score"] > 0.5, bool(row["reasons"])) == (True, True)
    assert {key for key, withdrawn in alerts if withdrawn} == {key for key in raised if not sessions[key]["is_flagged"]}
    sent = {(value["session_key"], value["withdrawn"]) for _, _, value in messages(live.stage.address, ALERTS)}
    assert sent == alerts.keys()
    counts = live.stage.audit()
    assert (counts["alerts"], counts["withdrawn"]) == (len(raised), len(alerts) - len(raised))


def test_the_topic_of_fraud_counts_says_what_the_table_says(live: Live) -> None:
    def version(row: dict[str, int]) -> tuple[int, ...]:
        return row["batch_id"], row["sessions"], row["flagged"], row["flagged_streams"]

    sent = {version(value) for _, _, value in messages(live.stage.address, FRAUD_COUNTS)}
    assert sent == {version(row) for row in rows_of(live.stage.world.unit, "fraud_counts")}


def test_the_plot_of_the_run_is_a_picture(live: Live) -> None:
    content = live.picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    assert min(width, height) > 400
    assert len(content) > 20_000
