"""The case index in SQL: its tables, how an account's case is computed from its sessions, how it is opened to read."""

import sqlite3
import zlib
from functools import partial
from pathlib import Path

from contracts.features import FEATURE_NAMES

SCHEMA = """
create table files (path text primary key, part text);
create index files_of on files (part);
create table sessions (
    session_key text primary key, user_id text, started_ms integer, ended_ms integer, scored_at text, plays integer,
    streams integer, score real, is_flagged integer, reasons blob, model_version text, features blob
);
create index sessions_of on sessions (user_id, started_ms);
create table session_tracks (session_key text primary key, tracks blob) without rowid;
create table cases (
    user_id text primary key, case_id text unique, drawn_by text, draw_probability real, sessions integer,
    flagged integer, streams integer, eur real, probability real, risk real, model_version text, last_scored_at text,
    seq integer, first_flagged_at text
);
create index cases_by_risk on cases (drawn_by, risk desc, case_id);
create index cases_by_age on cases (drawn_by, first_flagged_at, case_id);
create index cases_by_seq on cases (seq) where drawn_by is not null;
create table suspect_tracks (track_id text, user_id text, streams integer, primary key (track_id, user_id))
    without rowid;
create table devices (device_id text, user_id text, primary key (device_id, user_id)) without rowid;
create index devices_of on devices (user_id);
create table addresses (ip text, user_id text, primary key (ip, user_id)) without rowid;
create table users (user_id text primary key, signed_up_on text, plan text, country text, timezone text,
    age_band text, payment_id text);
create index users_by_payment on users (payment_id) where payment_id is not null;
create table tracks (track_id text primary key, title text, artist_id text, artist text, duration_ms integer,
    label_id text);
create index tracks_by_artist on tracks (artist_id);
create index tracks_by_label on tracks (label_id);
create table account_risk (user_id text primary key, priority real, probability real, eur real, row blob);
create table user_days (user_id text, local_date text, is_flagged integer, score real, row blob,
    primary key (user_id, local_date));
create table windows (user_id text, days integer, is_flagged integer, row blob, primary key (user_id, days))
    without rowid;
create table campaigns (campaign_key text primary key, row blob);
create table members (user_id text, campaign_key text, primary key (user_id, campaign_key)) without rowid;
create table rings (ring_id text primary key, row blob);
create table ring_members (user_id text, ring_id text, primary key (user_id, ring_id)) without rowid;
create index members_of_ring on ring_members (ring_id);
create table alerts (session_key text primary key, user_id text, alerted_at text, streams integer, eur real,
    score real, withdrawn integer, row blob);
create index alerts_of on alerts (user_id);
create table track_risk (track_id text, local_date text, row blob, primary key (track_id, local_date));
create table rule_hits (session_key text, rule_id text, version integer, state text, user_id text, title text,
    allowed_by text, is_flagged integer, streams integer, scored_at text, features blob,
    primary key (session_key, rule_id, version)) without rowid;
create table rule_days (user_id text, rule_id text, version integer, last_day text, days integer, flags integer,
    row blob, primary key (user_id, rule_id, version, last_day, days)) without rowid;
create index rule_hits_of on rule_hits (user_id);
create table shadow (session_key text, model_version text, would_flag integer,
    primary key (model_version, session_key)) without rowid;
"""
RULE_FLAG = """exists (select 1 from rule_hits h
    where h.session_key = s.session_key and h.state = 'active' and h.allowed_by is null)"""
"""Whether an active rule flags a session `s`: the allow-list does not let it pass."""
RULE_PROBABILITY = 0.5
"""How likely the queue takes a rule's flag to be right, where the model's score says less: nobody has measured it."""
SUSPECTED = f"(s.is_flagged or {RULE_FLAG})"
OPEN_ALERT = """not a.withdrawn and not exists (select 1 from sessions o where o.session_key = a.session_key)"""
"""Whether an alert `a` is of a session that is still open: a closed one has its final score."""
IS_OF_DAILY = """(exists (select 1 from user_days d where d.user_id = {user} and d.is_flagged)
            or exists (select 1 from rule_days r where r.user_id = {user} and r.flags)
            or exists (select 1 from windows w where w.user_id = {user} and w.is_flagged)
            or exists (select 1 from members m where m.user_id = {user}))"""
