"""The beginnings of sessions with their features: what a look sees of a session."""

from collections.abc import Collection, Iterable

import numpy as np
import pyarrow as pa

from runtime.arrays import Floats
from spark_app.stages.alerts.looks import Looks
from spark_app.stages.sessions.features.registry import FEATURES
from spark_app.stages.sessions.session_batch import SessionBatch
from spark_app.stages.sessions.unmeasurable import mask_missing_fields

PREFIX_FEATURES = tuple(FEATURES)
"""Features of a session's own rows. Those that need the account's static row or its history are not computed here: the
session step has neither."""


def prefix_batch(rows: pa.Table, looks: Looks) -> SessionBatch:
    """Return what each look sees as a session. `rows`: ROWS, sorted by (session, event time)."""
    return SessionBatch.from_rows(rows, looks.rows, looks.look, len(looks))


def prefix_features(b: SessionBatch, names: Iterable[str], unmeasurable: Collection[str] = ()) -> pa.RecordBatch:
    """Compute features of sessions as far as they went, by the functions of complete sessions; null where unknown.

    `unmeasurable`: features that the world's source cannot tell.
    """
    wanted = list(names)
    features: dict[str, Floats] = {name: FEATURES[name](b) for name in wanted if name not in unmeasurable}
    features = mask_missing_fields(features, b)
    unknown = np.full(b.n, np.nan)
    columns = [pa.array(features.get(name, unknown), pa.float64(), from_pandas=True) for name in wanted]
    return pa.RecordBatch.from_arrays(columns, names=wanted)
