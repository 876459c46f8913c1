"""Bot families, hard negatives and the categories of abuse: the words of every label.

Labels are generator identity: what the simulator made, never a rule over features.
"""

from dataclasses import dataclass

CONTENT, SERVICE, ACCOUNT = "content", "service", "account"
CATEGORIES = (CONTENT, SERVICE, ACCOUNT)

HONEST = "honest"
"""The `family` in truth of a play that no bot made."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of bot, with the categories of abuse it counts under (REALISM §2)."""

    name: str
    meaning: str
    categories: tuple[str, ...]


FAMILIES: dict[str, Family] = {
    f.name: f
    for f in (
        Family("loop30", "30–45 s plays of a few tracks round the clock", (SERVICE,)),
        Family("marathon", "5 h on, 12 h off, one artist, N purchased streams over n staggered accounts", (SERVICE,)),
        Family("masked", "a marathon on top of the account's own honest listening", (SERVICE,)),
        Family("farm", "many accounts, few devices, one playlist in lockstep", (SERVICE, ACCOUNT)),
    )
}

HARD_NEGATIVES: dict[str, str] = {
    "superfan": "one artist on repeat, for love",
    "sleep": "white noise or a sleep playlist all night",
    "venue": "a shop or bar that plays from opening to closing, untouched",
}
"""Honest accounts that look like bots, by cohort."""

PAID_SHARE_POSITIVE = 0.5
"""A session is positive if it has a paid-for stream and at least this share of its streams is paid for."""