"""Whether the days, weeks or ring of a `user` are suspected."""
UPDATE_CASES = f"""
with judged as materialized (
    select s.user_id, s.streams, s.score, s.is_flagged, s.model_version, s.scored_at, {RULE_FLAG} as by_rule
    from touched t cross join sessions s on s.user_id = t.user_id
), of_sessions as materialized (
    select user_id, count(*) as n, sum(is_flagged or by_rule) as flagged,
        sum(iif(is_flagged or by_rule, streams, 0)) as streams,
        max(iif(by_rule, max(score, {RULE_PROBABILITY}), score)) as probability,
        sum(iif(is_flagged or by_rule, streams * iif(by_rule, max(score, {RULE_PROBABILITY}), score), 0)) as risk,
        max(model_version) as model_version, max(iif(is_flagged, score, 0)) as top_score,
        min(iif(is_flagged or by_rule, scored_at, null)) as first_at,
        max(iif(is_flagged or by_rule, scored_at, null)) as last_at
    from judged group by user_id
), of_alerts as materialized (
    select a.user_id, sum(a.eur) as eur, max(a.score) as probability, sum(a.eur * a.score) as risk,
        min(a.alerted_at) as first_at, max(a.alerted_at) as last_at
    from touched t cross join alerts a on a.user_id = t.user_id where {OPEN_ALERT} group by a.user_id
), of_days as materialized (
    select user_id, max(day) as last_day from (
        select d.user_id, d.local_date as day from touched cross join user_days d using (user_id) where d.is_flagged
        union all select r.user_id, r.last_day from touched cross join rule_days r using (user_id)
            where r.flags and r.days = 1
    ) group by user_id
), of_accounts as materialized (
    select t.user_id as user_id, coalesce(s.n, 0) as n, coalesce(s.flagged, 0) as flagged,
        coalesce(s.streams, 0) as streams, coalesce(s.streams, 0) * :eur + coalesce(a.eur, 0) as eur,
        max(coalesce(s.probability, 0), coalesce(a.probability, 0)) as probability,
        coalesce(s.risk, 0) * :eur + coalesce(a.risk, 0) as risk, s.model_version as model_version,
        coalesce(s.top_score, 0) as top_score, a.user_id is not null as is_alerted,
        coalesce(a.eur, 0) as open_eur, coalesce(a.risk, 0) as open_risk,
        coalesce(a.probability, 0) as open_probability,
        coalesce(s.first_at, a.first_at) as first_at,
        nullif(max(coalesce(s.last_at, ''), coalesce(a.last_at, ''), coalesce(d.last_day || 'T00:00:00Z', '')), '')
            as last_at,
        {IS_OF_DAILY.format(user="t.user_id")} as is_of_daily
    from touched t left join of_sessions s using (user_id) left join of_alerts a using (user_id)
        left join of_days d using (user_id)
)
insert into cases
select c.user_id, case_of(c.user_id), drawn(c.user_id, c.flagged or is_alerted or is_of_daily, top_score),
    drawn_p(c.user_id, c.flagged or is_alerted or is_of_daily, top_score), n, flagged, streams,
    coalesce(r.eur + open_eur, c.eur), coalesce(max(r.probability, open_probability), c.probability),
    coalesce(r.priority + open_risk, c.risk), model_version, last_at, :seq,
    coalesce(first_at, iif(is_of_daily, :daily_at, null))
from of_accounts c left join account_risk r using (user_id) where true
on conflict (user_id) do update set
    seq = case when cases.drawn_by is not excluded.drawn_by then excluded.seq else cases.seq end,
    drawn_by = excluded.drawn_by, draw_probability = excluded.draw_probability, sessions = excluded.sessions,
    flagged = excluded.flagged, streams = excluded.streams, eur = excluded.eur, probability = excluded.probability,
    risk = excluded.risk, model_version = excluded.model_version, last_scored_at = excluded.last_scored_at,
    first_flagged_at = coalesce(cases.first_flagged_at, excluded.first_flagged_at)
"""
FORMAT = zlib.crc32(repr((SCHEMA, UPDATE_CASES, FEATURE_NAMES)).encode()) >> 1
"""Checksum of what the index holds: an index of another format is made again. SQLite keeps 31 bits."""


class IndexReader:
    """A read-only connection as a context manager; rows are `sqlite3.Row`."""

    def __init__(self, path: Path) -> None:
        self._open = partial(sqlite3.connect, f"{path.as_uri()}?mode=ro", uri=True, timeout=10)

    def __enter__(self) -> sqlite3.Connection:
        self._db = self._open()
        self._db.row_factory = sqlite3.Row
        return self._db

    def __exit__(self, *_: object) -> None:
        self._db.close()
