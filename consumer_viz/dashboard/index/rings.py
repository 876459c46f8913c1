"""Rings: suspected campaigns that are the same accounts are one ring, which an analyst decides as one case.

The finders look for different traces, so they find one operator's accounts several times: by their tracks, by their
devices. Campaigns that share at least half of the smaller one's accounts are one ring.
"""

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import orjson

MIN_OVERLAP = 0.5
"""Share of the smaller campaign's accounts that are in the other one, from which both are one ring."""


def merge_campaigns(campaigns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rings, the largest first. `campaigns`: flagged rows of the table campaigns.

    >>> rows = [{"campaign_key": k, "kind": k[0], "user_ids": list(users), "score": 0.9, "probability": p,
    ...          "reasons": [k], "track_ids": ["t"], "first_seen": None, "last_seen": None}
    ...         for k, users, p in (("d1", "abc", 0.8), ("l2", "abcdef", 0.9), ("p3", "fghijk", None))]
    >>> [("".join(r["user_ids"]), r["kinds"], r["probability"]) for r in merge_campaigns(rows)]
    [('abcdef', ['l', 'd'], 0.9), ('fghijk', ['p'], None)]
    """
    ordered = sorted(campaigns, key=lambda row: (-len(row["user_ids"]), row["campaign_key"]))
    parent = list(range(len(ordered)))

    def root(n: int) -> int:
        while parent[n] != n:
            n = parent[n]
        return n

    for (one, other), common in _overlaps([row["user_ids"] for row in ordered]).items():
        if common >= MIN_OVERLAP * len(ordered[other]["user_ids"]):  # the later one is the smaller one
            a, b = sorted((root(one), root(other)))
            parent[b] = a
    groups: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for n, row in enumerate(ordered):
        groups[root(n)].append(row)
    return sorted((_ring(rows) for rows in groups.values()), key=lambda ring: -len(ring["user_ids"]))


def _overlaps(groups: Sequence[Sequence[str]]) -> Counter[tuple[int, int]]:
    """Count the accounts that two groups have in common, for pairs that have any."""
    of_user: dict[str, list[int]] = defaultdict(list)
    for n, users in enumerate(groups):
        for user in set(users):
            of_user[user].append(n)
    return Counter(pair for numbers in of_user.values() for pair in combinations(numbers, 2))


def _ring(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Add up campaigns, the largest first, to one ring."""
    users = sorted({user for row in rows for user in row["user_ids"]})
    largest: dict[str, dict[str, Any]] = {}
    for row in rows:
        largest.setdefault(row["kind"], row)
    probabilities = [row["probability"] for row in rows if row["probability"] is not None]
    return {
        "ring_id": f"r-{hashlib.blake2b(' '.join(users).encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}",
        "user_ids": users,
        "kinds": list(largest),
        "reasons": list(dict.fromkeys(text for row in largest.values() for text in row["reasons"] or ())),
        "track_ids": list(dict.fromkeys(track for row in rows for track in row["track_ids"] or ())),
        "probability": max(probabilities, default=None),
        "first_seen": min((row["first_seen"] for row in rows if row["first_seen"] is not None), default=None),
        "last_seen": max((row["last_seen"] for row in rows if row["last_seen"] is not None), default=None),
    }


def write_rings(db: sqlite3.Connection, campaigns: Sequence[dict[str, Any]]) -> None:
    """Replace the rings of the index. A ring that mostly consists of an earlier one's accounts keeps its id.

    So it stays the same case when it grows from one daily run to the next.
    """
    earlier: dict[str, list[str]] = defaultdict(list)
    for user, ring_id in db.execute("select user_id, ring_id from ring_members"):
        earlier[user].append(ring_id)
    sizes = dict(db.execute("select ring_id, count(*) from ring_members group by ring_id"))
    db.execute("delete from rings")
    db.execute("delete from ring_members")
    taken: set[str] = set()
    for ring in merge_campaigns(campaigns):
        users = ring.pop("user_ids")
        ring["ring_id"] = _kept_id(ring["ring_id"], (earlier[user] for user in users), sizes, taken)
        taken.add(ring["ring_id"])
        db.execute("insert into rings values (?, ?)", (ring["ring_id"], orjson.dumps(ring, default=str)))
        db.executemany("insert into ring_members values (?, ?)", ((user, ring["ring_id"]) for user in users))


def _kept_id(new_id: str, earlier: Iterable[Sequence[str]], sizes: dict[str, int], taken: set[str]) -> str:
    for ring_id, common in Counter(ring_id for ids in earlier for ring_id in ids).most_common():
        if ring_id not in taken and common >= MIN_OVERLAP * sizes[ring_id]:
            return ring_id
    return new_id
