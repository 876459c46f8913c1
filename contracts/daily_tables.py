"""Tables of the lake that `playproof days run` writes: what is suspected of days, groups, tracks and accounts."""

from contracts.column import Column

USER_DAY_FLAGS = (
    Column("user_id", "string", "the account"),
    Column("local_date", "date", "the day, in the listener's own time zone"),
    Column("score", "double", "of all evidence together, in [0, 1], higher is more suspicious; flagged from 0.5"),
    Column("is_flagged", "boolean", "suspected by all evidence together: a person decides"),
    Column("by_rules", "boolean", "rules of at least two groups agree, or one that is enough alone fires"),
    Column("by_forest", "boolean", "the isolation forest finds the day rare"),
    Column("by_trees", "boolean", "the trees, which learned from labels, find it likely"),
    Column("trees_probability", "double", "probability of a bot by the trees; null where a field they need is unknown"),
    Column("rules", "array<string>", "names of the rules that fired"),
    Column("groups", "array<string>", "their groups: volume, repetition, place, interaction, payout"),
    Column("reasons", "array<string>", "in words, each with the number and what is usual; empty where not flagged"),
    Column("history_days", "int", "active days of the account in the 28 days before"),
    Column("baseline", "string", "own, or cohort where the account has under 7 active days of history"),
    Column("plays", "bigint", "plays of the day"),
    Column("streams", "bigint", "plays of at least 30 s"),
    Column("money_at_risk_eur", "double", "what the day's streams are paid under pro-rata pay"),
    Column("probability", "double", "that the day is a bot's, by all evidence together, at natural prevalence"),
    Column("priority", "double", "money_at_risk_eur × probability"),
    Column("is_sample", "boolean", "not flagged, drawn at random for review: without such rows recall cannot be known"),
    Column("model_version", "string", "of the user-day detector, and of the fusion that decides"),
    Column("categories", "array<string>", "kind of abuse of a flagged day: content, service, account; null if unknown"),
)
CAMPAIGNS = (
    Column("campaign_key", "string", "the group, by its kind and members: the same in every run"),
    Column("kind", "string", "lockstep, device, payment, shared_tracks, lifted_tracks or block"),
    Column("user_ids", "array<string>", "its accounts, sorted"),
    Column("size", "int", "number of accounts"),
    Column("score", "double", "in [0, 1], higher is more suspicious; flagged from 0.5"),
    Column("is_flagged", "boolean", "suspected: a person decides"),
    Column("probability", "double", "that its accounts are an operator's, by size, tightness and money"),
    Column("reasons", "array<string>", "in words, with honest explanations (an office, a household)"),
    Column("track_ids", "array<string>", "the tracks they have in common, most streams first, at most 20"),
    Column("first_seen", "timestamp", "first play together"),
    Column("last_seen", "timestamp", "last play together"),
    Column("streams", "bigint", "streams of its accounts"),
    Column("money_at_risk_eur", "double", "what these streams are paid under pro-rata pay"),
    Column("model_version", "string", "of the campaign detector"),
)
TRACK_RISK = (
    Column("track_id", "string", "the track"),
    Column("local_date", "date", "the day, in the listeners' own time zones"),
    Column("artist_id", "string", "its artist"),
    Column("streams", "bigint", "streams of that day"),
    Column("listeners", "bigint", "accounts with a stream"),
    Column("streams_per_listener", "double", "streams / listeners"),
    Column("suspicious_streams", "bigint", "streams of flagged user-days, campaigns and account windows"),
    Column("suspicious_share", "double", "suspicious_streams / streams"),
    Column("money_pro_rata_eur", "double", "what the suspicious streams are paid under pro-rata pay"),
    Column(
        "money_user_centric_eur", "double", "what they are paid where each account's fee pays for its own streams only"
    ),
    Column("role", "string", "suspected target (plays bought for it), suspected camouflage (a victim) or unclear"),
    Column("is_penalised", "boolean", "over 90 % of the month's streams are suspicious: the rule of 10 EUR per month"),
    Column("model_version", "string", "of the detectors that flagged"),
)
ACCOUNT_RISK = (
    Column("user_id", "string", "the account"),
    Column("rank", "int", "place in the queue: 1 is looked at first"),
    Column("priority", "double", "money_at_risk_eur × probability"),
    Column("probability", "double", "probability of a bot, from all detectors together"),
    Column("money_at_risk_eur", "double", "pro-rata pay of the streams of its flagged days, campaigns and windows"),
    Column("session_score", "double", "largest score of its sessions; null where none was scored"),
    Column("user_day_score", "double", "largest score of its user-days"),
    Column("campaign_score", "double", "largest score of the campaigns it is in; 0 where none"),
    Column("flagged_days", "int", "user-days flagged"),
    Column("campaign_keys", "array<string>", "flagged campaigns it is in"),
    Column("reasons", "array<string>", "the strongest of them, in words"),
    Column("model_version", "string", "of the detectors together"),
    Column("categories", "array<string>", "kinds of abuse of its flagged days, the most frequent first"),
)
ACCOUNT_HABITS = (
    Column("user_id", "string", "the account"),
    Column("sessions", "bigint", "sessions that were searched"),
    Column(
        "period_h",
        "double",
        "period, 1 h to 48 h but not a day or its parts, at which its sessions repeat most; null under 12 of them",
    ),
    Column("period_strength", "double", "from 0 to 1, clockwork: mean resultant length of their starts at this period"),
    Column("period_p_value", "double", "share of shuffled histories that repeat as strongly at any period"),
    Column("repeats", "boolean", "period_p_value under 0.001, period_strength at least 0.5"),
    Column("high_weeks", "int", "most weeks in a row of twice the median week before; null with too little before"),
)
