"""Search: everything by a part of its name or id; a page, not an error, where nothing is found."""

import re
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest

from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser


def hits(ana: Browser, text: str) -> dict[str, int]:
    """Kinds of hits, and how many of each."""
    html = ana.client.get(f"/find?q={quote(text)}").text
    return {kind: int(n) for kind, n in re.findall(r'<h2 id="h-(\w+)">\w+ <span class="badge">(\d+)</span>', html)}


def test_the_only_account_with_this_id_is_opened_at_once(ana: Browser, users: list[str]) -> None:
    assert ana.client.get("/find", params={"q": f" {users[1]} "}).url.path == f"/cases/{case_id(users[1])}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user", {"accounts": 3}),
        (case_id("honest1")[:12], {"accounts": 1}),
        ("SOUTH", {"tracks": 1}),
        ("ater pap", {"artists": 1}),
        ("l", {"labels": 1}),
        ("d1", {"devices": 1}),
        ("x", {"addresses": 1}),
        ("zzz", {}),
        ("%", {}),
        ("_", {}),
        (" ", {}),
        ("\0", {}),
        ("user" * 2500, {}),
        ("' or 1=1 --", {}),
    ],
)
def test_an_id_is_found_by_how_it_begins_and_a_name_by_any_part(
    ana: Browser, text: str, expected: dict[str, int]
) -> None:
    assert hits(ana, text) == expected


def test_where_nothing_is_found_the_page_says_what_was_searched(ana: Browser) -> None:
    answer = ana.client.get("/find?q=zzz")
    assert answer.status_code == 200
    assert "Nothing found for “zzz”" in answer.text
    assert "Searched: accounts 4 · rings 0 · tracks 1 ·" in answer.text


def test_every_hit_leads_to_a_page(state: AppState, ana: Browser, users: list[str]) -> None:
    for text in ("user", "t1", "a1", "l", "d", "x"):
        links = re.findall(r'class="hit" href="([^"]+)"', ana.client.get(f"/find?q={text}").text)
        assert links
        assert [ana.client.get(link.replace("&amp;", "&")).status_code for link in links] == [200] * len(links)
    assert users[0] in ana.client.get("/find/accounts?kind=devices&id=d1").text


def test_capitals_of_any_script_are_found_and_an_account_once_also_by_both_its_ids(tmp_path: Path) -> None:
    world = tiny_world.make_world(tmp_path, ["c-own"])
    played = pd.DataFrame([tiny_world.track("ÉTÉ", "Björk")])
    played.to_parquet(next(world.static("tracks").rglob("*.parquet")))
    ana = Browser(tiny_world.make_state(world))
    assert (hits(ana, "été"), hits(ana, "BJÖRK"), hits(ana, "bjø")) == ({"tracks": 1}, {"artists": 1}, {})
    assert hits(ana, "c-") == {"accounts": 2}
    for halves in ("%ED%A0%80", "%FF", "%00"):  # half of a surrogate pair, a byte of no text, none
        for address in ("find?q", "find/accounts?kind=devices&id", "music/labels?id", "music/labels/report.csv?id"):
            assert ana.client.get(f"/{address}={halves}").status_code in (200, 404)
