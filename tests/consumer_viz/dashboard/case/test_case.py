"""Page Case: reasons, evidence, export, blind reviews."""

import csv
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import orjson
import pandas as pd

from consumer_viz.dashboard.index.accounts import CAMPAIGN_LINK
from consumer_viz.dashboard.index.sampling import case_id, draw
from contracts.features import FEATURE_NAMES
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.rings_world import campaign
from tests.consumer_viz.dashboard.tiny_world import make_state


def test_a_case_shows_why_in_words_with_what_is_usual(ana: Browser, users: list[str]) -> None:
    html = ana.client.get(f"/cases/{case_id(users[0])}").text
    assert "84 streams in a suspected session; nine in ten honest sessions: 3" in html
    assert "80\N{NO-BREAK SPACE}% of plays ended with the skip button in a suspected session" in html
    assert "Cedar south" in html
    assert "6 plays, 6 of them at least 30 s" in html
    assert "Same device: 3 accounts" in html
    assert "Same payment method: 3 accounts" in html


def test_the_case_of_an_account_that_is_in_no_static_table_says_what_is_not_known(
    tmp_path: Path, users: list[str]
) -> None:
    world = tiny_world.make_world(tmp_path, users[:1])
    shutil.rmtree(world.static("users"))
    ana = Browser(make_state(world))
    page = ana.client.get(f"/cases/{case_id(users[0])}")
    assert page.status_code == 200
    assert "country not known · plan not known" in page.text
    assert "signed up" not in page.text


def test_a_flag_of_a_model_that_gives_no_reasons_says_so_in_case_and_queue(tmp_path: Path, users: list[str]) -> None:
    world = tiny_world.make_world(tmp_path, users[:1], reasons=None, model_version="my_model@12345678")
    ana = Browser(make_state(world))
    html = ana.client.get(f"/cases/{case_id(users[0])}").text
    assert "Flagged by my_model@12345678 with a score of 0.95: it gives no reasons" in html
    assert "It was not flagged." not in html
    assert "score 0.95, no reasons" in ana.client.get("/queue").text


def test_a_blind_case_hides_score_reasons_and_money_until_it_is_decided(tmp_path: Path) -> None:
    blind = next(u for u in (f"b{i}" for i in range(9999)) if draw(u, True, tiny_world.KEY)[0] == "blind")
    state = make_state(tiny_world.make_world(tmp_path, [blind]))
    ana = Browser(state)
    pages = [f"/queue/panel/{case_id(blind)}", f"/cases/{case_id(blind)}", "/queue?tab=sample"]
    for path in pages:
        html = ana.client.get(path).text
        assert "84 streams" not in html
        assert "€0.7" not in html
        assert 'class="flagged"' not in html
    assert ana.client.get(f"/cases/{case_id(blind)}/pack.zip").status_code == 409
    assert ",0.95," not in ana.client.get("/queue.csv?tab=sample").text
    assert ana.confirm(blind).status_code == 200
    assert "84 streams" in ana.client.get(pages[1]).text
    [decision] = state.store.all()
    assert (decision.drawn_by, decision.draw_probability) == ("blind", 1.0)


def test_the_evidence_pack_holds_what_the_decision_was_based_on(ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0], note="stops at 31 s")
    content = ana.client.get(f"/cases/{case_id(users[0])}/pack.zip").content
    archive = zipfile.ZipFile(io.BytesIO(content))
    names = {name.partition("/")[2] for name in archive.namelist()}
    assert names == {"README.txt", "report.html", "case.json", "sessions.csv", "plays.csv", "verdicts.csv",
                     "attempts.csv", "bars.svg", "gaps.svg", "clock.svg", "timeline.svg"}  # fmt: skip
    assert len(archive.read(f"{case_id(users[0])}/plays.csv").splitlines()) == 7
    assert "suspicion, not proof" in archive.read(f"{case_id(users[0])}/report.html").decode()
    account = orjson.loads(archive.read(f"{case_id(users[0])}/case.json"))["account"]
    assert account["country"] == "AU"
    assert not {"age_band", "payment_id"} & account.keys(), "what no decision needs is passed on to nobody"
    assert '"Cedar south","Water paper"' in archive.read(f"{case_id(users[0])}/plays.csv").decode()
    legend = archive.read(f"{case_id(users[0])}/README.txt").decode()
    assert all(f"  {name}: " in legend for name in FEATURE_NAMES)


def test_the_pack_for_the_artist_names_neither_account_nor_device_nor_analyst(ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0], note="stops at 31 s")
    content = ana.client.get(f"/cases/{case_id(users[0])}/pack.zip?reader=artist").content
    archive = zipfile.ZipFile(io.BytesIO(content))
    text = "\n".join(archive.read(name).decode() for name in archive.namelist())
    for private in (*users, "ana", "d1", "AU", "Australia", case_id(users[0])):
        assert not re.search(rf"\b{private}\b", text + " ".join(archive.namelist())), private
    (reference,) = {name.partition("/")[0] for name in archive.namelist()}
    assert f"Case {reference}" in text
    assert ana.client.get("/find", params={"q": f" {reference}"}).url.path == f"/cases/{case_id(users[0])}"
    assert "Nothing found" in ana.client.get("/find?q=n-0123456789abcdef").text
    assert "Cedar south" in text
    assert "84 streams in a suspected session" in text


def test_the_tables_of_the_pack_have_one_name_per_column_and_times_in_iso_utc(ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0])
    content = ana.client.get(f"/cases/{case_id(users[0])}/pack.zip").content
    archive = zipfile.ZipFile(io.BytesIO(content))
    tables = {
        name.partition("/")[2]: list(csv.reader(io.StringIO(archive.read(name).decode())))
        for name in archive.namelist()
        if name.endswith(".csv")
    }
    for name, (head, *rows) in tables.items():
        assert len(set(head)) == len(head), name
        for row in rows:
            times = [value for column, value in zip(head, row, strict=True) if column.endswith(("_at", "_time"))]
            assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times), (name, times)
    assert "+00:00" not in archive.read(f"{case_id(users[0])}/report.html").decode()
    assert json.loads(archive.read(f"{case_id(users[0])}/case.json"))["made_at"].endswith("Z")


def test_an_account_under_blind_review_shows_nothing_on_anothers_case_also_after_an_undo(
    tmp_path: Path, users: list[str]
) -> None:
    blind = next(u for u in (f"b{i}" for i in range(9999)) if draw(u, True, tiny_world.KEY)[0] == "blind")
    world = tiny_world.make_world(tmp_path, [users[0], blind])  # both use one device and one payment method
    tiny_world.commit(world, "campaigns", pd.DataFrame([campaign("k", [users[0], blind])]))
    state = make_state(world)
    ana = Browser(state)

    def said() -> set[str]:
        links = {link["kind"]: link["accounts"] for link in state.accounts.links(users[0])}
        return {kind for kind, others in links.items() for a in others if a["user_id"] == blind and not a["is_hidden"]}

    assert said() == set()
    ana.confirm(blind)
    assert said() == {"device", "payment method", CAMPAIGN_LINK}
    ana.step(blind, "undo")
    assert state.store.history(case_id(blind))[-1].verdict == "open"
    assert said() == set()
    assert [link["kind"] for link in state.accounts.links(users[0])] == ["device", "payment method"]
