"""Tables: static ones, the lake's, and truth. Types are Spark DDL; new columns are nullable, at the end."""

from contracts.column import Column
from contracts.daily_tables import ACCOUNT_HABITS, ACCOUNT_RISK, CAMPAIGNS, TRACK_RISK, USER_DAY_FLAGS
from contracts.events import ACTIVITY_FIELDS, PLAY_FIELDS, Field
from contracts.features import SESSION_FEATURES, SUSPICION
from contracts.rules import RULE_DAYS, RULE_HITS
from contracts.user_day_features import BASELINE_QUANTITIES, USER_DAY_FEATURES


def ddl(columns: tuple[Column, ...]) -> str:
    """Render columns as a Spark schema.

    >>> ddl(TRACKS[:2])
    'track_id string, title string'
    """
    return ", ".join(f"{c.name} {c.type}" for c in columns)


TRACKS = (
    Column("track_id", "string", "the track"),
    Column("title", "string", "its title"),
    Column("artist_id", "string", "its artist"),
    Column("artist", "string", "the artist's name"),
    Column("label_id", "string", "its label"),
    Column("genre", "string", "its genre"),
    Column("duration_ms", "int", "length in ms"),
    Column("released_on", "date", "release date"),
    Column("artist_popularity", "double", "share of plays by artist, frozen before day one; sums to 1"),
    Column("track_popularity", "double", "share of plays within the artist; sums to 1 within an artist"),
    Column("total_track_popularity", "double", "artist_popularity × track_popularity; sums to 1"),
)
USERS = (
    Column("user_id", "string", "the account"),
    Column("signed_up_on", "date", "date of sign-up"),
    Column("plan", "string", "free, premium, family or student"),
    Column("country", "string", "ISO 3166 country of the account"),
    Column("timezone", "string", "IANA time zone of the listener"),
    Column("age_band", "string", "age band"),
    Column("payment_id", "string", "opaque id of the payment method; null on the free plan"),
)
USER_BASELINES = (
    Column("user_id", "string", "the account"),
    Column("history_days", "int", "active days among the 28 local days before the table's date"),
    *(
        Column(f"{name}_{statistic}", "double", f"{meaning} of {name} over those days; null where no day has one")
        for name in BASELINE_QUANTITIES
        for statistic, meaning in (
            ("mean", "mean"),
            ("sd", "standard deviation (n - 1)"),
            ("median", "median"),
            ("mad", "median absolute deviation from the median, unscaled"),
        )
    ),
)
DEVICE_LINKS = (
    Column("kind", "string", "device or ip"),
    Column("id_hash", "bigint", "xxhash64 of the device_id or ip"),
    Column("accounts_7d", "int", "accounts seen on it in the 7 local days before the table's date"),
    Column("accounts_28d", "int", "the same in 28 days; an id with fewer than 2 is not listed"),
)
STATIC: dict[str, tuple[Column, ...]] = {
    "tracks": TRACKS,
    "users": USERS,
    "user_baselines": USER_BASELINES,
    "device_links": DEVICE_LINKS,
}
"""The last two are made daily by  playproof job baselines ; a world may lack them."""

_TYPES = {"time": "timestamp", "ms": "int", "epoch_s": "bigint", "bool": "boolean"}


def _from_field(field: Field) -> Column:
    return Column(field.name, _TYPES.get(field.kind, "string"), field.meaning)


