"""A column of a table: what every table in `contracts` is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type in Spark DDL, and what it means."""

    name: str
    type: str
    meaning: str
