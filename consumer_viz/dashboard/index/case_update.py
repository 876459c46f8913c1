"""Compute the cases of some accounts again: what is flagged, what it may cost, how likely it is a bot."""

import sqlite3
import zlib
from collections.abc import Iterable

from consumer_viz.dashboard.index.sampling import AutomaticReview, case_id, draw
from consumer_viz.dashboard.index.schema import FORMAT, UPDATE_CASES
from contracts.verdicts import BLIND_SHARE


class CaseUpdate:
    """What the cases of a world are computed with: `key` draws the accounts that are reviewed at random."""

    def __init__(self, key: bytes, eur_per_stream: float, automatic: AutomaticReview | None) -> None:
        self._key, self._eur_per_stream, self._automatic = key, eur_per_stream, automatic

    @property
    def format(self) -> int:
        """Number of the index's format: one that was made with other values is made again."""
        return (FORMAT ^ zlib.crc32(repr(self._automatic).encode())) >> 1 if self._automatic else FORMAT

    def run(self, db: sqlite3.Connection, users: Iterable[str], seq: int, daily_at: str | None) -> None:
        """Compute the cases of accounts.

        Money at risk is what the flagged streams earn. Where the daily run has ranked the account over all detectors,
        the figures of the daily run are used.
        """
        db.create_function("case_of", 1, case_id, deterministic=True)
        db.create_function("drawn", 3, lambda *of: self._draw(*of)[0], deterministic=True)
        db.create_function("drawn_p", 3, lambda *of: self._draw(*of)[1], deterministic=True)
        db.execute("create temp table if not exists touched (user_id text primary key)")
        db.execute("delete from touched")
        db.executemany("insert or ignore into touched values (?)", ((user,) for user in users))
        # a case whose account was not known has rows again
        db.execute("delete from cases where user_id = case_id and case_id in (select case_of(user_id) from touched)")
        db.execute(UPDATE_CASES, {"eur": self._eur_per_stream, "seq": seq, "daily_at": daily_at})

    def _draw(self, user_id: str, is_flagged: int, top_score: float) -> tuple[str | None, float]:
        is_held = self._automatic is not None and top_score >= self._automatic.score
        share = max(BLIND_SHARE, self._automatic.share) if self._automatic and is_held else BLIND_SHARE
        return draw(user_id, bool(is_flagged), self._key, share)
