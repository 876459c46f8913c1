"""Describe the topics as AsyncAPI 3.0: `playproof tools asyncapi > docs/reference/asyncapi.yaml`.

From the point of view of the pipeline: it receives the topics that a replay writes, and sends scores, alerts,
fraud-counts and verdicts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from contracts import actions, events, shop
from contracts.topics import ACTIONS, TOPICS, Topic
from ops.tools.data_dictionary import HEADERS, ROW_COLUMNS

HEAD = "# Made from contracts/ by  playproof tools asyncapi > docs/reference/asyncapi.yaml  and compared by a test."
PATTERNS = {"time": events.TIME_PATTERN, "ms": events.MS_PATTERN}
"""Patterns of checked fields, in the words that JSON Schema shares with Python: `_END` becomes `$`."""
JSON_TYPES = {"string": "string", "int": "integer", "bigint": "integer", "double": "number", "boolean": "boolean"}
ROW_LISTS = (*events.FIELDS, *shop.TOPICS)
"""Topics whose messages are lists of rows with headers; a message of any other topic is one row."""
BINDING_VERSION = "0.5.0"
TOPIC_SETTINGS = ("retention.ms", "retention.bytes", "max.message.bytes")
"""Those of a topic's settings that AsyncAPI's Kafka binding knows."""


def document() -> dict[str, Any]:
    """Return the description as plain objects."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Playproof",
            "version": "1.0.0",
            "description": (
                "Topics of a pipeline that finds fake listening. Each play and activity row is in at most one session "
                "(tables are exactly once). Topics that the pipeline writes are at least once, with "
                "a key to de-duplicate on."
            ),
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:19092", "protocol": "kafka", "description": "PLAYPROOF_BROKER"}},
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": {
            f"{_action(topic.name)}-{topic.name}": {
                "action": _action(topic.name),
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": topic.meaning,
            }
            for topic in TOPICS.values()
        },
        "components": {
            "messages": {topic.name: _message(topic) for topic in TOPICS.values()},
            "schemas": {name: _row(name) for name in TOPICS},
        },
    }


def _action(topic: str) -> str:
    return "receive" if topic in ROW_LISTS else "send"


def _channel(topic: Topic) -> dict[str, Any]:
    settings = {name: int(topic.config[name]) for name in TOPIC_SETTINGS if name in topic.config}
    return {
        "address": topic.name,
        "description": topic.meaning,
        "messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": settings,
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _message(topic: Topic) -> dict[str, Any]:
    """Describe a message: a list of rows with headers for events, one row for all else."""
    row = {"$ref": f"#/components/schemas/{topic.name}"}
    if topic.name not in ROW_LISTS:
        return {"name": topic.name, "payload": row}
    # a batch of the shop without transactions is an empty list
    rows = {
        "type": "array",
        "minItems": int(topic.name != shop.TRANSACTIONS),
        "maxItems": events.ROWS_PER_BATCH,
        "items": row,
    }
    headers = {name: {"type": "string", "description": meaning} for name, meaning in HEADERS.items()}
    return {"name": topic.name, "headers": {"type": "object", "properties": headers}, "payload": rows}


def _row(topic: str) -> dict[str, Any]:
    if topic in events.FIELDS:
        fields = events.FIELDS[topic]
        return {
            "type": "object",
            "required": [f.name for f in fields if f.is_required],
            "properties": {f.name: _field(f) for f in fields},
        }
    if topic in shop.TOPICS:
        return {
            "type": "object",
            "required": [*shop.column_names(topic), shop.TS],
            "properties": {
                **{column.name: _shop_column(column) for column in shop.COLUMNS[topic]},
                shop.TS: {"type": "integer", "description": shop.TS_MEANING},
            },
        }
    columns = {column.name: column for column in ROW_COLUMNS[topic]}
    named = {name: columns[name] for name in TOPICS[topic].row_fields}
    properties = {name: {**_of_sql(c.type), "description": c.meaning} for name, c in named.items()}
    return _strict(properties) if topic == ACTIONS else {"type": "object", "properties": properties}


def _strict(properties: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Describe an action so that a receiver can refuse what is none: it has every field, null where that is allowed."""
    for name in actions.NULLABLE:
        properties[name]["type"] = [properties[name]["type"], "null"]
    properties["action"]["enum"], properties["cause"]["enum"] = list(actions.KINDS), list(actions.CAUSES)
    line = properties["lines"]["items"]
    line["required"] = list(line["properties"])
    return {"type": "object", "required": list(properties), "properties": properties}


def _field(field: events.Field) -> dict[str, Any]:
    if field.kind == "epoch_s":
        return {"type": "integer", "description": field.meaning}
    schema: dict[str, Any] = {"type": "string", "description": field.meaning}
    if field.values and field.is_checked:
        schema["enum"] = list(field.values)
    elif field.values:
        schema["examples"] = list(field.values)  # kept as it came, whatever it is
    if field.kind in PATTERNS:
        schema["pattern"] = PATTERNS[field.kind].replace(r"(?![\s\S])", "$")
    if field.kind == "id":
        schema |= {"minLength": 1, "maxLength": events.MAX_ID_CHARS}
    return schema


def _shop_column(column: shop.ShopColumn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "description": column.meaning}
    return {**schema, "enum": list(column.values)} if column.values else schema


def _of_sql(kind: str) -> dict[str, Any]:
    """Translate a column's SQL type.

    >>> _of_sql("array<struct<feature:string,value:double>>")["items"]["properties"]["value"]
    {'type': 'number'}
    """
    if kind == "timestamp":
        return {"type": "string", "format": "date-time"}
    if struct := re.fullmatch(r"array<struct<(.+)>>", kind):
        pairs = (pair.split(":") for pair in struct[1].split(","))
        members = {name.strip(): _of_sql(member.strip()) for name, member in pairs}
        return {"type": "array", "items": {"type": "object", "properties": members}}
    return {"type": JSON_TYPES[kind]}


def render() -> str:
    """Return the description as YAML."""
    return "\n".join([HEAD, *_yaml(document())]) + "\n"


def _yaml(value: Any, indent: str = "") -> Iterator[str]:
    """Write mappings and lists as block YAML; a scalar is JSON, which YAML reads the same."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = key if re.fullmatch(r"[A-Za-z_][\w.-]*", key) else json.dumps(key)
            if isinstance(inner, Mapping) and inner:
                yield f"{indent}{name}:"
                yield from _yaml(inner, indent + "  ")
            else:
                yield f"{indent}{name}: {json.dumps(inner, ensure_ascii=False)}"


if __name__ == "__main__":
    print(render(), end="")
