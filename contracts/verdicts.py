"""What analysts may decide about a case, why, and where it is kept: `data/<world>/verdicts.sqlite` is the truth.

The file's table `decisions` has these columns and only grows; its view `standing`
has the newest decision of each case. Topic `verdicts` carries the same rows.
"""

from contracts.column import Column

CONFIRM, DISMISS, NEED_MORE, OPEN, PROPOSED = "confirm", "dismiss", "need_more", "open", "proposed"
VERDICTS = (CONFIRM, DISMISS, NEED_MORE, OPEN, PROPOSED)
"""`open`: no decision counts any more, because an undo took the only one back. `proposed`: one analyst confirmed a case
over the set sum; it counts as confirmed when a second one confirms it too."""

DECIDE, UNDO, APPEAL, UPHOLD, ROLL_BACK, SECOND = "decide", "undo", "appeal", "uphold", "roll_back", "second_review"
STEPS = (DECIDE, UNDO, APPEAL, UPHOLD, ROLL_BACK, SECOND)
"""What a row of `decisions` did. After an appeal the verdict still counts until it is upheld or rolled back."""

BY_FLAG, BLIND, RANDOM = "flag", "blind", "random"
DRAWS = (BY_FLAG, BLIND, RANDOM)
"""How a case came to review: flagged; flagged, but shown without its score; not flagged, drawn at random."""

REASONS: dict[str, dict[str, str]] = {
    CONFIRM: {
        "short_loop_30s": "short plays just over 30 s, in a loop",
        "no_circadian_pause": "no breaks to sleep or eat",
        "regular_gap": "the time between plays is too regular for a person",
        "single_track_loop": "one track over and over",
        "device_or_ip_farm": "many accounts on few devices or addresses",
        "geo_concentration": "impossible or odd places",
        "velocity": "more plays than a person can hear",
    },
    DISMISS: {
        "shared_household": "several people on one account",
        "sleep_or_focus_playlist": "sleep, focus or background listening",
        "venue_account": "a shop, a bar, a waiting room",
        "superfan": "a genuine fan of one artist",
        "internal_test": "our own test account",
        "data_error": "the data is wrong, not the listener",
    },
    NEED_MORE: {
        "more_days": "wait for more days of listening",
        "second_opinion": "another analyst should look",
        "ask_holder": "ask the account's holder",
    },
}
"""Verdict -> reason code -> its text, in the order of the keys 1–9."""

NOTE_CHARS = 1000
"""Longest note."""
RANDOM_SHARE = 0.015
"""Share of unflagged accounts that go to review: without them recall cannot be known."""
BLIND_SHARE = 0.02
"""Share of flagged accounts that are reviewed without their score: do analysts only follow the number?"""
COLUMNS = (
    Column("case_id", "string", "the case that was decided: one account and what it was flagged for"),
    Column("version", "int", "1 for the first decision on a case, then counted up; the newest counts"),
    Column("user_id", "string", "the account"),
    Column(
        "verdict",
        "string",
        "confirm, dismiss, need_more, proposed (for a second review), or open: an undo left nothing",
    ),
    Column("reason_code", "string", "why, from the closed list of reasons"),
    Column("note", "string", "the analyst's comment; null where none"),
    Column("analyst", "string", "who decided"),
    Column("model_version", "string", "name and hash of the model whose flag it was"),
    Column("decided_at", "timestamp", "when"),
    Column("step", "string", "decide, undo, appeal, uphold, roll_back or second_review (the second person confirmed)"),
    Column("drawn_by", "string", "flag, blind (flagged, score hidden) or random (not flagged)"),
    Column("draw_probability", "double", "how likely an account like it gets to review"),
)
