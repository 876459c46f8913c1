"""The case index in SQL: its tables, and how an account's case is computed from its sessions."""

import zlib

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
OF_OPEN = """where a.user_id = t.user_id and not a.withdrawn
    and not exists (select 1 from sessions o where o.session_key = a.session_key)"""
"""Which alerts `a` of an account `t` are of a session that is still open: a closed one has its final score."""
OPEN_ALERTS = f"from alerts a {OF_OPEN}"
RULE_FLAG = """exists (select 1 from rule_hits h
    where h.session_key = s.session_key and h.state = 'active' and h.allowed_by is null)"""
"""Whether an active rule flags a session `s`: the allow-list does not let it pass."""
RULE_PROBABILITY = 0.5
"""How likely the queue takes a rule's flag to be right, where the model's score says less: nobody has measured it."""
SUSPECTED = f"(s.is_flagged or {RULE_FLAG})"
SCORE = f"max(s.score, iif({RULE_FLAG}, {RULE_PROBABILITY}, 0))"
UPDATE_CASES = f"""
insert into cases
select user_id, case_of(user_id), drawn(user_id, is_case, top_score), drawn_p(user_id, is_case, top_score), n,
    flagged, streams, coalesce(r_eur, eur), coalesce(r_probability, probability), coalesce(r_priority, risk),
    model_version, last_scored_at, :seq, first_flagged_at
from (
    select t.user_id as user_id, count(s.session_key) as n,
        coalesce(sum({SUSPECTED}), 0) as flagged,
        coalesce(sum(case when {SUSPECTED} then s.streams end), 0) as streams,
        coalesce(sum(case when {SUSPECTED} then s.streams end), 0) * :eur
            + (select coalesce(sum(a.eur), 0) {OPEN_ALERTS}) as eur,
        max(coalesce(max({SCORE}), 0), (select coalesce(max(a.score), 0) {OPEN_ALERTS})) as probability,
        coalesce(sum(case when {SUSPECTED} then s.streams * {SCORE} end), 0) * :eur
            + (select coalesce(sum(a.eur * a.score), 0) {OPEN_ALERTS}) as risk,
        max(s.model_version) as model_version,
        coalesce(max(case when s.is_flagged then s.score end), 0) as top_score,
        nullif(max(coalesce(max(case when {SUSPECTED} then s.scored_at end), ''),
            coalesce((select max(a.alerted_at) {OPEN_ALERTS}), '')), '') as last_scored_at,
        coalesce(min(case when {SUSPECTED} then s.scored_at end), (select min(a.alerted_at) {OPEN_ALERTS}),
            case when exists (select 1 from user_days d where d.user_id = t.user_id and d.is_flagged)
                or exists (select 1 from rule_days r where r.user_id = t.user_id and r.flags)
                or exists (select 1 from windows w where w.user_id = t.user_id and w.is_flagged)
                or exists (select 1 from members m where m.user_id = t.user_id) then :daily_at end
        ) as first_flagged_at,
        r.eur as r_eur, r.probability as r_probability, r.priority as r_priority,
        (coalesce(sum({SUSPECTED}), 0) > 0
            or exists (select 1 from user_days d where d.user_id = t.user_id and d.is_flagged)
            or exists (select 1 from rule_days r where r.user_id = t.user_id and r.flags)
            or exists (select 1 {OPEN_ALERTS})
            or exists (select 1 from windows w where w.user_id = t.user_id and w.is_flagged)
            or exists (select 1 from members m where m.user_id = t.user_id)) as is_case
    from touched t left join sessions s on s.user_id = t.user_id left join account_risk r on r.user_id = t.user_id
    group by t.user_id
) where true
on conflict (user_id) do update set
    seq = case when cases.drawn_by is not excluded.drawn_by then excluded.seq else cases.seq end,
    drawn_by = excluded.drawn_by, draw_probability = excluded.draw_probability, sessions = excluded.sessions,
    flagged = excluded.flagged, streams = excluded.streams, eur = excluded.eur, probability = excluded.probability,
    risk = excluded.risk, model_version = excluded.model_version, last_scored_at = excluded.last_scored_at,
    first_flagged_at = coalesce(cases.first_flagged_at, excluded.first_flagged_at)
"""
FORMAT = zlib.crc32(repr((SCHEMA, UPDATE_CASES, FEATURE_NAMES)).encode()) >> 1
"""Checksum of what the index holds: an index of another format is made again. SQLite keeps 31 bits."""
