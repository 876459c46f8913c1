"""Render the data dictionary from the contracts: `playproof tools data-dictionary > data/README.md`."""

from collections.abc import Iterable, Mapping, Sequence

from contracts import actions, events, rules, session_log, shop, tables, verdicts
from contracts.account_windows import ACCOUNT_WINDOWS
from contracts.column import Column
from contracts.features import SESSION_FEATURES, SUSPICION
from contracts.labels import FAMILIES, HARD_NEGATIVES
from contracts.topics import ACTIONS, ALERTS, FRAUD_COUNTS, RULES, SCORES, TOPICS, VERDICTS

HEADERS = {
    events.HEADER_ROWS: "rows in the message: what an unreadable one is counted as",
    events.HEADER_BATCH: "number of the batch, from 0 in each world",
    events.HEADER_CLOCK_MS: "the sender's event-time clock, epoch ms: rows far from it are rejected",
    events.HEADER_HEARTBEAT: "1 where the message only moves the watermark, else 0",
    events.HEADER_MESSAGE: "the message's place among its topic's messages: a replay goes on from it",
    events.HEADER_RESENT: "of rejected rows sent again: partition:offset:position of each, with blanks between",
}
"""Kafka headers of the topics that a replay writes; values are decimal text, but for the last one."""

ROW_COLUMNS: dict[str, tuple[Column, ...]] = {
    SCORES: tables.SESSIONS,
    ALERTS: tables.ALERTS,
    FRAUD_COUNTS: tables.FRAUD_COUNT_TABLE,
    VERDICTS: verdicts.COLUMNS,
    ACTIONS: actions.COLUMNS,
    RULES: rules.RULES,
}
"""Topics whose row fields mean what the columns of a table mean."""

TRUTH: dict[str, tuple[Column, ...]] = {
    "plays, activity": tables.TRUTH_ROWS,
    "users": tables.TRUTH_USERS,
    "campaigns": tables.TRUTH_CAMPAIGNS,
}

_INTRO = """<!-- Made from contracts/ by  playproof tools data-dictionary > data/README.md ; a test compares. -->
# Data dictionary

A world is one population, its time line, and everything that came of it: `data/<world>/`. In git are this page and
`sample/`, a small world of 80 accounts on one day (`playproof simulate --scenario sample --out data/sample`). Times are
UTC. A column that is null was not measurable or not given; null is never 0.

| folder of a world | holds |
|---|---|
| `raw/<topic>/date=D/` | simulated or imported: the topic's fields except `ts`, typed, sorted by (event_time, id) |
| `import.json` | of an imported world: rows read, taken and rejected, and the features that its source cannot give |
| `scored_sessions/`, `user_days/`, `account_windows/` | tables that batch commands make from raw rows |
| `account_days/` | what accounts' days add up to: `playproof days windows` reads each date of raw rows once |
| `static/<table>/as_of=D/` | immutable static tables; `CURRENT` names the newest |
| `session_log/` | of a world of `--scenario markov_small`: a log of sessions with its labels, and nothing else |
| `truth/` | what the simulator knows: never in a message, a static table or a feature |
| `v<N>/lake/<table>/` | Delta tables (docs/reference/lake.md): `runtime.lake.committed_files` lists what counts |
| `v<N>/{broker,ledger,checkpoints,offsets}` | the rest of that version; `CURRENT` names the N |
"""


def render() -> str:
    """Return the dictionary as Markdown."""
    return "\n".join([_INTRO, *_topics(), *_tables(), *_vocabularies()])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines] + [""]


def _topics() -> list[str]:
    lines = [
        "## Topics",
        "A message of `plays` or `activity` is a JSON list of up to 200 objects, every field a string as it came from",
        "the source, except the integer `ts`; one of the other topics is a JSON object. A checked field that breaks",
        "its rule rejects its row, not its message. Golden samples: `contracts/golden/`.",
        "",
        "A message of `browsing` or `transactions`, the topics of the shop, is such a list too. The type of a field is",
        "the one that its string is cast to. A batch without transactions is the empty list.",
        "",
    ]
    for topic in TOPICS.values():
        lines += [
            f"### Topic `{topic.name}`",
            f"{topic.meaning}; {topic.partitions} partition{'s' * (topic.partitions > 1)}.",
            "",
        ]
        if topic.name in events.FIELDS:
            fields = ([f"`{f.name}`", f.kind, _rule(f), f.meaning] for f in events.FIELDS[topic.name])
            lines += _table(["field", "kind", "rule", "meaning"], fields)
        elif topic.name in shop.TOPICS:
            lines += _table(["field", "type", "values", "meaning"], _shop_fields(topic.name))
        else:
            known = {column.name: column for column in ROW_COLUMNS[topic.name]}
            columns = (known[name] for name in topic.row_fields)
            lines += _table(["field", "type", "meaning"], ([f"`{c.name}`", c.type, c.meaning] for c in columns))
    lines += ["### Headers of `plays`, `activity`, `browsing` and `transactions`"]
    return lines + _table(["header", "meaning"], ([f"`{name}`", meaning] for name, meaning in HEADERS.items()))


def _shop_fields(topic: str) -> list[list[str]]:
    columns = ([f"`{c.name}`", c.type, ", ".join(c.values), c.meaning] for c in shop.COLUMNS[topic])
    return [*columns, [f"`{shop.TS}`", "int", "", shop.TS_MEANING]]


def _rule(field: events.Field) -> str:
    rules = ["required"] if field.is_required else []
    rules += ["checked"] if field.is_checked else []
    rules += [f"one of {', '.join(field.values)}"] if field.values else []
    return "; ".join(rules)


def _tables() -> list[str]:
    lines: list[str] = []
    sections: dict[str, tuple[str, Mapping[str, tuple[Column, ...]]]] = {
        "Static tables": ("static/", tables.STATIC),
        "Lake": ("lake/", tables.LAKE),
        "Lake of a shop": ("shop: lake/", shop.SHOP_TABLES),
        "Made from raw rows": ("", {"account_windows": ACCOUNT_WINDOWS}),
        "Truth": ("truth/", TRUTH),
        "Log of sessions": ("", {session_log.FOLDER: session_log.COLUMNS}),
    }
    for title, (folder, content) in sections.items():
        lines += [f"## {title}"]
        for name, columns in content.items():
            lines += [f"### Table `{folder}{name}`"]
            lines += _table(["column", "type", "meaning"], ([f"`{c.name}`", c.type, c.meaning] for c in columns))
    return lines


def _vocabularies() -> list[str]:
    features, of_looks = (
        [[f"`{f.name}`", f.unit, f.meaning] for f in some] for some in (SESSION_FEATURES, (SUSPICION,))
    )
    families = ([f"`{f.name}`", f.meaning, ", ".join(f.categories)] for f in FAMILIES.values())
    negatives = ([f"`{name}`", meaning] for name, meaning in HARD_NEGATIVES.items())
    return [
        "## Features of a session, in the model's order",
        *_table(["feature", "unit", "meaning"], features),
        "## Features of an alert besides",
        *_table(["feature", "unit", "meaning"], of_looks),
        "## Families of bots",
        *_table(["family", "meaning", "categories"], families),
        "## Hard negatives: honest accounts that look like bots",
        *_table(["cohort", "meaning"], negatives),
    ]


if __name__ == "__main__":
    print(render(), end="")
