"""The verdict store in SQL: decisions and attempts, verdicts on many cases at once, and who works on what.

Rows are only added; leases alone are replaced, as they say who looks at a case now.

`grounds` has the reasons that the page gave when a version was decided: the rows behind them may go by retention.

An action is added in the transaction of the decision that makes it. `action_outbox` says which of them topic `actions`
has; `deliveries` which of them the webhook has, or when it is tried next.

`together` has a row for each verdict on many cases and one for its undo; `together_cases` names its cases, with the
version that it made, or without one where the analyst left the case out. View `left_out`: those exceptions that count.
"""

SCHEMA = """
create table if not exists decisions (
    case_id text not null, version integer not null, user_id text not null, verdict text not null, reason_code text,
    note text, analyst text not null, model_version text, decided_at text not null, step text not null,
    drawn_by text not null, draw_probability real not null, key text not null unique,
    eur real not null, streams integer not null, primary key (case_id, version)
);
create view if not exists standing as select * from decisions d
    where not exists (select 1 from decisions n where n.case_id = d.case_id and n.version = d.version + 1);
create table if not exists outbox (case_id text, version integer, sent_at text, primary key (case_id, version));
create index if not exists unsent on outbox (sent_at) where sent_at is null;
create table if not exists audit (
    at text not null, analyst text not null, step text not null, case_id text not null, seen_version integer not null,
    verdict text, outcome text not null
);
create trigger if not exists decisions_stay before delete on decisions begin select raise(abort, 'append only'); end;
create trigger if not exists decisions_hold before update on decisions begin select raise(abort, 'append only'); end;
create trigger if not exists audit_stays before delete on audit begin select raise(abort, 'append only'); end;
create trigger if not exists audit_holds before update on audit begin select raise(abort, 'append only'); end;
create table if not exists together (
    key text not null, step text not null, ring_id text not null, analyst text not null, at text not null,
    primary key (key, step)
);
create table if not exists together_cases (
    key text not null, case_id text not null, version integer, primary key (key, case_id)
);
create index if not exists together_of on together_cases (case_id);
create view if not exists left_out as select t.ring_id, c.case_id from together_cases c
    cross join together t on t.key = c.key and t.step = 'decide'
    where c.version is null and not exists (select 1 from together u where u.key = c.key and u.step = 'undo');
create table if not exists leases (
    subject text primary key, analyst text not null, page text not null, taken_at text not null,
    renewed_at text not null
);
create table if not exists assignments (
    subject text not null, version integer not null, step text not null, assignee text, hold_until text,
    is_escalated integer not null, note text, analyst text not null, at text not null, primary key (subject, version)
);
create view if not exists work as select * from assignments a
    where not exists (select 1 from assignments n where n.subject = a.subject and n.version = a.version + 1);
create trigger if not exists together_stays before delete on together begin select raise(abort, 'append only'); end;
create trigger if not exists together_holds before update on together begin select raise(abort, 'append only'); end;
create trigger if not exists assigned_stays before delete on assignments begin select raise(abort, 'append only'); end;
create trigger if not exists assigned_holds before update on assignments begin select raise(abort, 'append only'); end;
create table if not exists actions (
    action_id text primary key, case_id text not null, sequence integer not null, user_id text not null,
    action text not null, cause text not null, reason text not null, verdict_version integer, ends text,
    created_at text not null, expires_at text, lines blob not null, unique (case_id, sequence)
);
create view if not exists held as select * from actions a where a.action = 'hold'
    and not exists (select 1 from actions n where n.case_id = a.case_id and n.sequence = a.sequence + 1);
create table if not exists action_outbox (action_id text primary key, sent_at text);
create index if not exists unsent_actions on action_outbox (sent_at) where sent_at is null;
create table if not exists deliveries (
    action_id text primary key, tries integer not null, next_at text, delivered_at text, dead_at text, error text
);
create index if not exists due_deliveries on deliveries (next_at) where next_at is not null;
create trigger if not exists actions_stay before delete on actions begin select raise(abort, 'append only'); end;
create trigger if not exists actions_hold before update on actions begin select raise(abort, 'append only'); end;
create table if not exists grounds (
    case_id text not null, version integer not null, lines text not null, primary key (case_id, version)
);
create trigger if not exists grounds_stay before delete on grounds begin select raise(abort, 'append only'); end;
create trigger if not exists grounds_hold before update on grounds begin select raise(abort, 'append only'); end;
create table if not exists handled (
    subject text not null, key text primary key, analyst text not null, verdict text not null, at text not null,
    seconds real not null
);
"""
