"""Account-days as the lab handles them: a frame, its features as a matrix, and what lies below the day."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.labels import HONEST
from runtime.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of some account-days."""

    features: Floats
    """(sessions, session features), NaN where not measurable."""
    streams: Ints
    label: Floats
    """1, 0, or NaN where mixed."""
    row: Ints
    """The account-day each belongs to, as a row of the `UserDays` that holds them."""


@dataclass(frozen=True, slots=True)
class UserDays:
    """Account-days, everything aligned by row.

    `frame` has user_id, day (days since 1970), label (1, 0, NaN = mixed), family, cohort, group (accounts of one
    campaign share it), is_trusted, plays, streams, paid_streams, and scores of the detectors that need no fitting.
    """

    frame: pd.DataFrame
    features: Floats
    names: tuple[str, ...]
    bigrams: NDArray[np.float32]
    """(rows, pairs): how often one action follows another in the day; no columns where the table has none."""
    sessions: Sessions | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: Ints) -> "UserDays":
        """Return some rows, in the order given."""
        sessions = None
        if self.sessions is not None:
            position = np.full(len(self), -1, dtype=np.int64)
            position[rows] = np.arange(len(rows))
            is_included = position[self.sessions.row] >= 0
            of = self.sessions
            sessions = Sessions(
                of.features[is_included], of.streams[is_included], of.label[is_included], position[of.row[is_included]]
            )
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return replace(self, frame=frame, features=self.features[rows], bigrams=self.bigrams[rows], sessions=sessions)

    def only(self, names: tuple[str, ...]) -> "UserDays":
        """Keep some of the features."""
        columns = [self.names.index(name) for name in names]
        return replace(self, features=self.features[:, columns], names=names)

    def column(self, name: str) -> Floats:
        """Return one feature, or else one column of the frame, as floats."""
        if name in self.names:
            return self.features[:, self.names.index(name)]
        return self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)

    @property
    def label(self) -> Floats:
        return self.column("label")

    @property
    def family(self) -> NDArray[np.object_]:
        """The family of positive days; honest elsewhere."""
        family = self.frame["family"].to_numpy(dtype=object)
        return np.where(self.label == 1, family, HONEST)

    @property
    def group(self) -> Ints:
        return self.frame["group"].to_numpy(dtype=np.int64)


def join(first: UserDays, second: UserDays) -> UserDays:
    """Put the days of two worlds into one table; no group, account or account-day of theirs is the same."""
    apart = first.frame["group"].max() + 1
    frame = second.frame.assign(group=second.frame["group"] + apart, user_id="2:" + second.frame["user_id"])
    sessions = None
    if first.sessions is not None and second.sessions is not None:
        features, streams, label = (
            np.concatenate([getattr(first.sessions, name), getattr(second.sessions, name)])
            for name in ("features", "streams", "label")
        )
        sessions = Sessions(
            features, streams, label, np.concatenate([first.sessions.row, second.sessions.row + len(first)])
        )
    return UserDays(
        pd.concat([first.frame, frame], ignore_index=True),
        np.vstack([first.features, second.features]),
        first.names,
        np.vstack([first.bigrams, second.bigrams]),
        sessions,
    )
