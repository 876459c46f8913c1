"""Settings of the analyst's pages: money that needs two people, holds of streams."""

from pydantic import Field
from pydantic_settings import BaseSettings


class DeskSettings(BaseSettings):
    """What the owner of the analyst's pages may set."""

    second_review_eur: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Euros at risk from which a confirmed case or ring needs a second person; None: no case does."""
    hold_days: int = Field(default=90, ge=1, le=3660)
    """Days after which the hold of a confirmed case's streams ends by itself."""


EXPECTED = {
    "second_review_eur": "is no sum of euros, 0 or more",
    "hold_days": "is no whole number of days (1–3660)",
}
"""What a value that cannot be used should be."""
