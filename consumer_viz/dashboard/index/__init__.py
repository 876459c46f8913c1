"""The case index: accounts and their sessions in SQLite, made from the lake."""
