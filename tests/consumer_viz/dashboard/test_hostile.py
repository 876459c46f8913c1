"""The fields of an event are text: on every page, in the evidence pack, in a spreadsheet."""

import io
import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from consumer_viz.dashboard.csv_export import to_csv
from consumer_viz.dashboard.index.sampling import case_id
from runtime.desk.spreadsheet import safe_cell
from runtime.world import World
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import PAGES, Browser
from tests.consumer_viz.dashboard.tiny_world import make_state

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
        self.dangerous: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("img", "iframe", "object", "embed", "base"):
            self.dangerous.append(tag)
        is_data = values.get("type") == "application/json"
        if tag == "script" and not is_data and not (values.get("src") or "").startswith("/static/"):
            self.dangerous.append("script")
        self.dangerous += [name for name in values if name.startswith("on")]
        self.dangerous += [v for n, v in attrs if n in ("href", "src", "action") and v and not re.match(r"[/#?]", v)]


def test_hostile_text_in_every_field_shows_as_text_everywhere(tmp_path: Path) -> None:
    hostile = "".join(HOSTILE)
    world = World(tmp_path / "tiny")
    scored = tiny_world.sessions([hostile])
    scored["model_version"] = hostile
    scored["reasons"] = pd.Series([[{"feature": hostile, "value": 1.0, "contribution": 2.0}]])
    scored["track_counts"] = pd.Series([[{"track_id": hostile, "streams": 3}]])
    tiny_world.commit(world, "sessions", scored)
    text = ("play_id", "track_id", "reason_start", "reason_end", "context_type", "context_id", "device_id",
            "device_type", "ip", "country", "network")  # fmt: skip
    tiny_world.commit(world, "plays", tiny_world.plays([hostile, "other"], n=1, **dict.fromkeys(text, hostile)))
    fields = ("plan", "country", "timezone", "age_band", "payment_id")
    accounts = [tiny_world.account(user, **dict.fromkeys(fields, hostile)) for user in (hostile, "other")]
    tiny_world.static(world, "users", pd.DataFrame(accounts))
    tiny_world.static(world, "tracks", pd.DataFrame([tiny_world.track(hostile, hostile) | {"track_id": hostile}]))
    state = make_state(world)
    ana = Browser(state, name=hostile[:40])
    case = f"/cases/{case_id(hostile)}"
    assert ana.confirm(hostile, note=hostile).status_code == 200
    stale = ana.form(hostile) | {"version": "0", "key": "k2"}
    conflict = ana.send(hostile, stale, verdict="dismiss", reason="superfan", note=hostile)
    pages = [ana.client.get(path).text for path in (*PAGES, case, f"/queue/panel/{case_id(hostile)}")]
    archive = zipfile.ZipFile(io.BytesIO(ana.client.get(f"{case}/pack.zip").content))
    report = archive.read(f"{case_id(hostile)}/report.html").decode()
    for html in (*pages, conflict.text, report):
        assert Tags(html).dangerous == []
        assert "\u202e" not in html
    assert "&lt;script&gt;alert(1)" in pages[-2]
    assert json.loads(archive.read(f"{case_id(hostile)}/case.json"))["case"]["user_id"] == hostile


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_no_cell_of_a_csv_is_a_formula(text: str) -> None:
    assert safe_cell(text).startswith("'")


def test_a_csv_with_two_columns_of_one_name_is_not_written() -> None:
    with pytest.raises(ValueError, match="columns have the same name: plays"):
        to_csv(["plays", "score", "plays"], [])


def test_the_export_guards_notes_and_keeps_numbers(ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0], note='=HYPERLINK("x")')
    csv = ana.client.get("/verdicts.csv")
    assert '"\'=HYPERLINK(""x"")"' in csv.text
    assert ",200\r\n" in csv.text
    assert "attachment" in csv.headers["content-disposition"]
