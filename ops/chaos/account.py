"""What the reconciliation says after a run: rows that are lost, there twice, wrong, still open or not read."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from ops.errors import StackError
from ops.stack.child_process import last_line
from runtime.command_line import playproof


def read_account(environment: Mapping[str, str]) -> dict[str, Any]:
    """Reconcile an environment's world; return the account, with or without faults. Raises StackError without one."""
    command = playproof("reconcile", "--json")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        account: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise StackError(f"the reconciliation failed: {last_line(done)}") from None
    return account


def faults_at_the_end(account: Mapping[str, Any]) -> list[str]:
    """Say what is wrong in a world that is read to its end, the flush that closes all sessions included; phrases.

    To the reconciliation an open row is no fault, nor is a row that the archive has not come to: a job may be at work.
    """
    faults = list(account["faults"])
    topics = account["topics"]
    if not any(rows["sent"] for rows in topics.values()):
        faults.append("no rows were sent")
    for topic, rows in topics.items():
        not_archived = rows["sent"] - rows["rejected"] - account["archived"][topic]
        if rows["open"]:
            faults.append(f"{rows['open']:,} rows of {topic} are still open, or were not read")
        elif not_archived > 0 and not rows["lost"]:
            faults.append(f"{not_archived:,} rows of {topic} are not archived")
    return faults


def summary(account: Mapping[str, Any], faults: Sequence[str]) -> dict[str, Any]:
    """Return what the reconciliation says of rows lost and open, sessions that are there twice, and what is wrong.

    `faults` are the account's, and what else must not be at the end of the caller's run.

    >>> topics = {"plays": {"sent": 9, "lost": 0, "open": 0}, "activity": {"sent": 7, "lost": 1, "open": 3}}
    >>> counts = {"duplicated": 0, "missing": 1, "wrong": 0, "wrongly_rejected": 0}
    >>> account = {"topics": topics, "sessions": 3, "faults": ["1 rows of activity are lost"], **counts}
    >>> found = summary(account, account["faults"])
    >>> found["lost"], found["open"], found["reconciliation"]
    (1, 3, ['1 rows of activity are lost'])
    """
    topics = account["topics"].values()
    return {
        "rows": sum(topic["sent"] for topic in topics),
        "sessions": account["sessions"],
        "lost": sum(topic["lost"] for topic in topics),
        "open": sum(topic["open"] for topic in topics),
        "duplicated": account["duplicated"],
        "wrong": account["missing"] + account["wrong"] + account["wrongly_rejected"],
        "reconciliation": list(faults),
    }


def outcome_line(results: Mapping[str, Any]) -> str:
    """Return what a summary shows of the account.

    >>> outcome_line({"lost": 0, "open": 1200, "duplicated": 0, "wrong": 0})
    'lost 0, open 1,200, duplicated 0, wrong 0'
    """
    return ", ".join(f"{name} {results[name]:,}" for name in ("lost", "open", "duplicated", "wrong"))


def restarts_line(restarts: Mapping[str, int]) -> str:
    """Return what a summary shows of processes that did not outlive the failure of another one.

    >>> restarts_line({"replay": 2, "job": 1}), restarts_line({})
    ('ended by an error and started again: job 1, replay 2', 'no other process ended by an error')
    """
    counts = ", ".join(f"{name} {count}" for name, count in sorted(restarts.items()))
    return f"ended by an error and started again: {counts}" if counts else "no other process ended by an error"
