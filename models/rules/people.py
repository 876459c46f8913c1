"""Who works in a world: everybody that decided a case, was given one, or had to do with a rule."""

import sqlite3
from contextlib import closing

from models.rules.store import RuleStore
from runtime.world import World

_QUERY = "select analyst from decisions union select assignee from assignments where assignee is not null"


def known_people(world: World, store: RuleStore) -> set[str]:
    """Return the names; those of the verdicts where they can be read."""
    names = store.people()
    if world.verdicts.exists():
        try:
            with closing(sqlite3.connect(f"{world.verdicts.resolve().as_uri()}?mode=ro", uri=True)) as db:
                names |= {str(row[0]) for row in db.execute(_QUERY)}
        except sqlite3.DatabaseError:
            pass  # of another version, or damaged: the desk says so
    return names
