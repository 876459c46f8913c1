"""Queries about one account: its sessions, alerts and daily rows, what it shares with other accounts."""

from typing import Any

import orjson

from consumer_viz.dashboard.index.cases import Cases
from consumer_viz.dashboard.index.queue_lists import IS_HIDDEN
from consumer_viz.dashboard.index.schema import OPEN_ALERT
from consumer_viz.dashboard.index.weeks import STRONGEST

CAMPAIGN_LINK = "suspected campaign"
"""Kind of a link that only a suspicion makes."""
MAX_LINKED = 60
"""Accounts listed under one link."""


class Accounts:
    """Reads what is known of an account; writes nothing."""

    def __init__(self, cases: Cases) -> None:
        self.cases = cases

    def sessions(self, user_id: str) -> list[dict[str, Any]]:
        """Return the account's scored sessions in order of time: columns of table sessions, `reasons` as a list."""
        query = "select * from sessions where user_id = ? order by started_ms"
        with self.cases.index.read() as db:
            rows = [dict(row) for row in db.execute(query, (user_id,))]
        for row in rows:
            row["reasons"] = orjson.loads(row["reasons"]) if row["reasons"] else []
        return rows

    def alerts(self, user_id: str) -> list[dict[str, Any]]:
        """Return the alerts of the account's open sessions, the oldest first: columns of table alerts."""
        query = f"select a.row from alerts a where a.user_id = ? and {OPEN_ALERT} order by a.alerted_at"
        with self.cases.index.read() as db:
            return [orjson.loads(row[0]) for row in db.execute(query, (user_id,))]

    def rule_hits(self, user_id: str) -> list[dict[str, Any]]:
        """Return the rules that the account's sessions meet, those that flag first: one row per version and exemption.

        Columns rule_id, version, state, title, allowed_by, sessions, streams, and `features` of the largest session.
        """
        query = """select rule_id, version, state, title, allowed_by, count(*) as sessions, sum(streams) as total,
            max(streams) as streams, features from rule_hits where user_id = ?
            group by rule_id, version, state, title, allowed_by
            order by state <> 'active' or allowed_by is not null, rule_id, version"""
        with self.cases.index.read() as db:
            return [dict(row) | {"features": orjson.loads(row["features"])} for row in db.execute(query, (user_id,))]

    def rule_days(self, user_id: str) -> list[dict[str, Any]]:
        """Return the account's days and windows that active rules flag, the newest of each rule: rows of rule_days."""
        query = """select row, max(last_day) from rule_days where user_id = ? and flags group by rule_id
            order by rule_id"""
        with self.cases.index.read() as db:
            return [orjson.loads(row[0]) for row in db.execute(query, (user_id,))]

    def row(self, user_id: str) -> dict[str, Any]:
        """Return the account's row of the static table users; every value is None where it has no row."""
        with self.cases.index.read() as db:
            rows = db.execute("select * from users where user_id = ?", (user_id,))
            return dict(rows.fetchone() or dict.fromkeys(column[0] for column in rows.description))

    def daily(self, user_id: str) -> dict[str, Any]:
        """Return the account's flagged `days`, its flagged `campaigns`, its `rank` in the daily ranking, and its weeks.

        `weeks`: the strongest flagged window, if any. `newest_weeks`: the newest windows, the longest first.
        """
        days = "select row from user_days where user_id = ? and is_flagged order by local_date"
        groups = "select c.row from members m join campaigns c using (campaign_key) where m.user_id = ?"
        with self.cases.index.read() as db:
            rank = db.execute("select row from account_risk where user_id = ?", (user_id,)).fetchone()
            windows = [
                (row[0], orjson.loads(row[1]))
                for row in db.execute("select days, row from windows where user_id = ? order by days desc", (user_id,))
            ]
            return {
                "days": [orjson.loads(row[0]) for row in db.execute(days, (user_id,))],
                "campaigns": [orjson.loads(row[0]) for row in db.execute(groups, (user_id,))],
                "rank": orjson.loads(rank[0]) if rank else None,
                "weeks": [row for days, row in windows if days == STRONGEST],
                "newest_weeks": [row for days, row in windows if days != STRONGEST],
            }

    def links(self, user_id: str) -> list[dict[str, Any]]:
        """Return what the account shares: per `kind` the other `accounts`, their `count`, and the number `suspected`.

        Suspected is every account that came into the queue: by a session, a day, weeks or a campaign. One under blind
        review is not named in a campaign, which would show that it is flagged.
        """
        payment = """select 'payment method' as kind, o.user_id from users m join users o using (payment_id)
            where m.user_id = :user and o.user_id <> :user"""
        device = """select 'device' as kind, o.user_id from devices m join devices o using (device_id)
            where m.user_id = :user and o.user_id <> :user"""
        campaign = f"""select '{CAMPAIGN_LINK}' as kind, o.user_id from members m join members o using (campaign_key)
            where m.user_id = :user and o.user_id <> :user"""
        query = f"""select l.kind, l.user_id, c.case_id, c.flagged, c.sessions, c.streams, v.verdict,
            c.drawn_by = 'flag' as is_suspected, {IS_HIDDEN} as is_hidden
            from ({payment} union {device} union {campaign}) l join cases c on c.user_id = l.user_id
            left join verdicts.standing v on v.case_id = c.case_id
            where l.kind <> '{CAMPAIGN_LINK}' or not coalesce({IS_HIDDEN}, 0)
            order by l.kind, iif({IS_HIDDEN}, 0, c.flagged) desc, l.user_id"""
        with self.cases.reading() as db:
            by_kind: dict[str, list[dict[str, Any]]] = {}
            for row in db.execute(query, {"user": user_id}):
                by_kind.setdefault(row["kind"], []).append(dict(row))
        return [
            {"kind": kind, "accounts": accounts[:MAX_LINKED], "count": len(accounts),
             "suspected": sum(a["is_suspected"] or 0 for a in accounts)}
            for kind, accounts in by_kind.items()
        ]  # fmt: skip
