"""The log table of a Markov generator: one row per session, with the labels that its generator knows."""

from contracts.column import Column

FOLDER, FILE, STATES_FILE = "session_log", "part.parquet", "states.json"
"""In a world's folder: the table, and the names of the states by code; code 0 is PAD, for sequences of equal length."""
PAD, START, END = "<pad>", "start", "end"

COLUMNS = (
    Column("UserID", "int", "the user, from 0"),
    Column("Day", "int", "the day, from 0"),
    Column("UserSessionId", "int", "the session, from 0 for each user"),
    Column("SessionActivity", "array<string>", "the states in order, from start to end"),
    Column("UserRole", "int", "the user's role when honest: its place in the scenario's roles"),
    Column("PotentialFraudster", "int", "1 if some of the user's sessions may be fraudulent"),
    Column("FraudulentActivity", "int", "0 for an honest session, else the number of its kind of fraud, from 1"),
)
"""The last three are truth: a detector reads the first four."""
