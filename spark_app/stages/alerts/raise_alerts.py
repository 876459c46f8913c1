"""Look at the open sessions of a bucket, score what is due, and raise an alert where one is over the threshold."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.risk.suspicion import MEMORY, Memory, follow, forget, note_alerts
from runtime.arrays import Ints
from spark_app.stages.alerts.account_lookup import AccountLookup, no_accounts
from spark_app.stages.alerts.looks import Looks, due_looks
from spark_app.stages.alerts.messages import raised_fields, to_message
from spark_app.stages.alerts.prefix_features import find_accounts, prefix_batch, prefix_features
from spark_app.stages.alerts.score_looks import look_margins, score_looks, with_suspicion
from spark_app.stages.scoring.score import SessionScorer
from spark_app.stages.session_step.operator import RaisedAlerts
from spark_app.stages.session_step.step import Step

KEY = np.dtype([("user", "<i8"), ("first_event_ms", "<i8")])
"""A session: the hash of its account, and its first event time. Both are final once it is looked at."""


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

    def __call__(self, step: Step, kept: bytes | None, watermark_before_ms: int, watermark_ms: int) -> RaisedAlerts:
        """Raise the alerts of a micro-batch. A session has at most one: the first of its looks over the threshold.

        `kept`: the memory of suspicion, in which are also the open sessions that had an alert.
        """
        rows = pa.concat_tables([step.closed.rows, step.open]).combine_chunks()
        first = np.concatenate([step.closed.first, step.open_first + len(step.closed.rows)])
        keys = _keys(rows["user"].to_numpy()[first], rows["event_ms"].to_numpy()[first])
        memory, messages = np.frombuffer(kept or b"", MEMORY), list[str]()
        looks = due_looks(rows["event_ms"].to_numpy(), first, watermark_before_ms, watermark_ms)
        if len(looks):
            messages, memory = self._alerts(rows, looks, memory)
        is_alerted = np.isin(keys, _keys_of(memory[memory["alerted"]]))
        closed = len(step.closed)
        memory = forget(memory, keys[closed:], watermark_ms)
        return RaisedAlerts(messages, is_alerted[:closed], memory.tobytes() or None)

    def _alerts(self, rows: pa.Table, looks: Looks, memory: Memory) -> tuple[list[str], Memory]:
        """Return the messages of new alerts, and the memory with the looks and alerts."""
        b = prefix_batch(rows, looks)
        known = find_accounts(self.open_accounts(), rows, looks)
        features = prefix_features(b, known, self.scorer.features, self.unmeasurable)
        margins = look_margins(features, self.scorer, rows, looks)
        before, memory = follow(memory, margins)
        scores = score_looks(with_suspicion(features, before), self.scorer)
        keys = _keys(margins.user, margins.first_event_ms)
        over = np.flatnonzero(
            (scores.score >= self.scorer.review_threshold) & ~np.isin(keys, _keys_of(memory[memory["alerted"]]))
        )
        # the looks of a session are in the order of their time
        begins, earliest = np.unique(looks.first[over], return_index=True)
        raised = over[earliest]
        if not len(raised):
            return [], memory
        user_ids = rows["user_id"].take(pa.array(begins)).to_pylist()
        seen = raised_fields(b, raised, user_ids, looks.at_ms[raised])
        messages = [
            to_message(
                fields | {"score": float(scores.score[look]), "reasons": reasons, "model_version": self.scorer.version},
                self.clock(),
            )
            for fields, look, reasons in zip(seen, raised.tolist(), scores.reasons(raised), strict=True)
        ]
        return messages, note_alerts(memory, margins, raised)


def _keys_of(memory: Memory) -> NDArray[np.void]:
    return _keys(memory["user"], memory["first_event_ms"])


def _keys(user: Ints, first_event_ms: Ints) -> NDArray[np.void]:
    keys = np.empty(len(user), KEY)
    keys["user"], keys["first_event_ms"] = user, first_event_ms
    return keys
