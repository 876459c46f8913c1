"""Messages of topic `actions`: which streams are not to be paid for, and when that ends.

An action is what a verdict, or an automatic hold, means for the money. Actions of one case are counted up (`sequence`);
the one with the highest number is valid, in whatever order and however often they arrive. A hold lists all that is held
from then on: it replaces the case's earlier one. A hold ends by a later action, or by itself at `expires_at`.
"""

from contracts.column import Column

HOLD, RELEASE, RESTORE = "hold", "release", "restore"
KINDS = (HOLD, RELEASE, RESTORE)
"""`hold`: do not pay these streams for now. `release`: the hold was lifted, pay them. `restore`: an appeal was granted,
pay them; kept apart from a release, as it corrects a statement that may have gone out."""
BY_VERDICT, BY_THRESHOLD = "verdict", "threshold"
CAUSES = (BY_VERDICT, BY_THRESHOLD)
"""`verdict`: a person decided. `threshold`: the session's score reached the set threshold, nobody decided yet."""
OVER_THRESHOLD = "score_over_threshold"
"""Reason of an automatic hold; that of any other action is the reason code of its verdict."""
TAKEN_BACK, NOT_CONFIRMED = "verdict_taken_back", "not_confirmed"
"""Reasons of a release without a reason code: an undo, or a case that needs more."""

MICROS_PER_EUR = 1_000_000
"""Money travels in whole millionths of a euro, so that sums do not depend on their order."""
LINES = "array<struct<session_key:string,track_id:string,month:string,streams:int,eur_micros:bigint>>"
COLUMNS = (
    Column("action_id", "string", "the same for the same verdict: a reader takes each id once"),
    Column("case_id", "string", "the case: one account"),
    Column("sequence", "int", "1 for the first action of the case, then counted up; the highest is valid"),
    Column("user_id", "string", "the account"),
    Column("action", "string", "hold, release (the hold was lifted) or restore (an appeal was granted)"),
    Column("cause", "string", "verdict (a person decided) or threshold (the score did, nobody decided yet)"),
    Column("reason", "string", "reason code of the verdict; score_over_threshold, verdict_taken_back or not_confirmed"),
    Column("verdict_version", "int", "version of the case's verdict that caused it; null for an automatic hold"),
    Column("ends", "string", "action_id of the hold that it ends or replaces; null where there was none"),
    Column("created_at", "timestamp", "when"),
    Column("expires_at", "timestamp", "when a hold ends by itself; null for release and restore"),
    Column("lines", LINES, "of a hold: streams and millionths of a euro by session, track and UTC month; else empty"),
)
NULLABLE = frozenset({"verdict_version", "ends", "expires_at"})
