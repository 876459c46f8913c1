"""Which way a feature may push a session's score: more of a loop is never a sign of innocence.

The oldest bot repeats one track all day. In a training world children and superfans repeat tracks too, and there trees
learn that a perfect loop is honest. So what such a bot has more of may raise the score or not matter, in any world.
"""

from contracts.features import FEATURE_NAMES

RAISE = (
    "plays", "streams", "hours", "span_h", "duty", "loop_share", "repeat_ratio", "modal_gap_share", "plays_vs_own",
    "hours_vs_own", "repeat_ratio_vs_own", "top_artist_share_vs_own",
)  # fmt: skip
"""Features whose growth never lowers the score."""
LOWER = ("gap_entropy", "interaction_rate")
"""Features whose growth never raises it."""
CONSTRAINTS = f"({','.join(str(int(name in RAISE) - int(name in LOWER)) for name in FEATURE_NAMES)})"
"""The same as XGBoost reads it: 1, −1 or 0 for each feature, in the order of FEATURE_NAMES."""