LAKE_PLAYS = tuple(map(_from_field, PLAY_FIELDS))
LAKE_ACTIVITY = tuple(map(_from_field, ACTIVITY_FIELDS))
REJECTED = (
    Column("topic", "string", "topic of the message"),
    Column("partition", "int", "its partition"),
    Column("offset", "bigint", "its offset"),
    Column("position", "int", "place of the row in the message; null where the whole message is unreadable"),
    Column("rows", "bigint", "rows that this line counts: 1, or the header's count for an unreadable message"),
    Column("reason", "string", "first rule the row breaks"),
    Column("payload", "string", "the row or message, cut to 500 characters; never printed"),
    Column("date", "date", "day of arrival, UTC (partition)"),
)
REASONS = "array<struct<feature:string,value:double,contribution:double>>"
SESSIONS = (
    Column("session_key", "string", "user_id and its first event_time in ms: unique, the same in every replay"),
    Column("user_id", "string", "the account"),
    Column("client_session_ids", "array<string>", "the clients' own session ids seen in it, sorted"),
    Column("started_at", "timestamp", "earliest start of a play or activity"),
    Column("ended_at", "timestamp", "latest event_time"),
    Column("ts", "bigint", "largest ts of its rows, epoch seconds"),
    Column("scored_at", "timestamp", "when it was scored, by the clock of the worker that did"),
    *(Column(f.name, "double", f"{f.meaning} [{f.unit}]") for f in SESSION_FEATURES),
    Column("rawPrediction", "array<double>", "margins of the two classes"),
    Column("probability", "array<double>", "probabilities of the two classes"),
    Column("prediction", "double", "1 = flagged (at or over the review threshold)"),
    Column("score", "double", "in [0, 1], higher is more suspicious"),
    Column("is_flagged", "boolean", "score at or over the review threshold"),
    Column("is_filtered", "boolean", "score at or over the stricter threshold"),
    Column(
        "reasons",
        REASONS,
        "features that push the score up most, in log-odds; empty where it is not flagged",
    ),
    Column("model_version", "string", "name and hash of the model that scored it"),
    Column("track_counts", "array<struct<track_id:string,streams:int>>", "streams by track"),
    Column("plays_rows", "bigint", "rows of topic plays in it"),
    Column("plays_hash", "bigint", "sum of xxhash64(play_id), wrapping"),
    Column("activity_rows", "bigint", "rows of topic activity in it"),
    Column("activity_hash", "bigint", "sum of xxhash64(event_id), wrapping"),
    Column("date", "date", "UTC date of ended_at (partition)"),
)
ALERTS = (
    Column("session_key", "string", "the session, as lake/sessions will name it: at most one alert each"),
    Column("user_id", "string", "the account"),
    Column("started_at", "timestamp", "earliest start of a play or activity of the session"),
    Column("looked_at", "timestamp", "event time of the look that raised it; withdrawn: the end of the session"),
    Column("rows", "int", "rows of the session by then, of both topics"),
    Column("plays", "int", "of them plays"),
    Column("streams", "int", "of them plays of at least 30 s"),
    Column("money_eur", "double", "what those streams earn at the pro-rata price per stream"),
    Column("score", "double", "of the alerts model at that look; withdrawn: the final score of the session"),
    Column(
        "reasons",
        REASONS,
        f"features that push the score up most, in log-odds: of a session, or {SUSPICION.name}; withdrawn: empty",
    ),
    Column("model_version", "string", "name and hash of the model that scored it"),
    Column("ts", "bigint", "largest ts of the rows by then, epoch seconds"),
    Column("alerted_at", "timestamp", "when the row was written, by the clock of the worker that did"),
    Column("withdrawn", "boolean", "false: raised; true: the session has closed, and is not flagged"),
)
"""A session whose alert is withdrawn has two rows; of a key, the one with `withdrawn` counts."""
SHADOW = (
    Column("session_key", "string", "the session in lake/sessions"),
    Column("scored_at", "timestamp", "when the champion scored it"),
    Column("score", "double", "the challenger's, in [0, 1]; nothing is flagged by it"),
    Column("would_flag", "boolean", "score at or over the challenger's review threshold"),
    Column("would_filter", "boolean", "score at or over its stricter threshold"),
    Column(
        "reasons",
        REASONS,
        "features that push the score up most, in log-odds; null where it would not flag",
    ),
    Column("model_version", "string", "name and hash of the challenger; its rows are in lake/shadow/<name>-<hash>/"),
)
USER_DAYS = (
    Column("user_id", "string", "the account"),
    Column("local_date", "date", "the day in the account's time zone; in UTC where that is unknown"),
    Column("plan", "string", "free, premium, family or student; null where the account is unknown"),
    Column("country", "string", "ISO 3166 country of the account; null where the account is unknown"),
    Column("history_days", "int", "active days among the 28 local days before"),
    Column("sessions", "bigint", "stretches of rows without a pause over 30 minutes"),
    Column("plays", "bigint", "plays that ended in the day"),
    Column("streams", "bigint", "of them at least 30 s"),
    *(Column(f.name, "double", f"{f.meaning} [{f.unit}]") for f in USER_DAY_FEATURES),
    Column("date", "date", "local_date again"),
)
FRAUD_COUNT_TABLE = (
    Column("window_start", "timestamp", "start of the window on scored_at"),
    Column("window_end", "timestamp", "end of the window, 2 minutes later"),
    Column("sessions", "bigint", "sessions scored in it"),
    Column("flagged", "bigint", "of them flagged"),
    Column("flagged_streams", "bigint", "streams of flagged sessions"),
    Column("batch_id", "bigint", "micro-batch that wrote this version; readers take the newest per window"),
)
GENUINE_TOTALS = (
    Column("as_of", "timestamp", "newest scored_at counted"),
    Column("sessions", "bigint", "sessions not flagged, in total"),
    Column("plays", "bigint", "their plays"),
    Column("streams", "bigint", "their streams"),
    Column("hours", "double", "hours heard in them"),
    Column("batch_id", "bigint", "micro-batch that wrote this version"),
)
TOP_TRACKS = (
    Column("as_of", "timestamp", "newest scored_at counted; the report covers the 60 minutes before"),
    Column("rank", "int", "1 to 20"),
    Column("track_id", "string", "the track"),
    Column("title", "string", "its title"),
    Column("artist", "string", "its artist"),
    Column("streams", "bigint", "streams in sessions not flagged"),
    Column("batch_id", "bigint", "micro-batch that wrote this version"),
)
LAKE: dict[str, tuple[Column, ...]] = {
    "plays": LAKE_PLAYS,
    "activity": LAKE_ACTIVITY,
    "rejected": REJECTED,
    "sessions": SESSIONS,
    "alerts": ALERTS,
    "shadow": SHADOW,
    "rule_hits": RULE_HITS,
    "rule_days": RULE_DAYS,
    "user_days": USER_DAYS,
    "fraud_counts": FRAUD_COUNT_TABLE,
    "genuine_totals": GENUINE_TOTALS,
    "top_tracks": TOP_TRACKS,
    "user_day_flags": USER_DAY_FLAGS,
    "campaigns": CAMPAIGNS,
    "track_risk": TRACK_RISK,
    "account_risk": ACCOUNT_RISK,
    "account_habits": ACCOUNT_HABITS,
}

