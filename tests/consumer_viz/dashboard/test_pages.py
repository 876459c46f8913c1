"""Every page shows what the tables hold, as text, to whoever came with the token, and to nobody else."""

import io
import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.desk import Desk
from consumer_viz.dashboard.drawing import case_id
from consumer_viz.dashboard.export import cell
from contracts.world import World
from tests.consumer_viz.dashboard import desks
from tests.consumer_viz.dashboard.analyst import HOME, Browser
from tests.consumer_viz.dashboard.desks import TOKEN, make_desk

PAGES = ("/live", "/queue", "/queue?tab=sample", "/queue?tab=waiting", "/queue?tab=decided", "/quality", "/models",
         "/health")  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "</script><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "\u202egnp.exe\u2066",
    '=HYPERLINK("http://127.0.0.1","x")',
    "../../etc/passwd\x00",
    "]]><!--",
)


class Tags(HTMLParser):
    """Collects what a browser would take for a tag or an attribute that runs something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("img", "iframe", "object", "embed", "base"):
            self.found.append(tag)
        is_data = values.get("type") == "application/json"
        if tag == "script" and not is_data and not (values.get("src") or "").startswith("/static/"):
            self.found.append("script")
        self.found += [name for name in values if name.startswith("on")]
        self.found += [v for n, v in attrs if n in ("href", "src", "action") and v and not re.match(r"[/#?]", v)]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_whoever_came_with_the_token(ana: Browser, path: str):
    answer = ana.client.get(path)
    assert answer.status_code == 200
    assert "<h1>" in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/events", "/verdicts.csv", "/live/data", "/cases/c-0/pack.zip"])
def test_no_page_answers_without_token_or_cookie(desk: Desk, path: str):
    answer = TestClient(create_app(desk), base_url=HOME).get(path)
    assert answer.status_code == 403
    assert "make dash" in answer.text


def test_a_wrong_token_is_refused_and_the_right_one_leaves_the_address(desk: Desk):
    client = TestClient(create_app(desk), base_url=HOME, follow_redirects=False)
    assert client.get("/queue?token=wrong").status_code == 403
    answer = client.get(f"/queue?tab=sample&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?tab=sample")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "secure" in cookie
    assert "samesite=strict" in cookie


def test_another_name_for_this_machine_is_refused(desk: Desk):
    assert TestClient(create_app(desk), base_url="https://evil.example").get(f"/?token={TOKEN}").status_code == 421


def test_every_answer_forbids_foreign_scripts_and_caching(ana: Browser):
    for path in ("/queue", "/nowhere", "/static/desk.css"):
        headers = ana.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert ana.client.get("/queue").headers["cache-control"] == "no-store"


def test_the_queue_ranks_by_money_at_risk_times_probability(ana: Browser, users: list[str]):
    shown = re.findall(r'data-case="(c-\w+)"', ana.client.get("/queue").text)
    assert shown == [case_id(user) for user in users]


def test_a_case_says_why_in_words_with_what_is_usual(ana: Browser, users: list[str]):
    html = ana.client.get(f"/cases/{case_id(users[0])}").text
    assert "Streams: 84 in a session, where honest sessions mostly have 3." in html
    assert "Share of plays skipped by hand: 80 %" in html
    assert "Cedar south" in html
    assert "6 plays, 6 of them at least 30 s" in html
    assert "Same device: 3 accounts" in html
    assert "Same payment method: 3 accounts" in html


def test_no_page_calls_anybody_a_fraudster(ana: Browser, users: list[str]):
    for path in (*PAGES, f"/cases/{case_id(users[0])}"):
        assert "fraudster" not in ana.client.get(path).text.lower()


def test_a_blind_case_hides_score_reasons_and_money_until_it_is_decided(tmp_path: Path):
    from consumer_viz.dashboard.drawing import draw

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


def test_a_random_share_of_the_unflagged_goes_to_review_with_its_probability(tmp_path: Path):
    from consumer_viz.dashboard.drawing import draw

    lucky = next(u for u in (f"r{i}" for i in range(9999)) if draw(u, False, desks.KEY)[0] == "random")
    world = World(tmp_path / "tiny")
    desks.commit(world, "sessions", desks.sessions([lucky, "honest1"], flagged=False))
    desk = make_desk(world)
    assert [case.user_id for case in desk.cases.queue("sample", 9)] == [lucky]
    ana = Browser(desk)
    ana.send(lucky, ana.form(lucky), verdict="confirm", reason="velocity")
    assert (desk.store.all()[0].drawn_by, desk.store.all()[0].draw_probability) == ("random", 0.015)
    assert "accounts missed, estimated</dt><dd>67" in ana.client.get("/quality").text


def test_hostile_text_in_every_field_shows_as_text_everywhere(tmp_path: Path):
    hostile = "".join(HOSTILE)
    world = World(tmp_path / "tiny")
    scored = desks.sessions([hostile])
    scored["model_version"] = hostile
    scored["reasons"] = [[{"feature": hostile, "value": 1.0, "contribution": 2.0}]]
    scored["track_counts"] = [[{"track_id": hostile, "streams": 3}]]
    desks.commit(world, "sessions", scored)
    text = ("play_id", "track_id", "reason_start", "reason_end", "context_type", "context_id", "device_id",
            "device_type", "ip", "country", "network")  # fmt: skip
    desks.commit(world, "plays", desks.plays([hostile, "other"], n=1, **dict.fromkeys(text, hostile)))
    fields = ("plan", "country", "timezone", "age_band", "payment_id")
    accounts = [desks.account(user, **dict.fromkeys(fields, hostile)) for user in (hostile, "other")]
    desks.static(world, "users", pd.DataFrame(accounts))
    desks.static(world, "tracks", pd.DataFrame([desks.track(hostile, hostile) | {"track_id": hostile}]))
    desk = make_desk(world)
    ana = Browser(desk, name=hostile[:40])
    case = f"/cases/{case_id(hostile)}"
    assert ana.confirm(hostile, note=hostile).status_code == 200
    stale = ana.form(hostile) | {"version": "0", "key": "k2"}
    conflict = ana.send(hostile, stale, verdict="dismiss", reason="superfan", note=hostile)
    pages = [ana.client.get(path).text for path in (*PAGES, case, f"/queue/panel/{case_id(hostile)}")]
    packed = zipfile.ZipFile(io.BytesIO(ana.client.get(f"{case}/pack.zip").content))
    report = packed.read(f"{case_id(hostile)}/report.html").decode()
    for html in (*pages, conflict.text, report):
        assert Tags(html).found == []
        assert "\u202e" not in html
    assert "&lt;script&gt;alert(1)" in pages[-2]
    assert json.loads(packed.read(f"{case_id(hostile)}/case.json"))["case"]["user_id"] == hostile


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_no_cell_of_a_csv_is_a_formula(text: str):
    assert cell(text).startswith("'")


def test_the_export_guards_notes_and_keeps_numbers(ana: Browser, users: list[str]):
    ana.confirm(users[0], note='=HYPERLINK("x")')
    csv = ana.client.get("/verdicts.csv")
    assert '"\'=HYPERLINK(""x"")"' in csv.text
    assert ",200\r\n" in csv.text
    assert "attachment" in csv.headers["content-disposition"]


def test_the_evidence_pack_holds_what_the_decision_was_based_on(ana: Browser, users: list[str]):
    ana.confirm(users[0], note="stops at 31 s")
    content = ana.client.get(f"/cases/{case_id(users[0])}/pack.zip").content
    packed = zipfile.ZipFile(io.BytesIO(content))
    names = {name.partition("/")[2] for name in packed.namelist()}
    assert names == {"report.html", "case.json", "sessions.csv", "plays.csv", "verdicts.csv", "attempts.csv",
                     "bars.svg", "gaps.svg", "clock.svg", "timeline.svg"}  # fmt: skip
    assert len(packed.read(f"{case_id(users[0])}/plays.csv").splitlines()) == 7
    assert "suspicion, not proof" in packed.read(f"{case_id(users[0])}/report.html").decode()
    assert orjson.loads(packed.read(f"{case_id(users[0])}/case.json"))["account"]["country"] == "AU"


def test_an_account_is_found_by_its_id(ana: Browser, users: list[str]):
    assert ana.client.get("/find", params={"account": users[1]}).url.path == f"/cases/{case_id(users[1])}"
    assert ana.client.get("/find?account=nobody").status_code == 404
