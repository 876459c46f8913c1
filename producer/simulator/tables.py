"""From codes to parquet: one stretch of time of a topic as the rows of `raw` and of `truth`, in the same order."""

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
    NETWORKS,
    PLAYS,
    REASONS_END,
    REASONS_START,
    Field,
)
from producer.simulator.bots import FAMILY_NAMES
from producer.simulator.ids import Ids, Kind, addresses, render
from producer.simulator.places import CDM_VERSIONS
from producer.simulator.population import COUNTRIES
from producer.simulator.rows import Columns

TIME = pa.timestamp("ms", tz="UTC")
_WORD = pa.dictionary(pa.int8(), pa.string())
_ID = pa.dictionary(pa.int32(), pa.string())
_TYPES = {"time": TIME, "ms": pa.int32(), "bool": pa.bool_()}
_PLAIN = ("play_id", "event_id", "session_id")

_SMALL = ("country", "cdm_version")
"""Few words, though no closed vocabulary."""


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
    has_nulls: bool = False


def _words(codes: NDArray[np.uint8], words: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.view(np.int8)), pa.array(words), safe=False)


def _seen(codes: NDArray[np.int32], n: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Renumber codes densely: (dense codes, the codes that occur, in order). -1 stays out and stays -1."""
    at = codes.astype(np.intp)
    is_seen = np.zeros(n + 1, dtype=bool)
    is_seen[at] = True  # -1 marks the spare last place
    is_seen[n] = False
    dense = np.cumsum(is_seen, dtype=np.int32) - np.int32(1)
    dense[n] = -1
    return dense[at], np.flatnonzero(is_seen).astype(np.int32)


class Writer:
    """Turns record arrays into tables; `spaces` says how many codes each opaque column has."""

    def __init__(self, ids: Ids, n_users: int, n_tracks: int, n_devices: int, n_contexts: int, n_ips: int,
                 n_campaigns: int) -> None:  # fmt: skip
        self.ids = ids
        self.user = Space(Kind.USER, n_users)
        self.track = Space(Kind.TRACK, n_tracks)
        self.device = Space(Kind.DEVICE, n_devices)
        self.context = Space(Kind.CONTEXT, n_contexts)
        self.address = Space(Kind.ADDRESS, n_ips)
        self.campaign = Space(Kind.CAMPAIGN, n_campaigns, has_nulls=True)
        self.item = Space(Kind.TRACK, n_tracks, has_nulls=True)

    def opaque(self, codes: NDArray[np.int32], space: Space) -> pa.DictionaryArray:
        """Render codes as a dictionary of ids; -1 is null."""
        dense, seen = _seen(codes, space.codes)
        words = self.ids.words(space.kind, seen)
        texts = addresses(words) if space.kind is Kind.ADDRESS else render(words)
        indices = pa.array(dense, mask=dense < 0) if space.has_nulls else pa.array(dense)
        return pa.DictionaryArray.from_arrays(indices, texts, safe=False)

    def raw(self, topic: str, rows: Columns) -> pa.Table:
        """Build the rows of a raw table."""
        shared = {
            "user_id": self.opaque(rows["user"], self.user),
            "session_id": render(rows["session"]),
            "event_time": pa.array(rows["time"]).cast(TIME),
            "device_id": self.opaque(rows["device"], self.device),
            "device_type": _words(rows["device_type"], DEVICES),
            "ip": self.opaque(rows["ip"], self.address),
            "country": _words(rows["country"], COUNTRIES),
            "network": _words(rows["network"], NETWORKS),
        }
        own = self._plays(rows) if topic == PLAYS else self._activity(rows)
        columns = shared | own
        return pa.table([columns[name] for name in RAW_SCHEMAS[topic].names], schema=RAW_SCHEMAS[topic])

    def _plays(self, rows: Columns) -> dict[str, pa.Array]:
        return {
            "play_id": render(rows["id"]),
            "track_id": self.opaque(rows["track"], self.track),
            "listen_ms": pa.array(rows["listen"]),
            "reason_start": _words(rows["reason_start"], REASONS_START),
            "reason_end": _words(rows["reason_end"], REASONS_END),
            "context_type": _words(rows["context_type"], CONTEXTS),
            "context_id": self.opaque(rows["context"], self.context),
            "shuffle": pa.array(rows["shuffle"]),
        }

    def _activity(self, rows: Columns) -> dict[str, pa.Array]:
        return {
            "event_id": render(rows["id"]),
            "action": _words(rows["action"], ACTIONS),
            "item_id": self.opaque(rows["item"], self.item),
            "drm": _words(rows["drm"], DRMS),
            "cdm_version": _words(rows["cdm"], CDM_VERSIONS),
            "codec": _words(rows["codec"], CODECS),
        }

    def truth(self, rows: Columns) -> pa.Table:
        """Build the rows of truth, in the order of the raw rows."""
        return pa.table(
            [
                render(rows["id"]),
                self.opaque(rows["user"], self.user),
                pa.array(rows["time"]).cast(TIME),
                _words(rows["family"], FAMILY_NAMES),
                self.opaque(rows["campaign"], self.campaign),
                pa.array(rows["is_paid"]),
            ],
            schema=TRUTH_SCHEMA,
        )