TRUTH_ROWS = (
    Column("row_id", "string", "play_id or event_id; rows are in the order of the raw table"),
    Column("user_id", "string", "the account"),
    Column("event_time", "timestamp", "as in the raw table"),
    Column("family", "string", "the bot family that made the row, or honest"),
    Column("campaign_id", "string", "the campaign it was made for; null if honest"),
    Column("is_paid", "boolean", "whether somebody paid for this play as a stream"),
)
_LISTENER = "only with [listeners]; null where nobody listens"
TRUTH_USERS = (
    Column("user_id", "string", "the account"),
    Column("family", "string", "honest, or the family that runs on the account"),
    Column("campaign_id", "string", "its campaign; null if honest"),
    Column("cohort", "string", "regular, or the hard negative it plays"),
    Column("mix_sesh", "float", f"chance that a session is of several artists; {_LISTENER}"),
    Column("pop_fan", "float", f"chance that a track is from the popular catalogue; {_LISTENER}"),
    Column("sesh_len", "float", f"mean plays of a session: the dial, or else what was simulated; {_LISTENER}"),
    Column("sesh_num", "float", f"mean sessions of a day: the dial, or else what was simulated; {_LISTENER}"),
    Column(
        "skip_prob", "float", f"chance that a play is cut short: the dial, or else the share simulated; {_LISTENER}"
    ),
)
TRUTH_CAMPAIGNS = (
    Column("campaign_id", "string", "the campaign"),
    Column("family", "string", "its family"),
    Column("target_artist_id", "string", "the artist it plays for; null where it has several"),
    Column("accounts", "int", "accounts it runs"),
    Column("streams_bought", "bigint", "streams bought; null where the deal is not by streams"),
    Column("streams_delivered", "bigint", "streams of at least 30 s delivered"),
    Column("target_track_ids", "array<string>", "the tracks it plays for money"),
)
