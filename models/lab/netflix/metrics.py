"""The framework's metrics: binary ones, and those of several labels at once."""

import numpy as np
from sklearn.metrics import fbeta_score, hamming_loss, roc_auc_score

from runtime.arrays import Bools, Floats

BINARY = ("accuracy", "precision", "recall", "F0.5", "F1", "F2", "ROC AUC")
MULTI_LABEL = (*BINARY, "exact match ratio", "Hamming loss", "Hamming score")

Numbers = dict[str, float]


def binary(label: Bools, predicted: Bools, score: Floats) -> Numbers:
    """Measure one label; ROC AUC is NaN where there is only one class.

    >>> round(binary(np.array([True, False]), np.array([True, True]), np.array([0.9, 0.1]))["F1"], 3)
    0.667
    """
    hits = int((label & predicted).sum())
    numbers = {
        "accuracy": float((label == predicted).mean()),
        "precision": hits / max(int(predicted.sum()), 1),
        "recall": hits / max(int(label.sum()), 1),
    }
    for beta, name in ((0.5, "F0.5"), (1.0, "F1"), (2.0, "F2")):
        numbers[name] = float(fbeta_score(label, predicted, beta=beta, zero_division=0))
    both = 0 < label.sum() < len(label)
    return numbers | {"ROC AUC": float(roc_auc_score(label, score)) if both else float("nan")}


def multi_label(label: Bools, predicted: Bools, score: Floats) -> Numbers:
    """Measure several labels, (rows, categories): binary metrics as means over categories, and the joint ones."""
    each = [binary(label[:, c], predicted[:, c], score[:, c]) for c in range(label.shape[1])]
    numbers = {name: float(np.nanmean([one[name] for one in each])) for name in BINARY}
    either = (label | predicted).sum(axis=1)
    same = np.where(either > 0, (label & predicted).sum(axis=1) / np.maximum(either, 1), 1.0)
    return numbers | {
        "exact match ratio": float((label == predicted).all(axis=1).mean()),
        "Hamming loss": float(hamming_loss(label, predicted)),
        "Hamming score": float(same.mean()),
    }
