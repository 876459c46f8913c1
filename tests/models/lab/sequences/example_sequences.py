"""Sequences made by hand: honest sessions alternate actions 1 and 2, fraudulent ones repeat action 3."""

import numpy as np

from contracts.labels import HONEST
from models.lab.sequences.table import FRAUD, Sequences, as_matrix


def example_sequences(accounts: int = 60, sessions: int = 12, seed: int = 1) -> Sequences:
    """Return sessions of accounts, every fifth one with fraud in half of its sessions."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts), sessions)
    is_fraud = (account % 5 == 0) & (rng.random(len(account)) < 0.5)
    lengths = rng.integers(3, 9, len(account))
    place = np.concatenate([np.arange(length) for length in lengths])
    codes = np.where(np.repeat(is_fraud, lengths), 3, 1 + place % 2)
    codes = np.where(rng.random(len(codes)) < 0.1, rng.integers(1, 4, len(codes)), codes)
    family = np.where(is_fraud, FRAUD, HONEST).astype(object)
    return Sequences(as_matrix(codes.astype(np.uint8), lengths), account, account, family, 3)
