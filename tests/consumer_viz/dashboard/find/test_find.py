"""Search: everything by a part of its name or id; a page, not an error, where nothing is found."""

import re
from urllib.parse import quote

import pytest

from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
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
