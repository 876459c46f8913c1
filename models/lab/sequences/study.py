"""The study of sequence detectors: the lab's protocol on sessions.

Accounts are dealt into parts; each part is tested by what was fitted on the others. Of these a third sets the threshold
and is not fitted on. A campaign's accounts stay together. Fraud is weighted to a stated prevalence, intervals resample
accounts, and a detector without labels never sees one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import process_time
from zlib import crc32

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.errors import ModelError
from models.lab.measures import RESAMPLES, Weights, average_precision, interval, resamples, share
from models.lab.progress import ReportProgress
from models.lab.protocol import FALSE_ALARMS, parts_of, threshold
from models.lab.sequences.detectors import SequenceDetector
from models.lab.sequences.table import Sequences
from runtime.arrays import Floats, Ints

MAX_FIT, MAX_TEST = 8_000, 8_000
"""Honest sessions that a detector is fitted on, and tested on, at most; fraud is all taken. Printed, never silent."""
MIN_FRAUD = 30
"""Fraudulent sessions below which nothing is measured."""
AUC, AP, RECALL, ALARMS = "auc", "ap", "recall_at_fpr_0001", "false_alarm_rate"
MEASURES = (AUC, AP, RECALL, ALARMS)


@dataclass(slots=True)
class SequenceResults:
    """By detector and measure: value, low, high; CPU seconds of fitting; and what it was measured on."""

    measures: dict[str, dict[str, dict[str, float | None]]] = field(default_factory=dict)
    fit_cpu_s: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    sessions: int = 0
    fraud: int = 0
    accounts: int = 0
    fraud_accounts: int = 0
    prevalence: float = 0.0


def study_sequences(
    sequences: Sequences,
    detectors: Mapping[str, SequenceDetector],
    report_progress: ReportProgress,
    *,
    seed: int,
    prevalence: float | None = None,
    parts: int = 2,
    draws: int = RESAMPLES,
) -> SequenceResults:
    """Measure each detector, with fraud weighted to `prevalence` of the sessions; None is the table's own share.

    Raises ModelError where there is too little fraud to measure anything.
    """
    is_fraud = sequences.label == 1
    if is_fraud.sum() < MIN_FRAUD:
        raise ModelError(
            f"{int(is_fraud.sum())} fraudulent sessions among {len(sequences):,}: expected at least {MIN_FRAUD}; "
            "simulate more users"
        )
    rng = np.random.default_rng(seed)
    results = SequenceResults(
        sessions=len(sequences),
        fraud=int(is_fraud.sum()),
        accounts=len(np.unique(sequences.account)),
        fraud_accounts=len(np.unique(sequences.account[is_fraud])),
        prevalence=float(is_fraud.mean()) if prevalence is None else prevalence,
    )
    code = np.unique(sequences.account, return_inverse=True)[1]
    stratum = pd.Series(is_fraud).groupby(code).max().map({True: "fraud", False: HONEST}).to_numpy(dtype=object)
    # the number of resamples changes no split
    weights = resamples(stratum, np.random.default_rng([seed, draws]), draws)
    frame = pd.DataFrame({"group": sequences.group, "family": sequences.family, "cohort": None})
    part = parts_of(frame, parts, rng)
    folds = [_fold(sequences, part, number, rng) for number in range(parts)]
    for name, detector in detectors.items():
        measured: list[dict[str, tuple[Floats, Floats]]] = []
        spent = 0.0
        for number, fold in enumerate(folds):
            report_progress(f"{name}: part {number + 1} of {parts}")
            fitted = fold.labelled if detector.kind == "supervised" else fold.unlabelled
            began = process_time()
            fit_rng = np.random.default_rng([seed, number, crc32(name.encode())])
            score = detector.fit(sequences.take(fitted), fit_rng)
            spent += process_time() - began
            mark = threshold(score(sequences.take(fold.calibration)), FALSE_ALARMS)
            rows, drawn = sequences.take(fold.test), weights[:, code[fold.test]]
            measured.append(_measure(score(rows), rows.label == 1, mark, drawn, results.prevalence))
        results.measures[name] = {measure: interval(_mean(measured, measure)) for measure in MEASURES}
        results.fit_cpu_s[name] = spent
        results.kinds[name], results.descriptions[name] = detector.kind, detector.description
    return results


@dataclass(frozen=True, slots=True)
class _Fold:
    """Rows to fit on, with labels and without; honest rows that set the threshold; and rows to test on."""

    labelled: Ints
    unlabelled: Ints
    calibration: Ints
    test: Ints


def _fold(sequences: Sequences, part: Ints, number: int, rng: np.random.Generator) -> _Fold:
    outside = np.flatnonzero(part != number)
    groups = np.unique(sequences.group[outside])
    calibrates = np.isin(sequences.group, rng.permutation(groups)[: len(groups) // 3])
    fits = outside[~calibrates[outside]]
    label = sequences.label
    return _Fold(
        labelled=_some(fits, label, MAX_FIT, rng),
        unlabelled=_limit(fits, MAX_FIT, rng),  # fraud has its natural share among them
        calibration=_limit(outside[calibrates[outside] & (label[outside] == 0)], MAX_TEST, rng),
        test=_some(np.flatnonzero(part == number), label, MAX_TEST, rng),
    )


def _some(rows: Ints, label: Floats, limit: int, rng: np.random.Generator) -> Ints:
    """Take all fraud, and honest rows up to a limit."""
    return np.sort(np.concatenate([rows[label[rows] == 1], _limit(rows[label[rows] == 0], limit, rng)]))


def _limit(rows: Ints, limit: int, rng: np.random.Generator) -> Ints:
    return rows if len(rows) <= limit else np.sort(rng.choice(rows, limit, replace=False))


def _measure(
    score: Floats, is_fraud: np.ndarray, mark: float, weight: Weights, prevalence: float
) -> dict[str, tuple[Floats, Floats]]:
    """Return by measure the weight of its rows and its value, each by resample."""
    fraud, honest = np.flatnonzero(is_fraud), np.flatnonzero(~is_fraud)
    of_fraud, of_honest = weight[:, fraud], weight[:, honest]
    total, honest_total = of_fraud.sum(axis=1, dtype=np.float64), of_honest.sum(axis=1, dtype=np.float64)
    return {
        AUC: (total, _auc(score[fraud], score[honest], of_fraud, of_honest)),
        AP: (total, average_precision(score[fraud], score[honest], of_fraud, of_honest, prevalence)),
        RECALL: (total, share(score[fraud] >= mark, of_fraud)),
        ALARMS: (honest_total, share(score[honest] >= mark, of_honest)),
    }


def _auc(fraud: Floats, honest: Floats, weight: Weights, honest_weight: Weights) -> Floats:
    """Return by resample the chance that a fraudulent session scores higher than an honest one; ties count half."""
    order = np.argsort(honest, kind="stable")
    below = np.cumsum(np.pad(honest_weight[:, order].astype(np.float64), ((0, 0), (1, 0))), axis=1)
    low, high = (np.searchsorted(honest[order], fraud, side=side) for side in ("left", "right"))
    wins = (weight.astype(np.float64) * (below[:, low] + below[:, high]) / 2).sum(axis=1)
    pairs = weight.sum(axis=1, dtype=np.float64) * below[:, -1]
    return np.where(pairs > 0, wins / np.maximum(pairs, 1e-12), np.nan)


def _mean(parts: list[dict[str, tuple[Floats, Floats]]], measure: str) -> Floats:
    """Return the mean over parts, weighted by their rows in each resample."""
    total = np.sum([part[measure][0] for part in parts], axis=0)
    weighted = np.sum([part[measure][0] * np.nan_to_num(part[measure][1]) for part in parts], axis=0)
    return np.where(total > 0, weighted / np.maximum(total, 1e-12), np.nan)
