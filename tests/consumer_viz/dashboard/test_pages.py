"""Every page shows what the tables hold, as text, to whoever came with the token, and to nobody else."""

import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from fastapi.testclient import TestClient

from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import Desk
from consumer_viz.feed.counts import FeedCounts, Snapshot
from consumer_viz.feed.messages import MessageCounts
from contracts.events import PLAYS
from runtime.world import World
from tests.consumer_viz.dashboard import desks
from tests.consumer_viz.dashboard.analyst import HOME, PAGES, Browser
from tests.consumer_viz.dashboard.desks import TOKEN, make_desk


class CountsFeed:
    """A feed over a counts that a test fills."""

    def __init__(self, counts: FeedCounts) -> None:
        self._tally = counts

    def snapshot(self, since: float = 0) -> Snapshot:
        return self._tally.snapshot(at=0, since=since)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_whoever_came_with_the_token(ana: Browser, path: str) -> None:
    answer = ana.client.get(path)
    assert answer.status_code == 200
    assert "<h1>" in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/events", "/verdicts.csv", "/live/data", "/cases/c-0/pack.zip"])
def test_no_page_answers_without_token_or_cookie(desk: Desk, path: str) -> None:
    answer = TestClient(create_app(desk), base_url=HOME).get(path)
    assert answer.status_code == 403
    assert "playproof desk" in answer.text


def test_a_wrong_token_is_refused_and_the_right_one_leaves_the_address(desk: Desk) -> None:
    client = TestClient(create_app(desk), base_url=HOME, follow_redirects=False)
    assert client.get("/queue?token=wrong").status_code == 403
    answer = client.get(f"/queue?tab=sample&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?tab=sample")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "secure" in cookie
    assert "samesite=strict" in cookie


def test_another_name_for_this_machine_is_refused(desk: Desk) -> None:
    assert TestClient(create_app(desk), base_url="https://evil.example").get(f"/?token={TOKEN}").status_code == 421


def test_every_answer_forbids_foreign_scripts_and_caching(ana: Browser) -> None:
    for path in ("/queue", "/nowhere", "/static/layout/desk.css"):
        headers = ana.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert ana.client.get("/queue").headers["cache-control"] == "no-store"


def test_the_queue_ranks_by_money_at_risk_times_probability(ana: Browser, users: list[str]) -> None:
    shown = re.findall(r'data-case="(c-\w+)"', ana.client.get("/queue").text)
    assert shown == [case_id(user) for user in users]


def test_a_case_says_why_in_words_with_what_is_usual(ana: Browser, users: list[str]) -> None:
    html = ana.client.get(f"/cases/{case_id(users[0])}").text
    assert "Streams: 84 in a session, where honest sessions mostly have 3." in html
    assert "Share of plays skipped by hand: 80\N{NO-BREAK SPACE}%" in html
    assert "Cedar south" in html
    assert "6 plays, 6 of them at least 30 s" in html
    assert "Same device: 3 accounts" in html
    assert "Same payment method: 3 accounts" in html


def test_no_page_calls_anybody_a_fraudster(ana: Browser, users: list[str]) -> None:
    for path in (*PAGES, f"/cases/{case_id(users[0])}"):
        assert "fraudster" not in ana.client.get(path).text.lower()


def test_a_blind_case_hides_score_reasons_and_money_until_it_is_decided(tmp_path: Path) -> None:
    from consumer_viz.dashboard.index.sampling import draw

    blind = next(u for u in (f"b{i}" for i in range(9999)) if draw(u, True, desks.KEY)[0] == "blind")
    desk = make_desk(desks.make_world(tmp_path, [blind]))
    ana = Browser(desk)
    pages = [f"/queue/panel/{case_id(blind)}", f"/cases/{case_id(blind)}", "/queue?tab=sample"]
    for path in pages:
        html = ana.client.get(path).text
        assert "Streams: 84" not in html
        assert "€0.7" not in html
        assert 'class="flagged"' not in html
    assert ana.client.get(f"/cases/{case_id(blind)}/pack.zip").status_code == 409
    assert ",0.95," not in ana.client.get("/queue.csv?tab=sample").text
    assert ana.confirm(blind).status_code == 200
    assert "Streams: 84" in ana.client.get(pages[1]).text
    [decision] = desk.store.all()
    assert (decision.drawn_by, decision.draw_probability) == ("blind", 1.0)


def test_a_random_share_of_the_unflagged_goes_to_review_with_its_probability(tmp_path: Path) -> None:
    from consumer_viz.dashboard.index.sampling import draw

    lucky = next(u for u in (f"r{i}" for i in range(9999)) if draw(u, False, desks.KEY)[0] == "random")
    world = World(tmp_path / "tiny")
    desks.commit(world, "sessions", desks.sessions([lucky, "honest1"], flagged=False))
    desk = make_desk(world)
    assert [case.user_id for case in desk.cases.queue("sample", 9)] == [lucky]
    ana = Browser(desk)
    ana.send(lucky, ana.form(lucky), verdict="confirm", reason="velocity")
    assert (desk.store.all()[0].drawn_by, desk.store.all()[0].draw_probability) == ("random", 0.015)
    assert "accounts missed, estimated</dt><dd>67" in ana.client.get("/quality").text


def test_the_evidence_pack_holds_what_the_decision_was_based_on(ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0], note="stops at 31 s")
    content = ana.client.get(f"/cases/{case_id(users[0])}/pack.zip").content
    packed = zipfile.ZipFile(io.BytesIO(content))
    names = {name.partition("/")[2] for name in packed.namelist()}
    assert names == {"report.html", "case.json", "sessions.csv", "plays.csv", "verdicts.csv", "attempts.csv",
                     "bars.svg", "gaps.svg", "clock.svg", "timeline.svg"}  # fmt: skip
    assert len(packed.read(f"{case_id(users[0])}/plays.csv").splitlines()) == 7
    assert "suspicion, not proof" in packed.read(f"{case_id(users[0])}/report.html").decode()
    assert orjson.loads(packed.read(f"{case_id(users[0])}/case.json"))["account"]["country"] == "AU"


def test_a_fault_of_one_page_is_said_on_it_and_the_others_go_on(
    ana: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(n: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.cases, "suspect_tracks", broken)
    client = TestClient(ana.client.app, base_url=HOME, raise_server_exceptions=False)
    client.get(f"/?token={TOKEN}")
    answer = client.get("/live")
    assert answer.status_code == 500
    assert "This page has a fault" in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert client.get("/queue").status_code == 200


def test_the_health_page_tells_an_idle_job_from_a_silent_one(ana: Browser, desk: Desk) -> None:
    ended = datetime.now(UTC) - timedelta(minutes=10)
    line = {"name": "sessions", "batchId": 3, "timestamp": ended.isoformat(), "batchDuration": 500}
    desk.world.unit.progress.mkdir(parents=True)
    (desk.world.unit.progress / "sessions.jsonl").write_text(json.dumps(line) + "\n")
    counts = FeedCounts()
    desk.feed = CountsFeed(counts)
    assert "nothing has come since" in ana.client.get("/health").text
    counts.add_rows(MessageCounts(PLAYS, int(ended.timestamp()) + 60, 1, 200, 120, 0))
    assert "Batches wait" in ana.client.get("/health").text


def test_an_account_is_found_by_its_id(ana: Browser, users: list[str]) -> None:
    assert ana.client.get("/find", params={"account": users[1]}).url.path == f"/cases/{case_id(users[1])}"
    assert ana.client.get("/find?account=nobody").status_code == 404
