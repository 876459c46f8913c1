"""From codes to tables: one stretch of time of a topic as the rows of `raw` and of `truth`, in the same order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.events import (
    ACTIONS,
    CODECS,
    CONTEXTS,
    DEVICES,
    DRMS,
    FIELDS,
    ID_FIELD,
    NETWORKS,
    PLAYS,
    REASONS_END,
    REASONS_START,
    Field,
)
from producer.simulator.ids import Ids, Kind, addresses, digits, render
from producer.simulator.listeners.places import CDM_VERSIONS
from producer.simulator.listeners.population import COUNTRIES
from producer.simulator.output.columns import Coded, Column, Digits, Plain
from producer.simulator.rows import Columns

TIME = pa.timestamp("ms", tz="UTC")
_WORD = pa.dictionary(pa.int8(), pa.string())
_ID = pa.dictionary(pa.int32(), pa.string())
_TYPES = {"time": TIME, "ms": pa.int32(), "bool": pa.bool_()}
_PLAIN = tuple(ID_FIELD.values())

_SMALL = ("country", "cdm_version")
"""Few words, though no closed vocabulary."""
_CLOSED: dict[str, tuple[str, tuple[str, ...]]] = {
    "device_type": ("device_type", DEVICES), "country": ("country", COUNTRIES), "network": ("network", NETWORKS),
    "context_type": ("context_type", CONTEXTS), "drm": ("drm", DRMS), "cdm_version": ("cdm", CDM_VERSIONS),
    "codec": ("codec", CODECS),
}  # fmt: skip
"""Column of the tables: column of the sessions, and its words by code."""


def _type_of_text(field: Field) -> pa.DataType:
    if field.name in _PLAIN:
        return pa.string()
    return _WORD if field.values or field.name in _SMALL else _ID


RAW_SCHEMAS: dict[str, pa.Schema] = {
    topic: pa.schema(
        [pa.field(f.name, _TYPES.get(f.kind, _type_of_text(f)), f.name == "item_id") for f in fields if f.name != "ts"]
    )
    for topic, fields in FIELDS.items()
}
TRUTH_SCHEMA = pa.schema(
    [pa.field("row_id", pa.string(), False), pa.field("user_id", _ID, False), pa.field("event_time", TIME, False),
     pa.field("family", _WORD, False), pa.field("campaign_id", _ID), pa.field("is_paid", pa.bool_(), False)]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Space:
    """How the codes of a column become text: `kind` of id, and how many codes there are."""

    kind: Kind
    codes: int


def _words(words: tuple[str, ...]) -> pa.StringArray:
    return pa.array(words)


def _seen(codes: NDArray[np.int32], n: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Renumber codes densely: (dense codes, the codes that occur, in order). -1 stays out and stays -1."""
    at = codes.astype(np.intp)
    is_seen = np.zeros(n + 1, dtype=bool)
    is_seen[at] = True  # -1 marks the spare last place
    is_seen[n] = False
    dense = np.cumsum(is_seen, dtype=np.int32) - np.int32(1)
    dense[n] = -1
    return dense[at], np.flatnonzero(is_seen).astype(np.int32)


def _unique(column: Coded) -> Coded:
    """Give a word that occurs twice one code: two addresses of ten thousands may be the same by chance."""
    words = column.words.dictionary_encode()
    if len(words.dictionary) == len(words):
        return column
    codes = np.append(words.indices.to_numpy(), np.int32(-1))  # the last one is for -1, which is null
    return Coded(codes[column.codes], words.dictionary)


class Writer:
    """Turns record arrays into tables; `n_…`: codes of an opaque column, `families`: words of truth by code."""

    def __init__(self, ids: Ids, n_users: int, n_tracks: int, n_devices: int, n_contexts: int, n_ips: int,
                 n_campaigns: int, families: tuple[str, ...]) -> None:  # fmt: skip
        self.ids = ids
        self._closed = _CLOSED | {"family": ("family", families)}
        self.user = Space(Kind.USER, n_users)
        self.track = Space(Kind.TRACK, n_tracks)
        self.device = Space(Kind.DEVICE, n_devices)
        self.context = Space(Kind.CONTEXT, n_contexts)
        self.address = Space(Kind.ADDRESS, n_ips)
        self.campaign = Space(Kind.CAMPAIGN, n_campaigns)

    def opaque(self, codes: NDArray[np.int32], space: Space) -> Coded:
        """Number the codes that occur, in order, and render their ids; -1 is null."""
        dense, seen = _seen(codes, space.codes)
        words = self.ids.words(space.kind, seen)
        return _unique(Coded(dense, addresses(words))) if space.kind is Kind.ADDRESS else Coded(dense, render(words))

    def code(self, sessions: Columns) -> dict[str, Coded | Plain]:
        """Render what sessions say, by column of the tables."""
        opaque = {
            "user_id": self.opaque(sessions["user"], self.user),
            "device_id": self.opaque(sessions["device"], self.device),
            "context_id": self.opaque(sessions["context"], self.context),
            "ip": self.opaque(sessions["ip"], self.address),
            "campaign_id": self.opaque(sessions["campaign"], self.campaign),
            "session_id": Coded(np.arange(len(sessions["session"]), dtype=np.int32), render(sessions["session"])),
        }
        closed = {name: Coded(sessions[column], _words(words)) for name, (column, words) in self._closed.items()}
        return opaque | closed | {"shuffle": Plain(sessions["shuffle"])}

    def tables(
        self, topic: str, rows: Columns, sessions: Mapping[str, Coded | Plain]
    ) -> tuple[dict[str, Column], dict[str, Column]]:
        """Build the columns of raw and of truth, in the same order; `sessions` are the columns of their sessions."""
        ids = Digits(digits(rows["id"]))
        columns: dict[str, Column] = {ID_FIELD[topic]: ids, "row_id": ids}
        columns |= {"event_time": Plain(rows["time"]), "is_paid": Plain(rows["is_paid"])}
        columns |= self._plays(rows) if topic == PLAYS else self._activity(rows)
        raw, truth = RAW_SCHEMAS[topic].names, TRUTH_SCHEMA.names
        columns |= {name: sessions[name].at(rows["session"]) for name in sessions if name in {*raw, *truth}}
        return {name: columns[name] for name in raw}, {name: columns[name] for name in truth}

    def _plays(self, rows: Columns) -> dict[str, Column]:
        return {
            "track_id": self.opaque(rows["track"], self.track),
            "listen_ms": Plain(rows["listen"]),
            "reason_start": Coded(rows["reason_start"], _words(REASONS_START)),
            "reason_end": Coded(rows["reason_end"], _words(REASONS_END)),
        }

    def _activity(self, rows: Columns) -> dict[str, Column]:
        return {
            "action": Coded(rows["action"], _words(ACTIONS)),
            "item_id": self.opaque(rows["item"], self.track),
        }
