"""References of cases for readers outside: who knows the ids of accounts can compute those of cases, and not these."""

import hashlib

from consumer_viz.dashboard.decisions.store import VerdictStore

_FIRST = "select case_id, key from decisions where version = 1"


def reference_of(store: VerdictStore, case_id: str) -> str:
    """Return a case's reference, which is drawn with its first decision; empty before that."""
    with store.reading() as db:
        row = db.execute(f"{_FIRST} and case_id = ?", (case_id,)).fetchone()
    return _reference(row[1]) if row else ""


def case_of_reference(store: VerdictStore, reference: str) -> str | None:
    """Return the case that has a reference."""
    if not reference.startswith("n-"):
        return None
    with store.reading() as db:
        return next((case for case, key in db.execute(_FIRST) if _reference(key) == reference), None)


def _reference(key: str) -> str:
    """Return the reference of a decision's random key.

    >>> _reference("a form's key")
    'n-3a42aa7a505e5c83'
    """
    return f"n-{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}"
