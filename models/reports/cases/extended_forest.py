"""The extended isolation forest (Hariri, Carrasco Kind and Brunner 2021): cuts in any direction, not along a column."""

from collections.abc import Callable

import numpy as np

from runtime.arrays import Floats

TREES, SAMPLE, DEPTH = 100, 256, 8
"""As in the forest that is shipped; the depth is the logarithm of the sample."""
EULER = 0.5772156649015329

Node = float | tuple[Floats, float, "Node", "Node"]
"""A leaf, the length of the path to it; or a cut: direction, place, what is below, what is not."""


def fit_extended(matrix: Floats, rng: np.random.Generator) -> Callable[[Floats], Floats]:
    """Fit on rows (rows, columns); return a function of such rows to scores, higher where fewer cuts isolate a row."""
    known = ~np.isnan(matrix)
    fill = np.where(known.any(axis=0), np.nanmedian(np.where(known.any(axis=0), matrix, 0.0), axis=0), 0.0)
    filled = np.where(known, matrix, fill)
    middle, spread = filled.mean(axis=0), np.maximum(filled.std(axis=0), 1e-9)
    rows = (filled - middle) / spread
    size = min(SAMPLE, len(rows))
    trees = [_grow(rows[rng.choice(len(rows), size, replace=False)], rng, 0) for _ in range(TREES)]

    def score(tested: Floats) -> Floats:
        inputs = (np.where(np.isnan(tested), fill, tested) - middle) / spread
        length = np.mean([_path(tree, inputs) for tree in trees], axis=0)
        return np.asarray(2 ** (-length / max(_mean_path(size), 1e-9)), dtype=np.float64)

    return score


def _grow(rows: Floats, rng: np.random.Generator, depth: int) -> Node:
    if depth >= DEPTH or len(rows) <= 1:
        return depth + _mean_path(len(rows))
    direction: Floats = rng.standard_normal((rows.shape[1],))
    along = rows @ direction
    cut = float(rng.uniform(along.min(), along.max()))
    below = along < cut
    return direction, cut, _grow(rows[below], rng, depth + 1), _grow(rows[~below], rng, depth + 1)


def _path(node: Node, rows: Floats) -> Floats:
    if not isinstance(node, tuple):
        return np.full(len(rows), node)
    direction, cut, low, high = node
    below = rows @ direction < cut
    length = np.empty(len(rows))
    length[below], length[~below] = _path(low, rows[below]), _path(high, rows[~below])
    return length


def _mean_path(n: int) -> float:
    """Return the mean length of an unsuccessful search in a binary tree of n rows (Liu, Ting and Zhou 2008).

    >>> _mean_path(1), _mean_path(2), round(_mean_path(256), 2)
    (0.0, 1.0, 10.24)
    """
    if n <= 2:
        return float(max(n - 1, 0))
    return 2 * (float(np.log(n - 1)) + EULER) - 2 * (n - 1) / n
