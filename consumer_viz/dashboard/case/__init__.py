"""Page Case: one account, its evidence, its history, its export."""
