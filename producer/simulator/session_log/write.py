"""Write a session log into a world's folder: the table, the names of its states, and a page on how it was made."""

import shutil
from hashlib import sha256

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.session_log import COLUMNS, FILE, FOLDER, PAD, STATES_FILE
from producer.simulator.output.datasheet import NAME
from producer.simulator.session_log.likelihood import Expected, auc, expect, log_likelihood_ratio
from producer.simulator.session_log.sessions import SessionLog, draw_log
from producer.simulator.session_log.settings import SessionLogScenario
from runtime.command_line import short_path
from runtime.world import World

SHOWN = 3
"""Fraudulent sessions that are printed."""
MAX_SHOWN_STATES = 12
_SHARE, _BEST = "share of fraud    ", "best AUC          "


def simulate_session_log(world: World, scenario: SessionLogScenario) -> list[str]:
    """Draw a log into a world, over the one that was there; return the lines that say what it is."""
    log, expected = draw_log(scenario), expect(scenario)
    folder = world.root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    table = log_table(log, scenario)
    pq.write_table(table, folder / FILE)
    (folder / STATES_FILE).write_bytes(orjson.dumps([PAD, *scenario.states], option=orjson.OPT_INDENT_2) + b"\n")
    lines = _lines(log, scenario, expected)
    (folder / NAME).write_text(_page(scenario, lines, sha256((folder / FILE).read_bytes()).hexdigest()))
    made = f"world {world.name}: {len(table):,} sessions of {scenario.users:,} users (seed {scenario.seed}), "
    made += f"shape ({len(table)}, {len(COLUMNS)}), in {short_path(folder / FILE)}"
    return [made, *lines, *_examples(log, scenario)]


def log_table(log: SessionLog, scenario: SessionLogScenario) -> pa.Table:
    """Return a log as the table of `contracts.session_log`."""
    states = pa.array(scenario.states).take(pa.array(log.sequences.state.astype(np.int32)))
    activity = pa.ListArray.from_arrays(pa.array(log.sequences.first.astype(np.int32)), states)
    columns = (log.user, log.day, log.number, activity, log.role, log.is_bad_user, log.fraud)
    arrays = [column if isinstance(column, pa.Array) else pa.array(column.astype(np.int32)) for column in columns]
    return pa.table(dict(zip((c.name for c in COLUMNS), arrays, strict=True)))


def _lines(log: SessionLog, scenario: SessionLogScenario, expected: Expected) -> list[str]:
    is_fraud = log.fraud > 0
    measured = auc(log_likelihood_ratio(scenario, log.sequences), is_fraud)
    own = "none to measure in this log" if np.isnan(measured) else f"{measured:.3f} in this log"
    interval = f"{expected.low:.3%} to {expected.high:.3%} in 95 of 100 logs"
    count = int(is_fraud.sum())
    return [
        f"{_SHARE}{expected.fraud:.3%} expected, {interval}; {is_fraud.mean():.3%} in this log ({count:,} sessions)",
        f"{_BEST}{expected.auc:.3f} expected of the chains' own log-likelihood ratio; {own}",
    ]


def _examples(log: SessionLog, scenario: SessionLogScenario) -> list[str]:
    lines = []
    for row in np.flatnonzero(log.fraud)[:SHOWN]:
        codes = log.sequences.state[log.sequences.first[row] : log.sequences.first[row + 1]]
        visited = [scenario.states[code] for code in codes]
        more = [f"… {len(visited)} states"] if len(visited) > MAX_SHOWN_STATES else []
        text = " ".join(visited[:MAX_SHOWN_STATES] + more)
        lines.append(f"fraudulent        user {log.user[row]}, session {log.number[row]}: {text}")
    return lines


def _page(scenario: SessionLogScenario, lines: list[str], checksum: str) -> str:
    shares = "; ".join(f"{key} {', '.join(f'{n} {s:g}' for n, s in getattr(scenario, key).items())}"
                       for key in ("roles", "fraud"))  # fmt: skip
    columns = "\n".join(f"| `{c.name}` | {c.type} | {c.meaning} |" for c in COLUMNS)
    share, best = lines
    return f"""# Session log {scenario.name}: {scenario.users:,} users, days: {scenario.days}, seed {scenario.seed}

Simulated: no person is behind any row. Each session is walked by the Markov chain of its user's role, or of a kind of
fraud: {scenario.bad_user:.1%} of users are bad, and {scenario.bad_session:.1%} of a bad user's sessions are fraudulent.
{shares}.

- Share of fraud: {share.removeprefix(_SHARE)}.
- Best AUC: {best.removeprefix(_BEST)}.

| column | type | meaning |
|---|---|---|
{columns}

The last three are truth. `{STATES_FILE}` has the states by code, after `{PAD}`. SHA-256 of `{FILE}`: {checksum}
"""
