"""The beginnings of sessions with their features: what a look sees of a session, and knows of its account."""

from collections.abc import Collection, Iterable

import numpy as np
import pyarrow as pa

from contracts.features import OWN_HISTORY_FEATURES, SUSPICION, VS_OWN
from runtime.arrays import Floats
from spark_app.stages.alerts.account_lookup import AccountLookup, KnownOfAccounts
from spark_app.stages.alerts.looks import Looks
from spark_app.stages.sessions.features.own_history import SELF_DRIFT, SHIFTED, VOLUMES, compare_with_baseline
from spark_app.stages.sessions.features.registry import ACCOUNT_FEATURES, FEATURES
from spark_app.stages.sessions.session_batch import SessionBatch
from spark_app.stages.sessions.unmeasurable import mask_missing_fields

PREFIX_FEATURES = (*FEATURES, *ACCOUNT_FEATURES, *OWN_HISTORY_FEATURES, SUSPICION.name)
"""Features of a look: of the rows so far, of the account's static row, of both compared with its own history, and what
the looks at its sessions before left behind, which is unknown here."""
_COMPARED = frozenset((*VOLUMES, *SHIFTED))
"""Features that are compared with own history: `self_drift` is of all of them."""


def prefix_batch(rows: pa.Table, looks: Looks) -> SessionBatch:
    """Return what each look sees as a session. `rows`: ROWS, sorted by (session, event time)."""
    return SessionBatch.from_rows(rows, looks.rows, looks.look, len(looks))


def find_accounts(lookup: AccountLookup, rows: pa.Table, looks: Looks) -> KnownOfAccounts:
    """Return what is known of the account of each look, as of its session's first event."""
    user, event_ms = (rows[name].to_numpy()[looks.first] for name in ("user", "event_ms"))
    return lookup.find(user, event_ms)


def prefix_features(
    b: SessionBatch, known: KnownOfAccounts, names: Iterable[str], unmeasurable: Collection[str] = ()
) -> pa.RecordBatch:
    """Compute features of sessions as far as they went, by the functions of complete sessions; null where unknown.

    `unmeasurable`: features that the world's source cannot tell.
    """
    wanted = list(names)
    compared = {name.removesuffix(VS_OWN) for name in wanted if name in OWN_HISTORY_FEATURES}
    if SELF_DRIFT in compared:
        compared = set(_COMPARED)
    features: dict[str, Floats] = {}
    for name in sorted({*wanted, *compared}):
        if name in FEATURES:
            features[name] = FEATURES[name](b)
        elif name in ACCOUNT_FEATURES:
            features[name] = ACCOUNT_FEATURES[name](b, known.accounts)
    features = mask_missing_fields(features, b)
    unknown = np.full(b.n, np.nan)
    if compared:
        features |= compare_with_baseline(dict.fromkeys(_COMPARED, unknown) | features, known.baseline)
    values = [unknown if name in unmeasurable else features.get(name, unknown) for name in wanted]
    columns = [pa.array(column, pa.float64(), from_pandas=True) for column in values]
    return pa.RecordBatch.from_arrays(columns, names=wanted)
