"""A log of sessions: the published generator to its numbers, files of one's own, and what wrong ones are told."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from contracts.session_log import COLUMNS, FILE, FOLDER
from ops.cli import run
from producer.simulator.listeners.activity import CHAINS_FILE
from producer.simulator.scenario import ScenarioError
from producer.simulator.session_log import settings
from producer.simulator.session_log.likelihood import expect, log_likelihood
from producer.simulator.session_log.sessions import draw_log
from producer.simulator.session_log.settings import is_session_log, load_session_log
from producer.simulator.session_log.write import log_table, simulate_session_log
from runtime.world import World

SHIPPED = settings.FOLDER / "markov_small.toml"
OWN = """
users = 30
sessions_per_day = 10
bad_user = 0.5
[roles]
clerk = 1
[fraud]
thief = 0.5
insider = 0.5
[chains.clerk]
start = { read = 0.9, export = 0.1 }
read = { read = 0.5, end = 0.5 }
export = { end = 1 }
[chains.thief]
start = { export = 1 }
export = { export = 0.8, end = 0.2 }
[chains.insider]
start = { read = 1 }
read = { export = 1 }
export = { end = 1 }
"""


@pytest.mark.parametrize(("role", "mean"), [("role_1", 2.05), ("role_2", 1.96), ("fraud", 4.24)])
def test_the_shipped_chains_keep_their_mean_actions(role: str, mean: float) -> None:
    assert load_session_log("markov_small").chains[role].mean_actions == pytest.approx(mean, abs=0.005)


def test_the_shipped_log_promises_its_share_of_fraud_and_its_auc() -> None:
    expected = expect(load_session_log("markov_small"))
    assert expected.fraud == pytest.approx(0.004)
    assert expected.low < 111 / 40_000 < expected.high  # the published run
    assert expected.auc == pytest.approx(0.990, abs=0.005)


def test_the_table_has_seven_columns_and_each_session_goes_from_start_to_end() -> None:
    scenario = load_session_log("markov_small", seed=3)
    log = draw_log(scenario)
    table = log_table(log, scenario)
    assert table.column_names == [c.name for c in COLUMNS]
    assert table.shape == (40_000, 7)
    frame = table.to_pandas()
    assert (frame["SessionActivity"].str[0] == "start").all()
    assert (frame["SessionActivity"].str[-1] == "end").all()
    inside = frame["SessionActivity"].map(lambda states: set(states[1:-1]) & {"start", "end"})
    assert not inside.any()
    assert frame.groupby("UserID")["UserSessionId"].nunique().eq(200).all()
    assert frame.loc[frame["FraudulentActivity"] > 0, "PotentialFraudster"].eq(1).all()
    assert (frame.groupby("UserID")["UserRole"].first() == 0).mean() == pytest.approx(0.8, abs=0.1)


def test_the_likelihood_is_the_product_of_the_steps() -> None:
    scenario = load_session_log("markov_small", users=3)
    log = draw_log(scenario)
    chain = scenario.chains["role_2"]
    likelihood = log_likelihood(chain, log.sequences)
    for row in (0, 1, len(likelihood) - 1):
        states = log.sequences.state[log.sequences.first[row] : log.sequences.first[row + 1]]
        steps = [chain.matrix[a, b] for a, b in pairwise(states)]
        assert np.exp(likelihood[row]) == pytest.approx(np.prod(steps))


def test_roles_kinds_of_fraud_and_states_may_be_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "my crm.toml"
    path.write_text(OWN)
    assert is_session_log(str(path))
    scenario = load_session_log(str(path), days=2)
    assert scenario.states == ("start", "end", "read", "export")
    lines = simulate_session_log(World(tmp_path / "w"), scenario)
    frame = pq.ParquetFile(tmp_path / "w" / FOLDER / FILE).read().to_pandas()
    assert len(frame) == 30 * 2 * 10
    assert set(frame["FraudulentActivity"]) == {0, 1, 2}
    of_insider = frame[frame["FraudulentActivity"] == 2]["SessionActivity"]
    assert {tuple(states) for states in of_insider} == {("start", "read", "export", "end")}
    assert "10.000% expected" in lines[1]
    again = World(tmp_path / "again")
    simulate_session_log(again, scenario)
    assert (again.root / FOLDER / FILE).read_bytes() == (tmp_path / "w" / FOLDER / FILE).read_bytes()


def test_chains_of_another_file_stand_for_the_scenarios(tmp_path: Path) -> None:
    path = tmp_path / "music.toml"
    path.write_text("users = 5\n[roles]\nlistener = 0.7\nbackground = 0.3\n[fraud]\nscript = 1\n")
    scenario = load_session_log(str(path), CHAINS_FILE)
    assert "licence_request" in scenario.states
    assert expect(scenario).auc > 0.5


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("clerk = 1", "clerk = 0.7", "roles sums to 0.7, expected 1"),
        ("clerk = 1", "clerk = 'all'", "roles.clerk is 'all', expected a share from 0 to 1"),
        ("[roles]\nclerk = 1", "[roles]", "roles is missing: expected a table of shares"),
        ("[fraud]", "[frauds]", "unknown keys frauds; known: roles, fraud, "),
        ("users = 30", "users = 0", "users is 0, expected a whole number, at least 1"),
        ("bad_user = 0.5", "bad_user = 5", "bad_user is 5, expected a share"),
        ("[chains.thief]", "[chains.thieves]", "no chain for thief: expected rows like"),
        (
            "read = { read = 0.5, end = 0.5 }",
            "read = { read = 0.5, end = 0.4 }",
            "clerk: .* row 'read' sums to 0.9",
        ),
        (
            "read = { read = 0.5, end = 0.5 }",
            "read = { read = 1 }",
            "clerk: .* end can't be reached from row 'read'",
        ),
        ("read = { read = 0.5, end = 0.5 }", "read = 1", "clerk: row 'read' is 1, expected a table of probabilities"),
        ("read = 1 }", "read = 'yes' }", "insider: row 'start': read is 'yes', expected a probability"),
        ("start = { export = 1 }", "begin = { export = 1 }", "thief has no row 'start'"),
        ("thief = 0.5", "clerk = 0.5", "a name is both in roles and in fraud"),
        ("users = 30", "states = ['read']", "unknown state 'export'"),
        ("users = 30", "users = ", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = tmp_path / "mine.toml"
    assert old in OWN
    path.write_text(OWN.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=reason) as refused:
        load_session_log(str(path))
    assert "\n" not in str(refused.value)


def test_the_command_writes_a_log_and_refuses_what_it_has_no_use_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["simulate", "--scenario", "markov_small", "--users", "20", "--out", str(tmp_path / "w")]
    assert run([*arguments, "--profile", "field"]) != 0
    assert "has no --profile" in capsys.readouterr().err
    assert run(arguments) == 0
    printed = capsys.readouterr().out
    assert "shape (4000, 7)" in printed
    assert "0.400% expected" in printed
    assert "best AUC          0.99" in printed
    assert (tmp_path / "w" / FOLDER / "DATASHEET.md").exists()
