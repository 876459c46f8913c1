"""Who works on what: leases across processes and clocks, assignment, hold, escalation, age."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consumer_viz.dashboard.decisions.assignments import ASSIGN, HOLD, change_assignment, known_analysts
from consumer_viz.dashboard.decisions.leases import LEASE_S, live_leases, release_leases, take_lease
from consumer_viz.dashboard.decisions.rules import InvalidDecision
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.events.event_stream import EventStream, Subscriber
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.rings_world import make_ring_world, ring_users
from tests.consumer_viz.dashboard.tiny_world import make_state


@dataclass
class Clock:
    """A clock that is set."""

    now: datetime = datetime(2025, 3, 3, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desks(tmp_path: Path, clock: Clock) -> tuple[VerdictStore, VerdictStore]:
    """Two desk processes over one file."""
    return VerdictStore(tmp_path / "v.sqlite", clock), VerdictStore(tmp_path / "v.sqlite", clock)


def test_a_lease_is_seen_by_the_other_desk_and_ends_ten_minutes_after_the_last_look(
    desks: tuple[VerdictStore, VerdictStore], clock: Clock
) -> None:
    one, other = desks
    take_lease(one, "c-1", "ana", "page1")
    assert take_lease(other, "c-1", "ben", "page2").analyst == "ana"
    clock.move(seconds=LEASE_S - 1)
    take_lease(one, "c-1", "ana", "page1")
    clock.move(seconds=LEASE_S - 1)
    assert live_leases(other) == {"c-1": "ana"}
    clock.move(seconds=1)
    assert live_leases(other) == {}
    assert take_lease(other, "c-1", "ben", "page2").analyst == "ben"


def test_a_lease_can_be_taken_over_and_a_page_has_one_at_a_time(desks: tuple[VerdictStore, VerdictStore]) -> None:
    one, other = desks
    take_lease(one, "c-1", "ana", "page1")
    assert take_lease(other, "c-1", "ben", "page2", take_over=True).analyst == "ben"
    assert take_lease(one, "c-1", "ana", "page1").analyst == "ben"
    take_lease(other, "c-2", "ben", "page2")
    assert live_leases(one) == {"c-2": "ben"}
    release_leases(other, "page2")
    assert live_leases(one) == {}


def test_a_clock_that_is_set_back_does_not_make_a_lease_longer(
    desks: tuple[VerdictStore, VerdictStore], clock: Clock
) -> None:
    one, other = desks
    take_lease(one, "c-1", "ana", "page1")
    clock.move(hours=-5)
    assert take_lease(other, "c-1", "ben", "page2").analyst == "ben"
    clock.move(hours=9)
    assert live_leases(one) == {}


def test_the_names_to_assign_are_those_who_decided_have_been_assigned_or_look_now(
    desks: tuple[VerdictStore, VerdictStore], clock: Clock
) -> None:
    one, other = desks
    take_lease(one, "c-1", "who only looked and left", "page1")
    change_assignment(one, "c-1", ASSIGN, "ana", 0, "ben")
    clock.move(seconds=LEASE_S)
    take_lease(other, "c-2", "cleo", "page2")
    assert known_analysts(one) == ["ben", "cleo"]


def test_an_assignment_that_somebody_changed_in_between_is_not_overwritten(
    desks: tuple[VerdictStore, VerdictStore],
) -> None:
    one, other = desks
    change_assignment(one, "c-1", ASSIGN, "ana", 0, "ben")
    with pytest.raises(InvalidDecision, match="ana changed this in between"):
        change_assignment(other, "c-1", ASSIGN, "cleo", 0, "cleo")
    with pytest.raises(InvalidDecision, match="a day to come: 2025-03-03 is not"):
        change_assignment(other, "c-1", HOLD, "cleo", 1, "2025-03-03")
    with pytest.raises(InvalidDecision, match="choose the day"):
        change_assignment(other, "c-1", HOLD, "cleo", 1, "soon")


@pytest.fixture
def team(state: AppState, clock: Clock) -> AppState:
    state.store._now = clock
    return state


def change(who: Browser, subject: str, **values: str) -> str:
    fields = who.fields(f"/cases/{subject}" if subject.startswith("c-") else f"/rings/{subject}")
    with_version = {"csrf": fields["csrf"], "version": values.pop("version", "0")}
    return str(who.client.post(f"/team/{subject}", data=with_version | values, headers={"hx-request": "true"}).text)


def test_a_case_on_hold_waits_until_its_day(team: AppState, ana: Browser, users: list[str], clock: Clock) -> None:
    subject = case_id(users[0])
    assert "Held until <b>2025-03-05</b>" in change(ana, subject, step="hold", until="2025-03-05", note="more days")
    assert (team.cases.counts()["suspected"], team.cases.counts()["waiting"]) == (len(users) - 1, 1)
    assert "until 2025-03-05" in ana.client.get("/queue?tab=waiting").text
    clock.move(days=2)
    assert (team.cases.counts()["suspected"], team.cases.counts()["waiting"]) == (len(users), 0)


def test_what_is_assigned_or_escalated_has_a_list_with_the_escalated_first(
    team: AppState, ana: Browser, ben: Browser, users: list[str]
) -> None:
    change(ana, case_id(users[0]), step="assign", assignee="ben")
    change(ben, case_id(users[2]), step="escalate")
    shown = [case.user_id for case in team.cases.queue("assigned", 9)]
    assert shown == [users[2], users[0]]
    html = ben.client.get("/queue?tab=assigned").text
    assert ">for ben</span>" in html
    assert ">escalated</span>" in html
    ben.confirm(users[0])
    change(ben, case_id(users[2]), step="release", version="1")
    assert team.cases.counts()["assigned"] == 0


def test_a_ring_is_held_and_assigned_as_one(tmp_path: Path, clock: Clock) -> None:
    state = make_state(make_ring_world(tmp_path, 4), clock)
    ana, [ring] = Browser(state), state.rings.of_account(ring_users(4)[0])
    change(ana, ring["ring_id"], step="hold", until="2025-04-01")
    assert (state.cases.counts()["suspected"], state.cases.counts()["waiting"]) == (2, 1)
    assert "Ring of 4 accounts" in ana.client.get("/queue?tab=waiting").text
    change(ana, ring["ring_id"], step="assign", assignee="ben", version="1")
    assert "for ben" in ana.client.get(f"/queue/rows/{ring['ring_id']}").text
    assert state.cases.counts()["assigned"] == 1


def test_open_pages_hear_at_once_who_looks_and_which_rows_changed(
    team: AppState, ana: Browser, ben: Browser, users: list[str]
) -> None:
    subject = case_id(users[0])
    events, page = EventStream(team), Subscriber("queue", 0)
    events._subscribers.add(page)
    csrf = {"csrf": ben.fields("/queue")["csrf"], "page": "p"}
    assert ben.client.post(f"/leases/{subject}", data=csrf).json() == {"analyst": "ben", "is_mine": True}
    ben.confirm(users[1])
    events._tick()
    sent = [page.queue.get_nowait() for _ in range(page.queue.qsize())]
    by_name = {m.split(b"\n")[0].removeprefix(b"event: ").decode(): json.loads(m.split(b"data: ")[1]) for m in sent}
    assert by_name["leases"] == {subject: "ben"}
    assert by_name["rows"] == [case_id(users[1])]
    assert ben.client.post("/leases", data=csrf).status_code == 204
    assert live_leases(team.store) == {}


def test_the_oldest_flag_comes_first_when_asked(state: AppState, ana: Browser, users: list[str]) -> None:
    with state.index._connect() as db:
        db.execute("update cases set first_flagged_at = '2020-01-01T00:00:00Z' where user_id = ?", (users[2],))
    html = ana.client.get("/queue?order=oldest").text
    assert html.index(case_id(users[2])) < html.index(case_id(users[0]))
    assert " days · overdue</span>" in html


def test_what_is_due_first_comes_first_when_asked(state: AppState, ana: Browser, users: list[str]) -> None:
    """A day for much money, a week for little: the older case of less money is due later."""
    with state.index._connect() as db:
        db.execute(
            "update cases set first_flagged_at = '2025-03-01T00:00:00Z', risk = 1 where user_id = ?", (users[0],)
        )
        db.execute(
            "update cases set first_flagged_at = '2025-03-03T00:00:00Z', risk = 500 where user_id = ?", (users[1],)
        )
    by_age, by_due = (ana.client.get(f"/queue?order={name}").text for name in ("oldest", "due"))
    first, second = case_id(users[0]), case_id(users[1])
    assert by_age.index(f"row-{first}") < by_age.index(f"row-{second}")
    assert by_due.index(f"row-{second}") < by_due.index(f"row-{first}")


def test_the_time_from_opening_a_case_to_its_decision_is_on_page_quality(
    state: AppState, clock: Clock, users: list[str]
) -> None:
    state.store._now = clock
    take_lease(state.store, case_id(users[0]), "ana", "page1")
    clock.move(seconds=42)
    browser = Browser(state)
    browser.confirm(users[0])
    browser.confirm(users[1])  # it was never opened: nothing is known of it
    assert (
        '<th scope="row">ana</th><td class="num">1</td><td class="num">42 s</td>' in browser.client.get("/quality").text
    )
