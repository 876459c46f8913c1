"""Sequences of actions as arrays, with their labels: read from a session log, or from a music world's activity."""

from dataclasses import dataclass, replace

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray

from contracts.events import ACTIONS, ACTIVITY
from contracts.labels import HONEST
from contracts.session_log import FILE, FOLDER, STATES_FILE
from models.lab.actions import read_activity
from models.labels.truth import read_account_truth
from models.training.splits import number_groups
from runtime.arrays import Floats, Ints
from runtime.errors import naming
from runtime.parquet import read_parquet
from runtime.world import World, WorldError

MAX_LENGTH = 32
"""Actions of a sequence that are read, from its first on."""
PAD = 0
FRAUD = "fraud"


@dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences, everything aligned by row. `codes` (rows, MAX_LENGTH): 1 + the action's place, PAD after the end."""

    codes: NDArray[np.uint8]
    account: Ints
    group: Ints
    """Accounts of one campaign share it."""
    family: NDArray[np.object_]
    """HONEST, or what made the sequence."""
    n_actions: int

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Ints) -> "Sequences":
        """Return some rows, in the order given."""
        return replace(
            self, codes=self.codes[rows], account=self.account[rows], group=self.group[rows], family=self.family[rows]
        )

    @property
    def label(self) -> Floats:
        return (self.family != HONEST).astype(np.float64)

    @property
    def length(self) -> Ints:
        return (self.codes != PAD).sum(axis=1)


def read_sequences(world: World) -> Sequences:
    """Read the sequences of a world: of its session log where it has one, else of its raw activity with truth.

    Raises WorldError where it has neither.
    """
    if (world.root / FOLDER / FILE).exists():
        return _read_log(world)
    if not world.raw(ACTIVITY).exists():
        raise WorldError(
            f"world {world.name} has no session log and no activity: run  "
            f"playproof simulate --world {world.name} --scenario markov_small"
        )
    return _read_activity(world)


def _read_log(world: World) -> Sequences:
    folder = world.root / FOLDER
    with naming(folder / STATES_FILE, WorldError):
        names = list(orjson.loads((folder / STATES_FILE).read_bytes()))
    table = read_parquet(folder / FILE, ["UserID", "SessionActivity", "FraudulentActivity"])
    lists = table["SessionActivity"].combine_chunks()
    lengths = np.diff(lists.offsets.to_numpy())
    states = pd.Categorical(lists.flatten().to_pandas(), categories=names).codes  # the pad is the first of the names
    user = table["UserID"].to_numpy().astype(np.int64)
    fraud = table["FraudulentActivity"].to_numpy()
    family = np.where(fraud > 0, FRAUD, HONEST).astype(object)
    return Sequences(as_matrix(states.astype(np.uint8), lengths), user, user, family, len(names) - 1)


def _read_activity(world: World) -> Sequences:
    """Read client sessions, in order of their first row; each belongs to the family of that row."""
    frames = []
    for frame, file in zip(read_activity(world), world.raw_files(ACTIVITY), strict=True):
        truth = world.truth(ACTIVITY) / file.parent.name / file.name
        if not truth.exists():
            raise WorldError(
                f"world {world.name} has no truth for activity of {file.parent.name}: take a simulated one"
            )
        frame["family"] = read_parquet(truth, ["family"])["family"].to_pandas().astype(str)
        frames.append(frame[frame["action"] >= 0])
    rows = pd.concat(frames, ignore_index=True)
    session = pd.factorize(rows["user_id"].astype(str) + " " + rows["session_id"].astype(str))[0]
    order = np.lexsort((rows["event_ms"].to_numpy(), session))
    first = np.flatnonzero(np.diff(session[order], prepend=-1))
    codes = as_matrix((1 + rows["action"].to_numpy()[order]).astype(np.uint8), np.bincount(session))
    heads = rows.iloc[order[first]]
    campaign = read_account_truth(world).set_index("user_id")["campaign_id"]
    group = number_groups(heads["user_id"], heads["user_id"].map(campaign))
    account = pd.factorize(heads["user_id"])[0].astype(np.int64)
    return Sequences(codes, account, np.asarray(group), heads["family"].to_numpy(dtype=object), len(ACTIONS))


def as_matrix(codes: NDArray[np.uint8], lengths: NDArray[np.int_]) -> NDArray[np.uint8]:
    """Lay out sequences, one after another, as rows of MAX_LENGTH: the rest is PAD, what is longer is cut.

    >>> as_matrix(np.array([1, 2, 3], np.uint8), np.array([2, 1]))[:, :3].tolist()
    [[1, 2, 0], [3, 0, 0]]
    """
    matrix = np.full((len(lengths), MAX_LENGTH), PAD, dtype=np.uint8)
    row = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(codes)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    inside = place < MAX_LENGTH
    matrix[row[inside], place[inside]] = codes[inside]
    return matrix
