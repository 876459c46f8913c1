"""The reference of a model: how its features and its score lay in its training data, a few numbers for each.

It is `reference.json` next to the model. Its SHA-256 is in the manifest that `playproof model train` writes, and in
`models/registry/champions.py` for the model that shipped before there were references.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.drift.bins import SMOOTHING, Bins, make_bins
from models.errors import ModelError
from models.registry.artefact import read_trusted
from models.registry.champions import DRIFT_REFERENCES
from runtime.arrays import Floats

REFERENCE = "reference.json"
REFERENCE_HASH = "reference_sha256"
"""Key of the manifest."""
SCORE = "score"
PARTS = 10_000
"""Shares are whole ten-thousandths in the file."""


@dataclass(frozen=True, slots=True)
class DriftReference:
    """Bins by quantity: every feature, and the score."""

    bins: dict[str, Bins]
    sessions: int
    accounts: int


def build_reference(
    table: pd.DataFrame, features: Sequence[str], score: Callable[[pd.DataFrame], Floats]
) -> DriftReference:
    """Build the reference from the honest sessions of a training table (user_id, label, features).

    Nearly all sessions of a service are honest, while bots are oversampled in training. `score` gives the model's score
    of sessions; give only sessions that it was not fitted on, since its score of others is too sure.
    """
    honest = table[table["label"] == 0]
    account, users = pd.factorize(honest["user_id"])
    values = {name: honest[name].to_numpy(dtype=np.float64) for name in features} | {SCORE: score(honest)}
    bins = {name: make_bins(account.astype(np.int64), len(users), column) for name, column in values.items()}
    return DriftReference(bins, len(honest), len(users))


def encode_reference(reference: DriftReference) -> bytes:
    """Write a reference as JSON, by quantity its edges, shares and noise; the same bytes for the same numbers."""
    quantities = {
        name: [
            bins.edges.tolist(),
            [round(PARTS * share) for share in bins.shares.tolist()],
            float(f"{bins.noise:.3g}"),
        ]
        for name, bins in reference.bins.items()
    }
    content = {"sessions": reference.sessions, "accounts": reference.accounts, "quantities": quantities}
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def read_reference(folder: Path, manifest: dict[str, Any]) -> DriftReference:
    """Read the reference of a model, whose manifest is trusted. Raises ModelError where there is none."""
    trusted = manifest.get(REFERENCE_HASH) or DRIFT_REFERENCES.get(folder.name)
    if trusted is None:
        raise ModelError(
            f"model {manifest['name']} has no reference of its training: train it again:  playproof model train"
        )
    content = json.loads(read_trusted(folder / REFERENCE, trusted))
    least = SMOOTHING / content["sessions"]
    bins = {}
    for name, (edges, parts, noise) in content["quantities"].items():
        shares = np.maximum(np.array(parts, dtype=np.float64) / PARTS, least)
        bins[name] = Bins(np.array(edges, dtype=np.float64), shares / shares.sum(), noise)
    return DriftReference(bins, content["sessions"], content["accounts"])
