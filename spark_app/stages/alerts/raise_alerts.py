"""Look at the open sessions of a bucket, score what is due, and raise an alert where one is over the threshold."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from runtime.arrays import Ints
from spark_app.stages.alerts.account_lookup import AccountLookup, no_accounts
from spark_app.stages.alerts.looks import Looks, due_looks
from spark_app.stages.alerts.messages import raised_fields, to_message
from spark_app.stages.alerts.prefix_features import find_accounts, prefix_batch, prefix_features
from spark_app.stages.alerts.score_looks import score_looks
from spark_app.stages.scoring.score import SessionScorer
from spark_app.stages.session_step.operator import RaisedAlerts
from spark_app.stages.session_step.step import Step

KEY = np.dtype([("user", "<i8"), ("first_event_ms", "<i8")])
"""A session in the state: the hash of its account, and its first event time. Both are final once it is looked at."""


@dataclass(frozen=True, slots=True)
class AlertRaiser:
    """Raises alerts by a scorer of beginnings of sessions; its review threshold is that of an alert."""

    scorer: SessionScorer
    unmeasurable: Collection[str] = ()
    """Features that the world's source cannot tell."""
    open_accounts: Callable[[], AccountLookup] = no_accounts
    """Returns what is known of accounts, in the worker: it is not sent with every task."""
    clock: Callable[[], float] = time.time
    """Gives `alerted_at` in epoch seconds."""

    def __call__(self, step: Step, alerted: bytes | None, watermark_before_ms: int, watermark_ms: int) -> RaisedAlerts:
        """Raise the alerts of a micro-batch. A session has at most one: the first of its looks over the threshold."""
        rows = pa.concat_tables([step.closed.rows, step.open]).combine_chunks()
        first = np.concatenate([step.closed.first, step.open_first + len(step.closed.rows)])
        user, event_ms = rows["user"].to_numpy(), rows["event_ms"].to_numpy()
        keys = _keys(user[first], event_ms[first])
        before = np.frombuffer(alerted or b"", KEY)
        is_alerted = np.isin(keys, before) if len(before) else np.zeros(len(keys), bool)
        looks = _without(due_looks(event_ms, first, watermark_before_ms, watermark_ms), first[is_alerted])
        messages: list[str] = []
        if len(looks):
            messages, begins = self._alerts(rows, looks)
            is_alerted |= np.isin(first, begins)
        closed = len(step.closed)
        still_open = keys[closed:][is_alerted[closed:]]
        return RaisedAlerts(messages, is_alerted[:closed], still_open.tobytes() or None)

    def _alerts(self, rows: pa.Table, looks: Looks) -> tuple[list[str], Ints]:
        """Return the messages of new alerts, and where their sessions begin."""
        b = prefix_batch(rows, looks)
        known = find_accounts(self.open_accounts(), rows, looks)
        scores = score_looks(prefix_features(b, known, self.scorer.features, self.unmeasurable), self.scorer)
        over = np.flatnonzero(scores.score >= self.scorer.review_threshold)
        # the looks of a session are in the order of their time
        begins, earliest = np.unique(looks.first[over], return_index=True)
        raised = over[earliest]
        if not len(raised):
            return [], begins
        user_ids = rows["user_id"].take(pa.array(begins)).to_pylist()
        seen = raised_fields(b, raised, user_ids, looks.at_ms[raised])
        return [
            to_message(
                fields | {"score": float(scores.score[look]), "reasons": reasons, "model_version": self.scorer.version},
                self.clock(),
            )
            for fields, look, reasons in zip(seen, raised.tolist(), scores.reasons(raised), strict=True)
        ], begins


def _without(looks: Looks, begins: Ints) -> Looks:
    """Leave out the looks at sessions that begin at some rows."""
    if not len(begins) or not len(looks):
        return looks
    chosen = ~np.isin(looks.first, begins)
    return Looks(looks.first[chosen], looks.last[chosen], looks.at_ms[chosen])


def _keys(user: Ints, first_event_ms: Ints) -> NDArray[np.void]:
    keys = np.empty(len(user), KEY)
    keys["user"], keys["first_event_ms"] = user, first_event_ms
    return keys
