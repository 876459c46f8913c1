"""Money at risk by account, track and artist."""
