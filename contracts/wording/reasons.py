"""The sentences of reasons: of rules, pairs, trees and groups, and those that the desk makes of sessions."""

USUAL_OWN, USUAL_COHORT = "usually {usual}", "similar accounts: usually {usual}"
"""What a day is compared with: the account's own days, or accounts of the same kind while it has no history."""

RULES: dict[str, str] = {
    "hours": "listened {value}; {usual}",
    "no_rest": "no time left for sleep",
    "round_clock": "{value} of listening leave nobody time to sleep; {usual}",
    "plays": "{value} plays in a day; {usual}",
    "short_plays": "{value} of plays stop before 35 s; {usual}",
    "night": "{value} of plays between midnight and 5 am; {usual}",
    "few_tracks": "{value} of plays repeat a track of the day; {usual}",
    "one_artist": "{value} of plays are of one artist; {usual}",
    "no_skip": "no track was skipped all day; {usual}",
    "even_gaps": "tracks start like clockwork: variety of the gaps between starts {value} (0: all alike); {usual}",
    "new_place": "a device and a network not seen on this account before, at once",
    "payout_line": "{value} of plays stop in the five seconds after they begin to pay; {usual}",
}
"""Rule of the user-day detector -> its reason; `usual` is USUAL_OWN or USUAL_COHORT."""
UNBROKEN = " without a pause of 2 h"
"""Follows the value of rule `hours` where all of it is one stretch."""
UNUSUAL_PAIR = "an unusual combination: {first} with {second}; {usual}"
PAIR = "{first} and {second}"

OF_DAY = "{phrase}; honest listeners: usually {usual}"
OF_WEEKS = "{phrase}, over {days} days; honest listeners: usually {usual}"
OF_SESSION = "a session with a score of {score}"
OF_SESSION_WITH = "a session with a score of {score}: {phrases}"

LOCKSTEP = (
    "{accounts} play the same tracks in the same hours: any two of them share {share} of their listening; unrelated "
    "accounts share under 2 %"
)
SHARED_TRACKS = "{accounts} repeat the same {tracks}, which hardly anybody else repeats: {share} of them in common"
LIFTED_TRACKS = "{accounts} make most of the plays of {tracks}: over {times} times the plays that popularity explains"
SHARED_DEVICES = "{accounts} share {devices}; usually a device has one account"
SHARED_PAYMENT = "{accounts} are paid for by one payment method; usually one is"
BLOCK = "{accounts} play the same {tracks} that hardly anybody plays: {share} of all pairs of account and track"
OVER_CHANCE = ", {times} times as dense as chance makes it"
"""Follows BLOCK where the block is denser than chance makes one."""
MAYBE_FANS = "it may be fans of one artist"
MAYBE_RELEASE_DAY = "it may be fans on a release day"
MAYBE_LENT = "it may be two people who lend each other a phone"
MAYBE_HOUSEHOLD = "it may be a household: up to {members} members share a family plan"

FACT = "{phrase} in a suspected session; nine in ten honest sessions: {usual}"
FACT_OF_MANY = "{phrase} in {sessions} of {flagged} suspected sessions (median); nine in ten honest sessions: {usual}"
IN_ONE_SESSION = "{phrases}, in one session"
OWN_OTHERS = "its other sessions: {own}"
TOGETHER = (
    "{first}, and {second} in the same session; of honest sessions with {condition} of the first, 95 in 100 have "
    "{limit}"
)
OF_SECOND = "{value} of the second"
OR_MORE, OR_LESS, AT_MOST, AT_LEAST = "{value} or more", "{value} or less", "at most {value}", "at least {value}"
COMMON = "common alone, counts together with the above: {phrases}"
ALL_COMMON = "each of these is common alone, only together they are suspected: {phrases}"
COMMON_PHRASE = "{phrase} (honest sessions: {usual})"
NO_REASONS = "no reasons"
WITHOUT_REASONS = "flagged by {model} with a score of {score}: it gives no reasons"
OPEN_SESSION = "an alert while it listens: after {streams} of the session, with a score of {score}: {phrases}"
RULE_OF_DAYS = "rule {rule}, {period}: {title}; {phrases}"
RULE = "rule {rule}, in {hits}: {title}"
RULE_WITH = "rule {rule}, in {hits}: {title}; in the largest: {phrases}"
NO_SESSION = "no session is suspected: the suspicion comes from {sources}"
SOURCES = {"days": "its days as a whole", "weeks": "its weeks", "groups": "the accounts that act together with it"}
"""What else may suspect an account, by the daily run."""
