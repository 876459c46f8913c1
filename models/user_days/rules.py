"""The rules of the user-day detector, each a row of a table.

A rule fires where the day is far from what is usual for this account (robust z over its own active days) **and** over
an absolute floor, so that "three times nothing" is no alarm. Rules of one group see the same thing twice: a flag needs
rules of at least two groups, or one rule that is enough by itself.
"""

from dataclasses import dataclass
from typing import Literal

from contracts.wording.quantities import format_quantity
from contracts.wording.reasons import RULES as REASONS
from contracts.wording.reasons import USUAL_OWN

GROUPS = ("volume", "repetition", "place", "interaction", "payout")
"""Independent kinds of evidence: how much, how often the same, from where, whether a hand touches it, and whether plays
stop where they begin to pay. Two rules are of one group where they fire on the same honest days: a long day has many
plays and many hours, and one track in a loop has even gaps. Plays at night are of no group: an evening with one record
that goes on past midnight is an honest person's, and no bot was found by its nights that nothing else had found."""
GROUPS_FOR_A_FLAG = 2
Z = 3.0
"""Robust z (median and MAD) from which a day is unusual."""
Z_VOLUME = 5.0
"""The same of plays and hours. A person's own days differ more in these than in what is heard: a free Sunday, a binge.
At 3 they make twice the false alarms of 5, and find hardly a bot more."""

Direction = Literal["high", "low"]
Unit = Literal["h", "count", "share", "bits"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. It fires where direction, z, floor and `min_plays` all hold."""

    name: str
    group: str | None
    """None where it is a reason to read and no evidence: it never makes a flag."""
    feature: str
    direction: Direction
    floor: float
    """At least this much (direction high), or at most (low)."""
    unit: Unit
    min_spread: float
    """The least spread that z divides by: below it the account's days are nearly equal."""
    min_plays: int = 0
    """Plays of the day from which a share means something."""
    min_sds: float = 0.0
    """Own standard deviations over the own mean that the day must also exceed."""
    z: float | None = Z
    """None where no history is needed: the feature compares with it already, or the floor is beyond any listener."""
    is_enough: bool = False
    """Whether the rule flags a day by itself: hardly any honest day reaches its floor."""
    needs_own: bool = False
    """Whether only the account's own history will do. Some habits differ more between people than a cohort shows: who
    plays all day, untouched, from the first day on is a shop, a sleeper or a bot, and no hours say which."""

    @property
    def reason(self) -> str:
        """The reason for a person; `{value}` and `{usual}` are filled in."""
        return REASONS[self.name]


RULES: tuple[Rule, ...] = (
    Rule("hours", "volume", "hours", "high", 12, "h", 0.5, min_sds=3, z=Z_VOLUME, needs_own=True),
    Rule("no_rest", "volume", "hours", "high", 20, "h", 0.5, min_sds=3, z=Z_VOLUME, is_enough=True, needs_own=True),
    Rule("round_clock", "volume", "hours", "high", 22, "h", 0.5, z=Z_VOLUME, is_enough=True),
    Rule("plays", "volume", "plays_day", "high", 125, "count", 5, z=Z_VOLUME),
    Rule("short_plays", "interaction", "share_under_35", "high", 0.6, "share", 0.05, min_plays=20),
    Rule("night", None, "night_share", "high", 0.45, "share", 0.15, min_plays=20),
    Rule("few_tracks", "repetition", "repeat_ratio", "high", 0.7, "share", 0.05, min_plays=50),
    Rule("one_artist", "repetition", "top_artist_share", "high", 0.8, "share", 0.05, min_plays=50),
    Rule("no_skip", "interaction", "skip_rate", "low", 0.0, "share", 0.03, min_plays=30, needs_own=True),
    Rule("even_gaps", "repetition", "gap_entropy", "low", 2.0, "bits", 0.25, min_plays=30),
    Rule("new_place", "place", "new_device_and_network", "high", 1, "count", 1, z=None, needs_own=True),
    Rule("payout_line", "payout", "share_30_35", "high", 0.3, "share", 0.05, min_plays=20, z=None, is_enough=True),
)  # fmt: skip
"""Floors: 12 h is 1 %, 20 h 0.09 % and 125 plays 5 % of honest user-days (KKBox user_logs); 0.3 of plays that stop from
30 to 35 s is six times what four real listeners reach on one day in twenty (people.csv of the calibration); the others
are assumptions, tested by the lab. 50 plays are four albums: fewer plays of one artist are an evening with a record."""


def rules_table() -> str:
    """Render the rules as Markdown: docs/guides/user-days.md carries it, and a test compares."""
    lines = [
        "| rule | group | feature | fires from | unusual from | only days of | enough alone | says |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for rule in RULES:
        sign = "≥" if rule.direction == "high" else "≤"
        unusual = "–" if rule.z is None else f"z {sign} {'' if sign == '≥' else '-'}{rule.z:g}"
        if rule.min_sds:
            unusual += f", and own mean + {rule.min_sds:g} sd"
        if rule.needs_own:
            unusual = "own history only" if rule.z is None else f"{unusual}; own history only"
        minimum = f"{rule.min_plays} plays" if rule.min_plays else "any"
        lines.append(
            f"| {rule.name} | {rule.group or '–'} | `{rule.feature}` | {sign} {format_quantity(rule.floor, rule.unit)} "
            f"| {unusual} | {minimum} | {'yes' if rule.is_enough else 'no'} "
            f"| {rule.reason.format(value='…', usual=USUAL_OWN.format(usual='…'))} |"
        )
    return "\n".join(lines)
