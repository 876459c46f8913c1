"""Dense user × track blocks that camouflage does not hide: FRAUDAR (Hooi et al., KDD 2016), the greedy peeling.

The weight of an edge is 1 / log(degree of its track + 5): plays of popular tracks, with which bots hide, count little.
Nodes are removed one by one, each time the node with the smallest weight. The best of the sets that remain after each
step, by weight ÷ number of nodes, is within a factor of two of the best possible set.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.arrays import Ints

DAMPING = 5.0
"""The constant c of the paper's column weight 1 / log(d + c): keeps the weight of tracks with few accounts finite."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its accounts and tracks (codes), and its density: weight of its edges ÷ number of its nodes."""

    users: Ints
    tracks: Ints
    density: float


def peel(user: Ints, track: Ints, users: int, tracks: int, weight: NDArray[np.float64] | None = None) -> Block:
    """Return the densest block of a graph.

    `user` and `track` are the codes of its distinct edges, `weight` that of each edge (1 / log(degree + DAMPING) where
    it is None); `users` and `tracks` are the numbers of codes.
    """
    if weight is None:
        weight = 1 / np.log(np.bincount(track, minlength=tracks)[track] + DAMPING)
    nodes = users + tracks
    ends = np.concatenate([user, track + users])
    order = np.argsort(ends, kind="stable")
    begin = np.searchsorted(ends[order], np.arange(nodes + 1)).tolist()
    neighbour = np.concatenate([track + users, user])[order].tolist()
    edge_weight = np.concatenate([weight, weight])[order].tolist()
    node_weight = np.bincount(ends, weights=np.concatenate([weight, weight]), minlength=nodes).tolist()

    is_present = [begin[node + 1] > begin[node] for node in range(nodes)]
    heap = [(node_weight[node], node) for node in range(nodes) if is_present[node]]
    heapq.heapify(heap)
    total, size = float(weight.sum()), len(heap)
    best, best_size = total / max(size, 1), size
    removed: list[int] = []
    while heap:
        lowest, node = heapq.heappop(heap)
        if not is_present[node] or lowest > node_weight[node]:
            continue  # an outdated entry: the node was removed, or has a newer entry with less weight
        is_present[node] = False
        removed.append(node)
        total -= node_weight[node]
        size -= 1
        for edge in range(begin[node], begin[node + 1]):
            other = neighbour[edge]
            if is_present[other]:
                node_weight[other] -= edge_weight[edge]
                heapq.heappush(heap, (node_weight[other], other))
        if size and total / size > best:
            best, best_size = total / size, size
    block = np.array(sorted(removed[len(removed) - best_size :]), dtype=np.int64)
    return Block(block[block < users], block[block >= users] - users, best)


def densest_blocks(user: Ints, track: Ints, users: int, tracks: int, number: int) -> list[Block]:
    """Return up to `number` blocks of a graph (see `peel`), each after the edges of the blocks before were removed."""
    weight = 1 / np.log(np.bincount(track, minlength=tracks)[track] + DAMPING)  # degrees in the whole graph
    blocks: list[Block] = []
    for _ in range(number):
        if not len(user):
            break
        block = peel(user, track, users, tracks, weight)
        blocks.append(block)
        is_inside = np.isin(user, block.users) & np.isin(track, block.tracks)
        user, track, weight = user[~is_inside], track[~is_inside], weight[~is_inside]
    return blocks


def chance_density(
    user: Ints, track: Ints, users: int, tracks: int, is_chosen: NDArray[np.bool_], rng: np.random.Generator
) -> float:
    """Return the density of the densest block that chance makes on the chosen tracks (a mask over the track codes).

    The edges are shuffled with the same degrees, before the tracks are chosen. Shuffled among the chosen tracks only, a
    farm that plays nearly all of them would be compared with itself.
    """
    shuffled = np.unique(np.stack([user, rng.permutation(track)]), axis=1)
    user, track = shuffled[:, is_chosen[shuffled[1]]]
    return peel(user, track, users, tracks).density if len(user) else 0.0
