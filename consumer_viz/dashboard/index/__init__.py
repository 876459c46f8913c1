"""The case index: accounts, their sessions and their cases in SQLite, made from the lake."""
