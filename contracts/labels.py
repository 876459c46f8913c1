"""Bot families, hard negatives and the categories of abuse: the words of every label.

Labels are generator identity: what the simulator made, never a rule over features.
"""

from dataclasses import dataclass

CONTENT, SERVICE, ACCOUNT = "content", "service", "account"
CATEGORIES = (CONTENT, SERVICE, ACCOUNT)
CATEGORY_MEANINGS = {
    CONTENT: "takes copies of tracks",
    SERVICE: "automatic or bought streams",
    ACCOUNT: "a hijacked, shared or sold account",
}

HONEST = "honest"
"""The `family` in truth of a play that no bot made."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of bot, with the categories of abuse it counts under (arXiv 2203.02124)."""

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
        Family("catalog_spread", "a little of everything: thousands of tracks, nearly flat", (SERVICE,)),
        Family("low_slow", "10–40 paid plays a day inside human-like cover", (SERVICE,)),
        Family("takeover", "a hijacked honest account: night bursts, new device and network", (ACCOUNT,)),
        Family("geo_vpn", "impossible travel between hosting networks", (SERVICE,)),
        Family("playlist_farm", "one playlist, played through, never touched", (SERVICE,)),
        Family("boost", "a paid pump on a new release", (SERVICE,)),
        Family("content_ripper", "rapid licences, failed starts, odd device and DRM pairs", (CONTENT,)),
        Family("replay", "a real listener's timestamps with other tracks", (SERVICE,)),
        Family("quiet_shift", "an account's usual hours and counts, but 30–35 s plays at 02–04 h", (SERVICE,)),
        Family("hidden_target", "a few targets inside a popular playlist, at a person's times", (SERVICE,)),
        Family("rotation", "accounts take turns: 40 minutes a day each, at another hour every day", (SERVICE,)),
        Family("dormant", "rests for weeks, then works for days from other homes' addresses", (SERVICE, ACCOUNT)),
        Family("sleep_ring", "a ring of sleep sounds just over 30 s, all night, on ordinary accounts", (SERVICE,)),
        Family("agent", "a program that searches, likes and skips; one play in seven is a target", (SERVICE,)),
        Family("ai_flood", "thousands of new machine-made tracks, each played a little", (SERVICE,)),
        Family("chart_pump", "one track for one week of the charts", (SERVICE,)),
        Family("sabotage", "cheap bots on a rival's tracks, so that the rival is fined", (SERVICE,)),
        Family("payout_stop", "every target stops right after the payout line of 30 s", (SERVICE,)),
        Family("single_loop", "one track or one album, over and over, all day", (SERVICE,)),
        Family("high_weeks", "an honest account that is high for three weeks in a row", (SERVICE,)),
        Family("every_17h", "one session every 17 hours, to the minute", (SERVICE,)),
        Family("sleepless", "23 hours in a row on some days of an ordinary account", (SERVICE,)),
        Family(
            "resold", "sold to strangers, who share devices, copy, and stream for hire", (CONTENT, SERVICE, ACCOUNT)
        ),
    )
}

MECHANISMS: dict[str, tuple[str, ...]] = {
    "timing": (
        "loop30", "marathon", "masked", "quiet_shift", "sleep_ring", "payout_stop", "single_loop", "every_17h",
        "sleepless", "high_weeks",
    ),
    "device pool": ("farm", "geo_vpn", "takeover", "content_ripper", "resold", "dormant", "rotation"),
    "target": (
        "catalog_spread", "low_slow", "playlist_farm", "boost", "replay", "hidden_target", "agent", "ai_flood",
        "chart_pump", "sabotage",
    ),
}  # fmt: skip
"""Families share primitives, so whole groups are left out as well, by what their operators have in common: clockwork,
machines and networks, or what is played."""

HARD_NEGATIVES: dict[str, str] = {
    "superfan": "one artist on repeat, for love",
    "sleep": "white noise or a sleep playlist all night",
    "venue": "a shop or bar that plays from opening to closing, untouched",
    "family_account": "several people on one account, often at once",
    "child": "a child with one song",
    "skip_heavy": "a browser who skips nearly everything",
    "traveller": "on the road: other countries, hotel and mobile networks",
    "office": "an office or a university: many accounts behind one address",
    "release_day": "fans on the day a record comes out",
    "vpn": "a privacy-minded listener: everything goes through a VPN",
    "night_shift": "a night-shift worker",
    "buggy_client": "a client with a fault: failed starts, repeated licence requests",
    "drifter": "listens ever more, or ever less, over months",
    "binge": "weeks at three times the usual",
    "all_hours": "ten hours a day, half of it at night, hardly a skip",
    "sampler": "hundreds of tracks a day, most of them cut within seconds",
    "one_artist": "one artist for weeks, then another",
    "two_devices": "a household that plays on two devices at once",
    "long_run": "150 tracks in a row, into the night",
    "big_day": "now and then a day of hundreds of plays",
    "one_list": "one record or one playlist for weeks, then another",
}
"""Honest accounts that look like bots, by cohort."""

PAID_SHARE_POSITIVE = 0.5
"""A session is positive if it has a paid-for stream and at least this share of its streams is paid for."""

PAID_STREAMS_OF_A_DAY = 10
"""A user-day is positive from this many paid-for streams: a choice."""
