"""The royalty ledger says what the verdict log says, in whatever order and however often the actions arrive."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer_viz.dashboard.decisions.actions import message_of
from consumer_viz.dashboard.decisions.holds import Action, Line, Step, action_after
from consumer_viz.dashboard.decisions.rules import Decision, DecisionError, Draft, Policy, next_decision
from consumer_viz.errors import LedgerError
from consumer_viz.royalties.ledger import LedgerRow, RoyaltyLedger
from consumer_viz.royalties.messages import UnreadableAction, read_action
from contracts import verdicts as v
from contracts.topics import ACTIONS
from tests.contracts.test_golden import sample

NOW = datetime(2025, 3, 3, 12, tzinfo=UTC)
AT = "2025-03-03T12:00:00.000Z"
POLICY = Policy(second_review_eur=100.0)
REASON = {v.CONFIRM: "velocity", v.DISMISS: "superfan", v.NEED_MORE: "more_days"}
Attempt = tuple[str, tuple[str, str], str, float, int]
STEPS = [(v.DECIDE, v.CONFIRM), (v.DECIDE, v.DISMISS), (v.DECIDE, v.NEED_MORE), (v.UNDO, ""), (v.APPEAL, ""),
         (v.UPHOLD, ""), (v.ROLL_BACK, v.DISMISS)]  # fmt: skip
ATTEMPTS = st.tuples(
    st.sampled_from(["one", "two"]), st.sampled_from(STEPS), st.sampled_from(["ana", "ben"]),
    st.sampled_from([1.0, 500.0]), st.integers(1, 3),
)  # fmt: skip
NAMES = count()


@dataclass
class Log:
    """A case's decisions and actions, and what the money of its sessions should be by the decisions alone."""

    case: str
    decisions: list[Decision] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    states: list[tuple[str, frozenset[Line]]] = field(default_factory=lambda: [("never", frozenset())])
    ever: set[Line] = field(default_factory=set)

    def attempt(self, step: str, verdict: str, analyst: str, eur: float, sessions: int) -> None:
        """Take a step as the store does; one that the rules refuse changes nothing."""
        lines = tuple(
            Line(f"{self.case}:{n}", f"t{n % 2}", f"2025-0{1 + n % 2}", n + 1, 3500 * (n + 1)) for n in range(sessions)
        )
        draft = Draft(self.case, "u", step, analyst, len(self.decisions), "k", verdict, REASON.get(verdict), "why",
                      eur=eur, lines=lines)  # fmt: skip
        latest = self.decisions[-1] if self.decisions else None
        try:
            decided = next_decision(draft, latest, self.decisions, AT, POLICY)
        except DecisionError:
            return
        self.decisions.append(decided)
        made = Step(self.case, "u", decided.step, decided.verdict, decided.reason_code, decided.version, AT)
        action = action_after(made, lines, self.actions, 90)
        self.actions += [action] if action else []
        self._expect(decided, frozenset(lines))

    def _expect(self, decided: Decision, lines: frozenset[Line]) -> None:
        state, held = self.states[-1]
        if decided.step == v.UNDO:
            state, held = self.states[-2]
            state = "released" if state == "never" and self.ever else state
        elif decided.verdict == v.CONFIRM and decided.step in (v.DECIDE, v.SECOND):
            state, held = "held", lines
            self.ever |= lines
        elif decided.verdict in (v.DISMISS, v.NEED_MORE) and state == "held":
            state = "restored" if decided.step == v.ROLL_BACK else "released"
        self.states.append((state, held))

    def expected(self) -> dict[tuple[str, str], list[int]]:
        """Return held, released and restored by track and month."""
        sums: dict[tuple[str, str], list[int]] = {}
        state, held = self.states[-1]
        for line in self.ever:
            column = 2 if state == "restored" else 0 if state == "held" and line in held else 1
            sums.setdefault((line.track_id, line.month), [0, 0, 0])[column] += line.eur_micros
        return sums


