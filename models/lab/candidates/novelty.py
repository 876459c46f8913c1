"""Novelty: how unlike the trusted honest cohort a day is. None of these ever sees a bot in training."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.covariance import EllipticEnvelope, LedoitWolf
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.neural_network import MLPRegressor
from sklearn.svm import OneClassSVM

from models.lab.candidates.candidate import Candidate, Scorer
from models.lab.candidates.standardise import Standardiser
from models.lab.days import UserDays
from runtime.arrays import Floats

NEIGHBOURS = 10
LAYERS = (16, 8, 3, 8, 16)
"""The deep autoencoder's hidden layers (arXiv 2203.02124)."""
COMPONENTS = 12
"""Dimensions the elliptic envelope sees: its determinant is 0 in as many as there are shares that sum to 1."""
MAX_ROWS = 4000

Detector = Callable[[Floats, int], Callable[[Floats], Floats]]
"""Prepared honest rows and a seed to a function of prepared rows; higher is less like them."""


def knn_distance(honest: Floats, seed: int) -> Callable[[Floats], Floats]:
    neighbours = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(honest))).fit(honest)
    return lambda rows: neighbours.kneighbors(rows)[0].mean(axis=1)


def mahalanobis(honest: Floats, seed: int) -> Callable[[Floats], Floats]:
    return LedoitWolf().fit(honest).mahalanobis


def local_outlier_factor(honest: Floats, seed: int) -> Callable[[Floats], Floats]:
    fitted = LocalOutlierFactor(n_neighbors=min(20, len(honest) - 1), novelty=True).fit(honest)
    return lambda rows: -fitted.score_samples(rows)


def one_class_svm(honest: Floats, seed: int) -> Callable[[Floats], Floats]:
    fitted = OneClassSVM(nu=0.01, gamma="scale").fit(honest)
    return lambda rows: -fitted.score_samples(rows)


def isolation_forest(honest: Floats, seed: int) -> Callable[[Floats], Floats]:
    fitted = IsolationForest(n_estimators=100, random_state=seed).fit(honest)
    return lambda rows: -fitted.score_samples(rows)


def autoencoder(honest: Floats, seed: int) -> Callable[[Floats], Floats]:
    fitted = fit_autoencoder(honest, seed)
    return lambda rows: ((fitted.predict(rows) - rows) ** 2).mean(axis=1)


def fit_autoencoder(honest: Floats, seed: int, epochs: int = 80) -> Any:
    """Fit d–16–8–3–8–16–d on standardised rows."""
    net = MLPRegressor(
        hidden_layer_sizes=LAYERS,
        activation="tanh",
        early_stopping=len(honest) >= 200,
        max_iter=epochs,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the limit we chose
        return net.fit(honest, honest)


def elliptic_envelope(honest: Floats, seed: int) -> Callable[[Floats], Floats]:
    axes = PCA(min(COMPONENTS, *honest.shape), random_state=seed).fit(honest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a determinant that grows between steps: it keeps the best one
        fitted = EllipticEnvelope(random_state=seed, support_fraction=0.9).fit(axes.transform(honest))
    return lambda rows: fitted.mahalanobis(axes.transform(rows))


ONE_CLASS: dict[str, tuple[Detector, str]] = {
    "knn": (knn_distance, "mean distance to the 10 nearest honest days"),
    "mahalanobis": (mahalanobis, "Mahalanobis distance, shrunk covariance"),
    "lof": (local_outlier_factor, "local outlier factor"),
    "one_class_svm": (one_class_svm, "one-class SVM"),
    "honest_forest": (isolation_forest, "isolation forest on the trusted cohort"),
    "autoencoder": (autoencoder, "autoencoder d-16-8-3-8-16-d"),
    "elliptic_envelope": (elliptic_envelope, "elliptic envelope on 12 components"),
}
"""Also the semi-supervised models of the Netflix study."""


def _fit(detector: Detector) -> Callable[[UserDays, np.random.Generator], Scorer]:
    def fit(days: UserDays, rng: np.random.Generator) -> Scorer:
        standardise = Standardiser.fit(days.features)
        unlike = detector(standardise(days.features), int(rng.integers(2**31)))
        return lambda rows: np.asarray(unlike(standardise(rows.features)), dtype=np.float64)

    return fit


def _mean_rank(days: UserDays, rng: np.random.Generator) -> Scorer:
    """Novelty: mean rank of four detectors, each against the days it was fitted on."""
    standardise = Standardiser.fit(days.features)
    honest = standardise(days.features)
    seed = int(rng.integers(2**31))
    fitted = [detector(honest, seed) for detector in (knn_distance, mahalanobis, isolation_forest, autoencoder)]
    usual = [(np.median(own := unlike(honest)), max(float(np.std(own)), 1e-12)) for unlike in fitted]

    def score(rows: UserDays) -> Floats:
        matrix = standardise(rows.features)
        # ranks among the days being scored would depend on their company; spreads of the honest days do not
        return np.mean([(unlike(matrix) - m) / s for unlike, (m, s) in zip(fitted, usual, strict=True)], axis=0)

    return score


NOVELTY = (
    *(Candidate(name, "honest", text, _fit(detector), MAX_ROWS) for name, (detector, text) in ONE_CLASS.items()),
    Candidate("novelty", "honest", "mean of kNN, Mahalanobis, forest, autoencoder", _mean_rank, MAX_ROWS),
)
