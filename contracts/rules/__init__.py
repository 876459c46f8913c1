"""Rules at run time: what one looks at, its states and steps, topic `rules`, and the allow-list.

`data/<world>/rules.sqlite` is the truth; topic `rules` has the versions that run, one message per rule or exemption.
"""

from contracts.column import Column
from contracts.features import SESSION_FEATURES, Feature

SESSION, DAY, WEEKS = "session", "day", "weeks"
GRAINS: dict[str, str] = {
    SESSION: "sessions, in the running job",
    DAY: "an account's days, in the daily run",
    WEEKS: "7 and 28 days of an account, in the daily run",
}
"""What a rule looks at -> in words."""

DRAFT, SHADOW, ACTIVE, ARCHIVED = "draft", "shadow", "active", "archived"
STEPS: dict[str, tuple[str, ...]] = {
    DRAFT: (SHADOW, ARCHIVED),
    SHADOW: (ACTIVE, ARCHIVED),
    ACTIVE: (SHADOW, ARCHIVED),
    ARCHIVED: (),
}
"""State of a version of a rule -> the states that may follow. An archived version is edited as a new one."""
RUNNING = (SHADOW, ACTIVE)
"""States in which a version is evaluated; only an active one flags."""

RULE, ALLOW = "rule", "allow"
ACCOUNT, TRACK = "account", "track"
EXEMPT = (ACCOUNT, TRACK)
"""What the allow-list exempts."""
EXEMPT_STREAM_SHARE = 0.5
"""Share of a session's streams that must be of exempt tracks for the session to be exempt: at least half."""

ID_PATTERN = r"[a-z][a-z0-9-]{1,39}"
"""Of a rule's name: it is part of reasons and commands."""
MAX_TITLE_CHARS, MAX_NOTE_CHARS, MAX_TEXT_CHARS, MAX_NODES, MAX_DEPTH = 80, 1000, 2000, 200, 20
"""Bounds of a rule: its title, the note of a step, its text, and the tree of the text."""
MAX_RUNNING = 200
"""Versions that the job runs at most; the others are refused by name."""

SCORE = Feature("score", "score", "the model's score of the session, in [0, 1]", "score of the model")
SESSION_NAMES: tuple[Feature, ...] = (*SESSION_FEATURES, SCORE)
"""What a rule over sessions may name."""

VERSION = "struct<version:int,state:string,expression:string,author:string,approver:string>"
RULES = (
    Column("rule_id", "string", "name of the rule; of an exemption allow:account:ID or allow:track:ID; the key"),
    Column("kind", "string", "rule or allow"),
    Column("sequence", "bigint", "of the messages of a key, the one with the largest counts; epoch ms of the change"),
    Column("title", "string", "what the rule finds, in words; of an exemption, why"),
    Column("grain", "string", "what it looks at: session, day or weeks; of an exemption: account or track"),
    Column("running", f"array<{VERSION}>", "the versions in shadow or active; empty: none, or an exemption"),
    Column("subject", "string", "of an exemption: the account or track; else empty"),
    Column("until", "string", "of an exemption: its last day (UTC, ISO), a day before it began where it was ended"),
    Column("changed_by", "string", "who changed it"),
    Column("changed_at", "timestamp", "when"),
)
"""A message of topic `rules`: all that runs of one rule, or one exemption."""

RULE_HITS = (
    Column("session_key", "string", "the session"),
    Column("user_id", "string", "its account"),
    Column("rule_id", "string", "the rule that it meets"),
    Column("rule_version", "int", "the version of the rule"),
    Column("state", "string", "of that version in the micro-batch: shadow, or active: it flags"),
    Column("title", "string", "what the rule finds, in words"),
    Column("allowed_by", "string", "the exemption that lets it pass: account:ID or track:ID; null where none does"),
    Column("is_flagged", "boolean", "whether the model flags the session too"),
    Column("streams", "bigint", "streams of the session"),
    Column("features", "array<struct<feature:string,value:double>>", "what the rule names, with its values"),
    Column("scored_at", "timestamp", "when the session was scored"),
)
"""A session that meets a version of a rule: a row of lake/rule_hits."""

RULE_DAYS = (
    Column("user_id", "string", "the account"),
    Column("grain", "string", "what the rule looks at: day or weeks"),
    Column("last_day", "date", "the local day, or the last one of the window"),
    Column("days", "int", "1, or the length of the window"),
    Column("rule_id", "string", "the rule that it meets"),
    Column("rule_version", "int", "the version of the rule"),
    Column("state", "string", "of that version in the daily run: shadow, or active: it flags"),
    Column("title", "string", "what the rule finds, in words"),
    Column("allowed_by", "string", "the exemption that lets it pass: account:ID; null where none does"),
    Column("reasons", "array<string>", "what the rule names, with its values, in words"),
)
"""A day or window of an account that meets a version of a rule: a row of lake/rule_days."""