@settings(max_examples=60)
@given(st.lists(ATTEMPTS, max_size=14), st.data())
def test_any_order_and_any_repetition_gives_the_ledger_of_the_verdict_log(
    tmp_path_factory: pytest.TempPathFactory, attempts: list[Attempt], data: st.DataObject
) -> None:
    logs = {name: Log(name) for name in ("one", "two")}
    for name, (step, verdict), analyst, eur, sessions in attempts:
        logs[name].attempt(step, verdict, analyst, eur, sessions)
    messages = [orjson.dumps(message_of(action)) for log in logs.values() for action in log.actions]
    assert len({orjson.loads(message)["action_id"] for message in messages}) == len(messages)
    again = data.draw(st.lists(st.sampled_from(messages), max_size=5)) if messages else []
    delivered = data.draw(st.permutations([*messages, *again]))
    ledger = RoyaltyLedger(tmp_path_factory.getbasetemp() / f"ledger{next(NAMES)}.sqlite")
    ledger.take(0, enumerate(delivered))
    expected: dict[tuple[str, str], list[int]] = {}
    for log in logs.values():
        for key, values in log.expected().items():
            sums = expected.get(key, [0, 0, 0])
            expected[key] = [a + b for a, b in zip(sums, values, strict=True)]
    assert ledger.rows(NOW) == [LedgerRow(*key, *values) for key, values in sorted(expected.items())]


def test_a_hold_that_has_expired_counts_as_released(tmp_path: Path) -> None:
    ledger, log = RoyaltyLedger(tmp_path / "l.sqlite"), Log("one")
    log.attempt(v.DECIDE, v.CONFIRM, "ana", 1.0, 1)
    ledger.take(0, [(0, orjson.dumps(message_of(log.actions[0])))])
    assert ledger.rows(NOW + timedelta(days=89)) == [LedgerRow("t0", "2025-01", 3500, 0, 0)]
    assert ledger.rows(NOW + timedelta(days=90)) == [LedgerRow("t0", "2025-01", 0, 3500, 0)]


def test_what_is_unreadable_is_kept_apart_and_the_ledger_goes_on(tmp_path: Path) -> None:
    good = sample(ACTIONS)
    bad = [None, b"{", b"[]", orjson.dumps(good | {"sequence": "2"}), orjson.dumps(good | {"action": "fine"}),
           orjson.dumps(good | {"expires_at": "soon"}), orjson.dumps(good | {"expires_at": None}),
           orjson.dumps(good | {"lines": [{"track_id": "t"}]})]  # fmt: skip
    ledger = RoyaltyLedger(tmp_path / "l.sqlite")
    assert len(ledger.take(0, enumerate([*bad, orjson.dumps(good)]))) == 1
    assert (ledger.unreadable(), ledger.next_offset(0)) == (len(bad), len(bad) + 1)
    assert [row.held for row in ledger.rows(NOW)] == [294000]
    with pytest.raises(UnreadableAction, match="has no zone"):
        read_action(orjson.dumps(good | {"created_at": "2025-03-03T12:00:00"}))


def test_a_file_that_is_no_ledger_is_named_and_left(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    path.write_text("this is text, and longer than the head of an SQLite file would be " * 4)
    with pytest.raises(LedgerError, match="--ledger"):
        RoyaltyLedger(path)
    assert path.read_text().startswith("this is text")


def test_a_ledger_that_was_cut_is_named_by_a_reader_that_had_it_open(tmp_path: Path) -> None:
    ledger = RoyaltyLedger(tmp_path / "l.sqlite")
    ledger.take(0, [(0, orjson.dumps(sample(ACTIONS)))])
    ledger.path.write_bytes(ledger.path.read_bytes()[:5000])
    with pytest.raises(LedgerError, match=r"l.sqlite cannot be used .* or remove it: topic actions has all"):
        ledger.rows(NOW)
