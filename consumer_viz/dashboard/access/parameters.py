"""Parameters of addresses and forms, within what the pages can look up."""

from typing import Annotated

from fastapi import Query

LARGEST = 2**63 - 1
"""The largest number that SQLite takes."""
Number = Annotated[int, Query(ge=0, le=LARGEST)]
