"""What analysts may decide about a case, why, and where it is kept: `data/<world>/verdicts.sqlite` is the truth.

The file's table `decisions` has the columns of `contracts.tables.VERDICTS` and only grows; its view `standing`
has the newest decision of each case. Topic `verdicts` carries the same rows.
"""

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
