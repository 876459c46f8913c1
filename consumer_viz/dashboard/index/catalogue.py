"""Queries about music: the tracks of an artist or a label, what the daily run said of them, who is suspected."""

from dataclasses import dataclass
from typing import Any

import orjson
import pandas as pd

from consumer_viz.dashboard.index.cases import Cases
from consumer_viz.dashboard.index.queue_lists import IS_SETTLED

COLUMN_OF = {"tracks": "track_id", "artists": "artist_id", "labels": "label_id"}
IN_A_RING, IN_SESSIONS, ON_DAYS = "group of accounts", "suspected sessions", "unusual days or weeks"
REASONS = (IN_A_RING, IN_SESSIONS, ON_DAYS)
"""Why an account is suspected, the first that fits."""


@dataclass(frozen=True, slots=True)
class DailyRisk:
    """What a daily run says of a track: its role, and its streams and suspicious streams on the days it looked at."""

    role: str
    streams: int
    suspicious: int


class Catalogue:
    """Reads tracks and accounts; writes nothing."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def tracks(self, kind: str, entity: str) -> list[dict[str, Any]]:
        """Return rows of the static table tracks: of a track, an artist or a label."""
        query = f"select * from tracks where {COLUMN_OF[kind]} = ? order by title, track_id"
        with self._cases.index.read() as db:
            return [dict(row) for row in db.execute(query, (entity,))]

    def by_id(self, track_ids: set[str]) -> dict[str, dict[str, Any]]:
        """Return the rows of the static table tracks, by track id."""
        with self._cases.index.read() as db:
            query = f"select * from tracks where track_id in ({', '.join('?' * len(track_ids))})"
            return {row["track_id"]: dict(row) for row in db.execute(query, tuple(track_ids))}

    def is_played(self, track_id: str) -> bool:
        """Return whether a flagged session streamed a track, or a hold names it: it may be in no static table."""
        query = """select 1 from suspect_tracks where track_id = :id union all select 1 from verdicts.actions a,
            json_each(cast(a.lines as text)) line where line.value ->> 1 = :id limit 1"""
        with self._cases.reading() as db:
            return bool(db.execute(query, {"id": track_id}).fetchone())

    def roles(self, track_ids: list[str]) -> dict[str, str]:
        """Return the role of tracks in the newest daily run: suspected target, suspected camouflage or unclear."""
        query = f"""select track_id, row from track_risk where track_id in ({", ".join("?" * len(track_ids))})
            order by local_date"""
        with self._cases.index.read() as db:
            return {track: orjson.loads(row)["role"] for track, row in db.execute(query, track_ids)}

    def risk(self, track_ids: list[str]) -> dict[str, DailyRisk]:
        """Return what the newest daily run says of tracks, by track_id."""
        query = f"""select track_id, row from track_risk where track_id in ({", ".join("?" * len(track_ids))})
            order by track_id, local_date"""
        found: dict[str, DailyRisk] = {}
        with self._cases.index.read() as db:
            for track_id, row in db.execute(query, track_ids):
                day, before = orjson.loads(row), found.get(track_id, DailyRisk("", 0, 0))
                found[track_id] = DailyRisk(
                    day["role"] or before.role,
                    before.streams + (day["streams"] or 0),
                    before.suspicious + (day["suspicious_streams"] or 0),
                )
        return found

    def suspect_tracks(self, limit: int) -> list[dict[str, Any]]:
        """Return the tracks with most streams in flagged sessions; `role` is from the daily run, None without one."""
        query = """select s.track_id, sum(s.streams) as streams, count(*) as accounts from suspect_tracks s
            group by s.track_id order by 2 desc, 1 limit ?"""
        with self._cases.index.read() as db:
            rows = [dict(row) for row in db.execute(query, (limit,))]
        ids = [row["track_id"] for row in rows]
        roles, named = self.roles(ids), self.by_id(set(ids))
        return [row | {"role": roles.get(row["track_id"])} | named.get(row["track_id"], {}) for row in rows]

    def last_ms(self) -> int:
        """Return when the newest scored session ended, epoch milliseconds; 0 without one."""
        with self._cases.index.read() as db:
            return int(db.execute("select coalesce(max(ended_ms), 0) from sessions").fetchone()[0])

    def suspected(self) -> pd.DataFrame:
        """Return one row per suspected account: user_id, case_id, reason (of REASONS), verdict.

        An account that was dismissed is not suspected any more; one under blind review is left out until it is decided.
        """
        query = f"""select c.user_id, c.case_id, v.verdict,
                case when exists (select 1 from ring_members m where m.user_id = c.user_id) then '{IN_A_RING}'
                    when c.flagged > 0 then '{IN_SESSIONS}' else '{ON_DAYS}' end as reason
            from cases c left join verdicts.standing v on v.case_id = c.case_id
            where (c.drawn_by = 'flag' or v.verdict = 'confirm')
                and not coalesce(v.verdict = 'dismiss' and {IS_SETTLED}, 0)"""
        with self._cases.reading() as db:
            rows = [tuple(row) for row in db.execute(query)]
        return pd.DataFrame(rows, columns=["user_id", "case_id", "verdict", "reason"])

    def case_ids(self, users: list[str]) -> dict[str, str]:
        """Return the ids of the cases of accounts."""
        query = f"select user_id, case_id from cases where user_id in ({', '.join('?' * len(users))})"
        with self._cases.index.read() as db:
            return {str(user): str(case_id) for user, case_id in db.execute(query, users)}
