"""Dense user × track blocks that camouflage does not hide: FRAUDAR (Hooi et al., KDD 2016), the greedy peeling.

An edge weighs 1 / log(degree of its track + 5), so that plays of popular tracks, which are how bots hide, count little.
Nodes are removed one by one, always the one with the least weight left; the best of all sets passed on the way, by
weight over number of nodes, is within a factor of two of the best there is.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.arrays import Ints

DAMPING = 5.0
"""The constant of the paper's column weight 1 / log(d + c): keeps tracks with one or two accounts finite."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its accounts, its tracks, and its density, weight over number of nodes."""

    users: Ints
    tracks: Ints
    density: float


def peel(user: Ints, track: Ints, users: int, tracks: int, weight: NDArray[np.float64] | None = None) -> Block:
    """Find the densest block of a graph given as distinct edges (user, track)."""
    if weight is None:
        weight = 1 / np.log(np.bincount(track, minlength=tracks)[track] + DAMPING)
    nodes = users + tracks
    ends = np.concatenate([user, track + users])
    order = np.argsort(ends, kind="stable")
    begin = np.searchsorted(ends[order], np.arange(nodes + 1)).tolist()
    neighbour = np.concatenate([track + users, user])[order].tolist()
    edge_weight = np.concatenate([weight, weight])[order].tolist()
    left = np.bincount(ends, weights=np.concatenate([weight, weight]), minlength=nodes).tolist()

    present = [begin[node + 1] > begin[node] for node in range(nodes)]
    heap = [(left[node], node) for node in range(nodes) if present[node]]
    heapq.heapify(heap)
    total, size = float(weight.sum()), len(heap)
    best, best_size = total / max(size, 1), size
    removed: list[int] = []
    while heap:
        least, node = heapq.heappop(heap)
        if not present[node] or least > left[node]:
            continue  # an older entry: the node is gone, or has a lighter entry still to come
        present[node] = False
        removed.append(node)
        total -= left[node]
        size -= 1
        for at in range(begin[node], begin[node + 1]):
            other = neighbour[at]
            if present[other]:
                left[other] -= edge_weight[at]
                heapq.heappush(heap, (left[other], other))
        if size and total / size > best:
            best, best_size = total / size, size
    kept = np.array(sorted(removed[len(removed) - best_size :]), dtype=np.int64)
    return Block(kept[kept < users], kept[kept >= users] - users, best)


def densest_blocks(user: Ints, track: Ints, users: int, tracks: int, number: int) -> list[Block]:
    """Return up to `number` blocks, each found after the edges of the ones before were taken out."""
    weight = 1 / np.log(np.bincount(track, minlength=tracks)[track] + DAMPING)  # of the whole graph, as it was
    found: list[Block] = []
    for _ in range(number):
        if not len(user):
            break
        block = peel(user, track, users, tracks, weight)
        found.append(block)
        inside = np.isin(user, block.users) & np.isin(track, block.tracks)
        user, track, weight = user[~inside], track[~inside], weight[~inside]
    return found


def chance_density(
    user: Ints, track: Ints, users: int, tracks: int, kept: NDArray[np.bool_], rng: np.random.Generator
) -> float:
    """Return the density of the densest block that chance makes on the `kept` tracks.

    The graph is wired anew with the degrees it has, all its edges before the tracks were chosen: a farm that plays
    nearly all of the kept tracks would otherwise be its own measure.
    """
    shuffled = np.unique(np.stack([user, rng.permutation(track)]), axis=1)
    user, track = shuffled[:, kept[shuffled[1]]]
    return peel(user, track, users, tracks).density if len(user) else 0.0
